from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, MetaData, String, Table

metadata = MetaData()

shopping_lists = Table(
    "shopping_lists",
    metadata,
    Column("id", String, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("correlation_id", String, nullable=False),
    Column("order_id", String, nullable=False, unique=True),
    Column("stops", JSON, nullable=False),
    Column("status", String, nullable=False),
    Column("bot_id", String, nullable=False),
    Column("store_id", String, nullable=False),
    Index("shopping_lists_by_status", "status", "id"),
)

bots = Table(
    "bots",
    metadata,
    Column("id", String, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("correlation_id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("status", String, nullable=False),
    Column("shopping_list_id", String, nullable=False),
    Column("idle_since", String),
    Index("bots_by_status", "status", "idle_since"),
)

products = Table(
    "products",
    metadata,
    Column("product_id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("version", BigInteger, nullable=False),
)

stores = Table(
    "stores",
    metadata,
    Column("store_id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("location", String, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
)
