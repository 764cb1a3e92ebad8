from contexts.stores.application.ports import Catalogue, Products, Stores
from mallbots_platform.messages import command


@command
class IncreaseProductPrice:
    product_id: str
    price: int


def increase_product_price(
    command: IncreaseProductPrice, stores: Stores, products: Products, catalogue: Catalogue
) -> None:
    product = products.get(command.product_id)
    stores.get(product.store_id).must_be_open()
    product.increase_price(command.price)
    products.save(product)
    catalogue.show(product)
