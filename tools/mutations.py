"""How each promise would be broken: one patch a mutation, small enough to be an honest mistake."""

from typing import NamedTuple

LIBRARY = "platform/mallbots_platform"


class Mutation(NamedTuple):
    promise: str
    name: str
    file: str
    old: str
    new: str


MUTATIONS = (
    Mutation(
        "one-transaction",
        "messages of a failed piece are kept",
        f"{LIBRARY}/writer.py",
        "            del notes[mark:]\n",
        "            pass\n",
    ),
    Mutation(
        "one-transaction",
        "an outage told by a repository is no outage",
        f"{LIBRARY}/database.py",
        "        if isinstance(error, DatabaseAway):\n            return True\n",
        "",
    ),
    Mutation(
        "no-lost-update",
        "a version that is taken is passed over",
        f"{LIBRARY}/event_store.py",
        '    VALUES (?, ?, ?, ?, ?, ?, ?)\n"""\n_READ_SNAPSHOT',
        '    VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING\n"""\n_READ_SNAPSHOT',
    ),
    Mutation(
        "no-lost-update",
        "a row is written whatever its version is",
        f"{LIBRARY}/rows.py",
        "(self._table.c.id == entity.id) & (self._table.c.version == before)",
        "self._table.c.id == entity.id",
    ),
    Mutation(
        "asked-once",
        "what was answered before is not looked up",
        f"{LIBRARY}/requests.py",
        "self._database.run(_FIND, (*_place(incoming), *_place(incoming))) if incoming.key else []",
        "[]",
    ),
    Mutation(
        "asked-once",
        "a key is everybody's",
        f"{LIBRARY}/requests.py",
        "    return incoming.caller, incoming.method, incoming.key\n",
        '    return "", incoming.method, incoming.key\n',
    ),
    Mutation(
        "asked-once",
        "a key is the call's id",
        f"{LIBRARY}/grpc_server.py",
        "        id=new_id(),\n",
        "        id=key or new_id(),\n",
    ),
    Mutation(
        "gapless",
        "numbers skip one",
        f"{LIBRARY}/numbers.py",
        "self._database.run(_ADVANCE, (*place, count))",
        "self._database.run(_ADVANCE, (*place, count + 1))",
    ),
    Mutation(
        "no-second-copy",
        "ids are made by Redis",
        f"{LIBRARY}/streams.py",
        "redis.call('XADD', KEYS[1], string.format('%.0f-0', last), 'e', ARGV[i], 't', published)",
        "redis.call('XADD', KEYS[1], '*', 'e', ARGV[i], 't', published)",
    ),
    Mutation(
        "disposable-redis",
        "a stream that ends early is believed to be complete",
        f"{LIBRARY}/relay.py",
        "            progress.published = max(stream_ends, progress.floor)\n",
        "",
    ),
    Mutation(
        "disposable-redis",
        "the streams are compared only at the start",
        f"{LIBRARY}/relay.py",
        "            if self._loop.time() - self._compared_at > POLL_SECONDS:\n",
        "            if False:\n",
    ),
    Mutation(
        "once",
        "no inbox: what is at or below the mark is applied again",
        f"{LIBRARY}/inbox.py",
        "            if entry.seq <= applied.mark.seq:\n                applied.duplicates += 1\n            elif not",
        "            if not",
    ),
    Mutation(
        "acknowledged-last",
        "acknowledged before it is applied",
        f"{LIBRARY}/subscriptions.py",
        "        delivered = await asyncio.gather(",
        "        await self._acknowledge(batches)\n        delivered = await asyncio.gather(",
    ),
    Mutation(
        "holes-heal",
        "a hole is passed over",
        f"{LIBRARY}/inbox.py",
        'problem = f"entry {entry.seq} came after {mark.seq}" if entry.seq > mark.seq + 1 else ""',
        'problem = ""',
    ),
    Mutation(
        "holes-heal",
        "a lost end is not looked for",
        f"{LIBRARY}/healing.py",
        "            if _has_lost_its_end(",
        "            if False and _has_lost_its_end(",
    ),
    Mutation(
        "from-the-beginning",
        "groups are created at the end",
        f"{LIBRARY}/subscriptions.py",
        'xgroup_create(stream.key, self.group, f"{mark}-0", mkstream=True)',
        'xgroup_create(stream.key, self.group, "$", mkstream=True)',
    ),
    Mutation(
        "order-per-key",
        "later messages of a parked key are applied",
        f"{LIBRARY}/inbox.py",
        "        if envelope.subject in batch.parked_keys:\n",
        "        if False:\n",
    ),
    Mutation(
        "others-flow-on",
        "a failure stops the whole partition",
        f"{LIBRARY}/parking.py",
        "        return {key for (key,) in self._database.run(_KEYS, (self._group, *stream)) if key}\n",
        "        class Everything(set[str]):\n"
        "            def __contains__(self, key: object) -> bool:\n"
        "                return bool(len(self))\n\n"
        "        return Everything(key for (key,) in self._database.run(_KEYS, (self._group, *stream)) if key)\n",
    ),
    Mutation(
        "attempts-survive",
        "attempts are forgotten",
        f"{LIBRARY}/parking.py",
        "        attempts = message.attempts + 1\n",
        "        attempts = 1\n",
    ),
    Mutation(
        "outages-cost-nothing",
        "an outage counts as a failure of the message",
        f"{LIBRARY}/handling.py",
        "            if self._writer.database.is_outage(error):\n                raise\n",
        "",
    ),
    Mutation(
        "dead-at-once",
        "what cannot be read is tried again and again",
        f"{LIBRARY}/handling.py",
        "PERMANENT = (InvalidInput, RuleViolated)",
        "PERMANENT = ()",
    ),
    Mutation(
        "crash-loops-end",
        "who kills the process is tried for ever",
        f"{LIBRARY}/trying_again.py",
        "        return deaths >= self._limit and await",
        "        return False and await",
    ),
    Mutation(
        "fenced",
        "no fence: the generation is not looked at",
        f"{LIBRARY}/leases.py",
        "        if not rows or rows[0][0] != self.generation:\n",
        "        if False:\n",
    ),
    Mutation(
        "trim-acknowledged",
        "trimmed by length",
        f"{LIBRARY}/retention.py",
        'xtrim(stream.key, minid=f"{last + 1}-0", approximate=False)',
        "xtrim(stream.key, maxlen=0, approximate=False)",
    ),
    Mutation(
        "trim-acknowledged",
        "what is read counts as acknowledged",
        f"{LIBRARY}/retention.py",
        'sequence_of(oldest) - 1 if oldest else sequence_of(group["last-delivered-id"])',
        'sequence_of(group["last-delivered-id"])',
    ),
    Mutation(
        "stays-trimmed",
        "what was trimmed is known only to a process that knows everything else already",
        f"{LIBRARY}/relay.py",
        "                progress.published = max(progress.published, progress.floor)\n",
        "",
    ),
    Mutation(
        "late-comers",
        "history ends where the stream begins",
        f"{LIBRARY}/healing.py",
        "            if not page.messages:\n                break\n",
        "            break\n",
    ),
    Mutation(
        "replay-apart",
        "a replay joins the old traces",
        f"{LIBRARY}/handling.py",
        "        if entry.replayed:\n",
        "        if False:\n",
    ),
    Mutation(
        "one-past",
        "what continues another epoch is applied",
        f"{LIBRARY}/epochs.py",
        "        return self.seq == 0 or self.epoch in (envelope.epoch, envelope.epochafter)\n",
        "        return True\n",
    ),
    Mutation(
        "one-past",
        "a mark that its source does not know is believed",
        f"{LIBRARY}/epochs.py",
        "        if self.at_mark and mark.message_id:\n",
        "        if True:\n            return True\n        if self.at_mark and mark.message_id:\n",
    ),
    Mutation(
        "one-past",
        "a stream that goes beyond its log is thrown away",
        f"{LIBRARY}/relay.py",
        "        kept = await self.aside.keep(stream)\n",
        "        kept = 0\n",
    ),
    Mutation(
        "made-anew",
        "a second replay forgets what the first one had before it",
        f"{LIBRARY}/marks.py",
        "CASE WHEN replay_until > applied_seq THEN replay_until ELSE applied_seq END\n    WHERE {_PLACE} AND",
        "applied_seq\n    WHERE {_PLACE} AND",
    ),
    Mutation(
        "made-anew",
        "the mark is written wherever it has been moved",
        f"{LIBRARY}/marks.py",
        "    WHERE inbox.applied_seq = ? AND inbox.replay_until = ?\n",
        "    WHERE ? >= 0 AND ? >= 0\n",
    ),
    Mutation(
        "made-anew",
        "tables are not emptied",
        f"{LIBRARY}/replays.py",
        "            self._database.execute(table.delete())\n",
        "            pass\n",
    ),
    Mutation(
        "effects-once",
        "what has effects is replayed like any other",
        f"{LIBRARY}/replays.py",
        "        if not all(self._routes[stream].projects for stream in streams):\n",
        "        if False:\n",
    ),
    Mutation(
        "effects-once",
        "a replay overwrites the first delivery",
        f"{LIBRARY}/inbox.py",
        "        AND outcome NOT IN ('applied', 'ignored')\n",
        "",
    ),
    Mutation(
        "changed-once",
        "whoever comes takes every step",
        f"{LIBRARY}/migrations.py",
        "        if migration.number in _known(database, owner):\n            return\n",
        "",
    ),
    Mutation(
        "names-as-written",
        "what Python calls printable",
        f"{LIBRARY}/validation.py",
        '    found = GARBLING.search(value)\n    return found[0] if found else ""\n',
        "    return value[0]\n",
    ),
    Mutation(
        "leaves-when-told",
        "the wait of the standard library",
        f"{LIBRARY}/waiting.py",
        "        async with asyncio.timeout(seconds):\n            await event.wait()\n",
        "        await asyncio.wait_for(event.wait(), seconds)\n",
    ),
    Mutation(
        "leaves-when-told",
        "the wait of the Redis client",
        f"{LIBRARY}/streams.py",
        "patience, self.socket_timeout = self.socket_timeout, None",
        "patience = self.socket_timeout",
    ),
)
