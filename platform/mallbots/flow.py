"""`mallbots flow ID`: everything that belongs to an order, an event, a correlation or a trace, as a causal tree."""

import asyncio
from pathlib import Path

from mallbots import causal_tree
from mallbots.causal_tree import Flow
from mallbots.operators import Operators, open_operators
from mallbots.reporting import Failed, print_json
from mallbots_platform import operator_pb2 as pb

MOST_CONVERSATIONS = 20
MOST_FOREIGN_CAUSES = 50


async def flow(data: Path, id: str, as_json: bool, everything: bool) -> None:
    async with open_operators(data) as operators:
        found = await find_flow(operators, id)
    if as_json:
        from dataclasses import asdict

        print_json(asdict(found))
    else:
        from mallbots.flow_view import show_flow

        show_flow(found, everything=everything)


async def find_flow(operators: Operators, id: str) -> Flow:
    """Raises Failed when nobody has heard of the id."""
    named, received = await asyncio.gather(operators.messages(id), operators.deliveries(id))
    conversations = {entry.correlation_id for entry in named} | {each.correlation_id for each in received}
    if not conversations:
        raise Failed(f"nobody knows the id {id}: give that of an order, an event, a correlation or a trace")
    if len(conversations) > MOST_CONVERSATIONS:
        raise Failed(f"{id} is named in {len(conversations)} flows: give an id of one of them")
    entries, deliveries = await _conversations(operators, conversations)
    requests, elsewhere = await _causes(operators, entries)
    parked = [message for _, message in await operators.parked()]
    return causal_tree.build(id, entries, deliveries, requests, parked, elsewhere)


async def _conversations(operators: Operators, ids: set[str]) -> tuple[list[pb.LogEntry], list[pb.Delivery]]:
    messages = await asyncio.gather(*(operators.messages(id) for id in ids))
    deliveries = await asyncio.gather(*(operators.deliveries(id) for id in ids))
    return (
        [entry for found in messages for entry in found if entry.correlation_id in ids],
        [delivery for found in deliveries for delivery in found if delivery.correlation_id in ids],
    )


async def _causes(operators: Operators, entries: list[pb.LogEntry]) -> tuple[list[pb.Request], list[pb.LogEntry]]:
    """What began it: calls and timers, and messages of other flows."""
    known = {entry.message_id for entry in entries}
    outside = {entry.causation_id for entry in entries} - known - {""}
    requests = await operators.requests(outside)
    foreign = sorted(outside - {request.id for request in requests})[:MOST_FOREIGN_CAUSES]
    answers = await asyncio.gather(*(operators.messages(id) for id in foreign))
    elsewhere = [entry for found in answers for entry in found if entry.message_id in foreign]
    return requests, elsewhere
