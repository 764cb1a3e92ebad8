"""Messages to JSON and back, by wire name and version; the only place that knows msgspec's rules."""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from mallbots_platform.errors import CannotStart, InvalidInput, NewerVersion
from mallbots_platform.messages import Accepted, Contract, Refused, Upcaster
from mallbots_platform.unwritable import refuse_unwritable

PLATFORM = Contract(context="platform", events=(Accepted, Refused))


class Wire(NamedTuple):
    """How a message type is called outside."""

    name: str
    version: int


class _Reader(NamedTuple):
    type: type
    version: int
    decode: Callable[[bytes | str], Any]
    upcasters: dict[int, Upcaster]


class Codec:
    """Knows the messages of the contracts it was given. Where `own` data are read, what is not known at all was written
    by a later program, too."""

    def __init__(self, *contracts: Contract, own: bool = False) -> None:
        self._own = own
        self._wires: dict[type, Wire] = {}
        self._readers: dict[str, _Reader] = {}
        for contract in (PLATFORM, *contracts):
            self.know(contract)

    def know(self, contract: Contract) -> None:
        for message_type in (*contract.events, *contract.commands):
            name, version = contract.wire_name(message_type), contract.version(message_type)
            self._refuse_two(name, message_type)
            older = {number: up for (of, number), up in contract.upcasters.items() if of == name}
            self._wires[message_type] = Wire(name, version)
            self._readers[name] = _Reader(message_type, version, msgspec.json.Decoder(message_type).decode, older)

    def _refuse_two(self, name: str, message_type: type) -> None:
        known = self._readers.get(name)
        if known and known.type is not message_type:
            raise CannotStart(
                f"two messages are called {name} on the wire: {full_name(known.type)} and {full_name(message_type)};"
                " rename one of them"
            )

    def wire(self, message_type: type) -> Wire:
        """Raises LookupError for a type that no known contract lists."""
        try:
            return self._wires[message_type]
        except KeyError:
            raise LookupError(f"{message_type.__qualname__} is in no contract known here: list it in one") from None

    def knows(self, name: str) -> bool:
        return name in self._readers

    def encode(self, message: object) -> bytes:
        """Raises InvalidInput for a number that JSON cannot tell, with the path to it."""
        encoded = msgspec.json.encode(message)
        refuse_unwritable(message, encoded)
        return encoded

    def decode(self, name: str, version: int, data: bytes | str | msgspec.Raw) -> Any:
        """Raises NewerVersion, and InvalidInput for an unknown name or a wrong payload, with the path to it."""
        reader = self._readers.get(name)
        if reader is None:
            raise self._unknown(name)
        try:
            if version == reader.version:
                return reader.decode(bytes(data) if isinstance(data, msgspec.Raw) else data)
            return self._upcast(name, version, reader, data)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InvalidInput("data", f"{name}: {error}") from error

    def _unknown(self, name: str) -> Exception:
        unknown = f"{name} is not known here"
        return NewerVersion(unknown) if self._own else InvalidInput("type", unknown)

    def _upcast(self, name: str, version: int, reader: _Reader, data: bytes | str | msgspec.Raw) -> Any:
        if version > reader.version:
            raise NewerVersion(f"{name}: version {version} is newer than {reader.version}, known here")
        payload = msgspec.json.decode(data)
        for number in range(version, reader.version):
            if number not in reader.upcasters:
                raise InvalidInput("dataversion", f"{name}: nothing reads version {number}")
            try:
                payload = reader.upcasters[number](payload)
            except (LookupError, TypeError, ValueError, AttributeError) as error:
                raise InvalidInput("data", f"{name}: is no version {number}: {error!r}") from error
        return msgspec.convert(payload, reader.type)


def full_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
