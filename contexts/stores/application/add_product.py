from contexts.stores.application.ports import Catalogue, Products, Skus, Stores
from contexts.stores.domain import Product
from mallbots_platform.messages import command


@command
class AddProduct:
    product_id: str
    store_id: str
    name: str
    description: str
    sku: str
    price: int
    currency: str


def add_product(command: AddProduct, stores: Stores, products: Products, skus: Skus, catalogue: Catalogue) -> None:
    stores.get(command.store_id).must_be_open()
    skus.claim(command.store_id, command.sku, command.product_id)
    product = Product.add(
        command.product_id,
        command.store_id,
        name=command.name,
        description=command.description,
        sku=command.sku,
        price=command.price,
        currency=command.currency,
    )
    products.add(product)
    catalogue.show(product)
