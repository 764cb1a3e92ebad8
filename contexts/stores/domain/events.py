"""What stores and products are made of; the stream they stand in says whose they are."""

from mallbots_platform.messages import event


@event
class StoreOpened:
    name: str
    location: str


@event
class StoreRebranded:
    name: str


@event
class StoreParticipationEnabled:
    pass


@event
class StoreParticipationDisabled:
    pass


@event
class StoreClosed:
    pass


@event
class ProductAdded:
    store_id: str
    name: str
    description: str
    sku: str
    price: int
    currency: str


@event
class ProductRebranded:
    name: str
    description: str


@event
class ProductPriceIncreased:
    price: int


@event
class ProductPriceDecreased:
    price: int


@event
class ProductRemoved:
    pass


StoreEvent = StoreOpened | StoreRebranded | StoreParticipationEnabled | StoreParticipationDisabled | StoreClosed
ProductEvent = ProductAdded | ProductRebranded | ProductPriceIncreased | ProductPriceDecreased | ProductRemoved
STORE_EVENTS = (StoreOpened, StoreRebranded, StoreParticipationEnabled, StoreParticipationDisabled, StoreClosed)
PRODUCT_EVENTS = (ProductAdded, ProductRebranded, ProductPriceIncreased, ProductPriceDecreased, ProductRemoved)
