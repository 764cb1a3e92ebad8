from contexts.stores.application.ports import Catalogue, Products, Stores
from mallbots_platform.messages import command


@command
class RebrandProduct:
    product_id: str
    name: str
    description: str


def rebrand_product(command: RebrandProduct, stores: Stores, products: Products, catalogue: Catalogue) -> None:
    product = products.get(command.product_id)
    stores.get(product.store_id).must_be_open()
    product.rebrand(command.name, command.description)
    products.save(product)
    catalogue.show(product)
