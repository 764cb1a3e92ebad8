from contexts.stores.application.ports import Catalogue, Products, Skus, Stores
from mallbots_platform.messages import command


@command
class RemoveProduct:
    product_id: str


def remove_product(
    command: RemoveProduct, stores: Stores, products: Products, skus: Skus, catalogue: Catalogue
) -> None:
    product = products.get(command.product_id)
    stores.get(product.store_id).must_be_open()
    product.remove()
    products.save(product)
    skus.release(product.store_id, product.sku)
    catalogue.take_down(product)
