"""What of the own events the other contexts get to know."""

from collections.abc import Iterator

from contexts.stores import contract
from contexts.stores.domain import Product, Store, events


def published_events(source: Store | Product, event: object) -> Iterator[object]:
    match source:
        case Store():
            yield from _of_store(source, event)
        case Product():
            yield from _of_product(source, event)


def _of_store(store: Store, event: object) -> Iterator[object]:
    match event:
        case events.StoreOpened(name=name, location=location):
            yield contract.StoreOpened(store_id=store.id, name=name, location=location, version=store.version)
        case events.StoreRebranded(name=name):
            yield contract.StoreRebranded(store_id=store.id, name=name, version=store.version)
        case events.StoreParticipationEnabled():
            yield contract.StoreParticipationEnabled(store_id=store.id, version=store.version)
        case events.StoreParticipationDisabled():
            yield contract.StoreParticipationDisabled(store_id=store.id, version=store.version)
        case events.StoreClosed():
            yield contract.StoreClosed(store_id=store.id, version=store.version)


def _of_product(product: Product, event: object) -> Iterator[object]:
    match event:
        case events.ProductAdded():
            yield contract.ProductAdded(
                product_id=product.id,
                store_id=event.store_id,
                name=event.name,
                sku=event.sku,
                price=event.price,
                currency=event.currency,
                version=product.version,
            )
        case events.ProductRebranded(name=name):
            yield contract.ProductRebranded(
                product_id=product.id, store_id=product.store_id, name=name, version=product.version
            )
        case events.ProductPriceIncreased(price=price) | events.ProductPriceDecreased(price=price):
            yield contract.ProductPriceChanged(
                product_id=product.id,
                store_id=product.store_id,
                price=price,
                currency=product.currency,
                version=product.version,
            )
        case events.ProductRemoved():
            yield contract.ProductRemoved(product_id=product.id, store_id=product.store_id, version=product.version)
