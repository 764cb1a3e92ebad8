"""Published facts. `version` is that of the store or product after the fact: of two copies, the higher one is newer."""

from mallbots_platform.messages import event


@event
class StoreOpened:
    store_id: str
    name: str
    location: str
    version: int


@event
class StoreRebranded:
    store_id: str
    name: str
    version: int


@event
class StoreParticipationEnabled:
    """The store's goods may be put into baskets from now on."""

    store_id: str
    version: int


@event
class StoreParticipationDisabled:
    store_id: str
    version: int


@event
class StoreClosed:
    """For good. A participating store publishes `StoreParticipationDisabled` first."""

    store_id: str
    version: int


@event
class ProductAdded:
    product_id: str
    store_id: str
    name: str
    sku: str
    price: int
    currency: str
    version: int


@event
class ProductRebranded:
    product_id: str
    store_id: str
    name: str
    version: int


@event
class ProductPriceChanged:
    """Carries the new price, in minor units, never a difference."""

    product_id: str
    store_id: str
    price: int
    currency: str
    version: int


@event
class ProductRemoved:
    product_id: str
    store_id: str
    version: int
