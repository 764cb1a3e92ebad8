from collections.abc import Callable

from contexts.stores.application.add_product import AddProduct, add_product
from contexts.stores.application.close_store import CloseStore, close_store
from contexts.stores.application.decrease_product_price import DecreaseProductPrice, decrease_product_price
from contexts.stores.application.disable_participation import DisableParticipation, disable_participation
from contexts.stores.application.enable_participation import EnableParticipation, enable_participation
from contexts.stores.application.increase_product_price import IncreaseProductPrice, increase_product_price
from contexts.stores.application.open_store import OpenStore, open_store
from contexts.stores.application.ports import (
    Catalogue,
    Mall,
    ProductOnShow,
    Products,
    Skus,
    StoreOnShow,
    Stores,
)
from contexts.stores.application.rebrand_product import RebrandProduct, rebrand_product
from contexts.stores.application.rebrand_store import RebrandStore, rebrand_store
from contexts.stores.application.remove_product import RemoveProduct, remove_product
from contexts.stores.contract import stores_pb2 as pb
from mallbots_platform.grpc_server import read, write
from mallbots_platform.paging import Page
from mallbots_platform.validation import LONGEST_ID, amount, currency, identifier, optional_text, text


class StoresApi:
    def __init__(
        self,
        stores: Stores,
        products: Products,
        skus: Skus,
        mall: Mall,
        catalogue: Catalogue,
        new_id: Callable[[], str],
    ) -> None:
        self.stores = stores
        self.products = products
        self.skus = skus
        self.mall = mall
        self.catalogue = catalogue
        self.new_id = new_id

    @write
    def OpenStore(self, request: pb.OpenStoreRequest) -> pb.OpenStoreResponse:
        command = OpenStore(
            store_id=self.new_id(), name=text(request.name, "name"), location=text(request.location, "location")
        )
        open_store(command, self.stores, self.mall)
        return pb.OpenStoreResponse(store_id=command.store_id)

    @write
    def RebrandStore(self, request: pb.RebrandStoreRequest) -> pb.RebrandStoreResponse:
        command = RebrandStore(store_id=identifier(request.store_id, "store_id"), name=text(request.name, "name"))
        rebrand_store(command, self.stores, self.mall)
        return pb.RebrandStoreResponse()

    @write
    def EnableParticipation(self, request: pb.EnableParticipationRequest) -> pb.EnableParticipationResponse:
        command = EnableParticipation(store_id=identifier(request.store_id, "store_id"))
        enable_participation(command, self.stores, self.mall)
        return pb.EnableParticipationResponse()

    @write
    def DisableParticipation(self, request: pb.DisableParticipationRequest) -> pb.DisableParticipationResponse:
        command = DisableParticipation(store_id=identifier(request.store_id, "store_id"))
        disable_participation(command, self.stores, self.mall)
        return pb.DisableParticipationResponse()

    @write
    def CloseStore(self, request: pb.CloseStoreRequest) -> pb.CloseStoreResponse:
        command = CloseStore(store_id=identifier(request.store_id, "store_id"))
        close_store(command, self.stores, self.mall)
        return pb.CloseStoreResponse()

    @read
    def GetStore(self, request: pb.GetStoreRequest) -> pb.GetStoreResponse:
        store = self.mall.store(identifier(request.store_id, "store_id"))
        return pb.GetStoreResponse(store=_store(store))

    @read
    def ListStores(self, request: pb.ListStoresRequest) -> pb.ListStoresResponse:
        page = Page.of(request)
        stores = self.mall.stores(page.after, page.size)
        token = _next_token(page, [store.store_id for store in stores])
        return pb.ListStoresResponse(stores=map(_store, stores), next_page_token=token)

    @read
    def ListParticipatingStores(self, request: pb.ListParticipatingStoresRequest) -> pb.ListParticipatingStoresResponse:
        page = Page.of(request)
        stores = self.mall.participating_stores(page.after, page.size)
        token = _next_token(page, [store.store_id for store in stores])
        return pb.ListParticipatingStoresResponse(stores=map(_store, stores), next_page_token=token)

    @write
    def AddProduct(self, request: pb.AddProductRequest) -> pb.AddProductResponse:
        command = AddProduct(
            product_id=self.new_id(),
            store_id=identifier(request.store_id, "store_id"),
            name=text(request.name, "name"),
            description=optional_text(request.description, "description"),
            sku=text(request.sku, "sku", LONGEST_ID),
            price=amount(request.price, "price", least=1),
            currency=currency(request.currency, "currency"),
        )
        add_product(command, self.stores, self.products, self.skus, self.catalogue)
        return pb.AddProductResponse(product_id=command.product_id)

    @write
    def RebrandProduct(self, request: pb.RebrandProductRequest) -> pb.RebrandProductResponse:
        command = RebrandProduct(
            product_id=identifier(request.product_id, "product_id"),
            name=text(request.name, "name"),
            description=optional_text(request.description, "description"),
        )
        rebrand_product(command, self.stores, self.products, self.catalogue)
        return pb.RebrandProductResponse()

    @write
    def IncreaseProductPrice(self, request: pb.IncreaseProductPriceRequest) -> pb.IncreaseProductPriceResponse:
        command = IncreaseProductPrice(
            product_id=identifier(request.product_id, "product_id"), price=amount(request.price, "price", least=1)
        )
        increase_product_price(command, self.stores, self.products, self.catalogue)
        return pb.IncreaseProductPriceResponse()

    @write
    def DecreaseProductPrice(self, request: pb.DecreaseProductPriceRequest) -> pb.DecreaseProductPriceResponse:
        command = DecreaseProductPrice(
            product_id=identifier(request.product_id, "product_id"), price=amount(request.price, "price", least=1)
        )
        decrease_product_price(command, self.stores, self.products, self.catalogue)
        return pb.DecreaseProductPriceResponse()

    @write
    def RemoveProduct(self, request: pb.RemoveProductRequest) -> pb.RemoveProductResponse:
        command = RemoveProduct(product_id=identifier(request.product_id, "product_id"))
        remove_product(command, self.stores, self.products, self.skus, self.catalogue)
        return pb.RemoveProductResponse()

    @read
    def GetProduct(self, request: pb.GetProductRequest) -> pb.GetProductResponse:
        product = self.catalogue.product(identifier(request.product_id, "product_id"))
        return pb.GetProductResponse(product=_product(product))

    @read
    def GetCatalogue(self, request: pb.GetCatalogueRequest) -> pb.GetCatalogueResponse:
        page = Page.of(request)
        store = self.mall.store(identifier(request.store_id, "store_id"))
        products = self.catalogue.products_of(store.store_id, page.after, page.size)
        token = _next_token(page, [product.product_id for product in products])
        return pb.GetCatalogueResponse(products=map(_product, products), next_page_token=token)


def _store(store: StoreOnShow) -> pb.Store:
    return pb.Store(
        store_id=store.store_id,
        name=store.name,
        location=store.location,
        participating=store.participating,
        open=store.open,
        version=store.version,
    )


def _product(product: ProductOnShow) -> pb.Product:
    return pb.Product(
        product_id=product.product_id,
        store_id=product.store_id,
        name=product.name,
        description=product.description,
        sku=product.sku,
        price=product.price,
        currency=product.currency,
        version=product.version,
    )


def _next_token(page: Page, ids: list[str]) -> str:
    return page.next_token(ids[-1] if ids else "", full=len(ids) == page.size)
