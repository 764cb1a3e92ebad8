"""The ten dashboards, one a module, in the order in which they are read."""

from dashboards.boards.consumers import CONSUMERS
from dashboards.boards.event_store import EVENT_STORE
from dashboards.boards.flows import FLOWS
from dashboards.boards.load_and_faults import LOAD_AND_FAULTS
from dashboards.boards.mall_today import MALL_TODAY
from dashboards.boards.one_context import ONE_CONTEXT
from dashboards.boards.outbox_and_streams import OUTBOX_AND_STREAMS
from dashboards.boards.redis_and_postgresql import REDIS_AND_POSTGRESQL
from dashboards.boards.sagas import SAGAS
from dashboards.boards.telemetry_itself import TELEMETRY_ITSELF
from dashboards.panels import Board

BOARDS: tuple[Board, ...] = (
    MALL_TODAY,
    FLOWS,
    CONSUMERS,
    OUTBOX_AND_STREAMS,
    SAGAS,
    ONE_CONTEXT,
    EVENT_STORE,
    REDIS_AND_POSTGRESQL,
    LOAD_AND_FAULTS,
    TELEMETRY_ITSELF,
)
