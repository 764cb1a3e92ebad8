"""Read models, written in the transaction of the change they show."""

from sqlalchemy import BigInteger, Boolean, Column, Index, MetaData, String, Table

metadata = MetaData()

mall = Table(
    "mall",
    metadata,
    Column("store_id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("location", String, nullable=False),
    Column("participating", Boolean, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
)

catalogue = Table(
    "catalogue",
    metadata,
    Column("product_id", String, primary_key=True),
    Column("store_id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("description", String, nullable=False),
    Column("sku", String, nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("version", BigInteger, nullable=False),
    Index("catalogue_by_store", "store_id", "product_id"),
)

skus = Table(
    "skus",
    metadata,
    Column("store_id", String, primary_key=True),
    Column("sku", String, primary_key=True),
    Column("product_id", String, nullable=False),
)
