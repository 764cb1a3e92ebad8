from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mallbots_platform.codec import Codec, Wire
from mallbots_platform.errors import CannotStart, InvalidInput, NewerVersion
from mallbots_platform.messages import Accepted, Contract, Refused, command, event, value


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@value
class Size:
    width: int
    height: int


@event
class Painted:
    """Its third version: `colour` was `color`, and sizes were one number each."""

    text: str
    colour: Colour
    sizes: tuple[Size, ...] = ()
    at: datetime | None = None


@command
class Paint:
    text: str


def to_version_2(payload: dict[str, Any]) -> dict[str, Any]:
    return payload | {"colour": payload["color"]}


def to_version_3(payload: dict[str, Any]) -> dict[str, Any]:
    return payload | {"sizes": [{"width": size, "height": size} for size in payload["sizes"]]}


PAINTING = Contract(
    context="painting",
    events=(Painted,),
    commands=(Paint,),
    versions={Painted: 3},
    upcasters={("painting.Painted", 1): to_version_2, ("painting.Painted", 2): to_version_3},
)
codec = Codec(PAINTING)
painted = st.builds(
    Painted,
    text=st.text(st.characters(exclude_categories=["Cs"])),
    colour=st.sampled_from(Colour),
    sizes=st.tuples(st.builds(Size, width=st.integers(0, 2**63 - 1), height=st.integers())),
    at=st.none() | st.datetimes(timezones=st.just(UTC)),
)


@given(painted)
def test_what_is_encoded_is_decoded_again(message: Painted) -> None:
    assert codec.decode("painting.Painted", 3, codec.encode(message)) == message


@given(painted)
def test_it_decodes_text_and_raw_parts_alike(message: Painted) -> None:
    data = codec.encode(message)

    assert codec.decode("painting.Painted", 3, data.decode()) == message
    assert codec.decode("painting.Painted", 3, msgspec.Raw(data)) == message


@pytest.mark.parametrize(
    ("message_type", "wire"),
    [
        (Painted, Wire("painting.Painted", 3)),
        (Paint, Wire("painting.Paint", 1)),
        (Accepted, Wire("platform.Accepted", 1)),
        (Refused, Wire("platform.Refused", 1)),
    ],
)
def test_a_message_has_a_name_and_version(message_type: type, wire: Wire) -> None:
    assert codec.wire(message_type) == wire
    assert codec.knows(wire.name)


def test_a_type_in_no_contract_says_so() -> None:
    with pytest.raises(LookupError, match="Size is in no contract known here: list it in one"):
        codec.wire(Size)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"type: painting\.Erased is not known here"):
        codec.decode("painting.Erased", 1, b"{}")

    assert not codec.knows("painting.Erased")


def test_a_contract_learnt_later_is_known() -> None:
    late = Codec()

    late.know(PAINTING)

    assert late.decode("painting.Paint", 1, b'{"text":"x"}') == Paint(text="x")


def test_old_versions_pass_through_every_upcaster() -> None:
    first = b'{"text":"x","color":"red","sizes":[2]}'
    second = b'{"text":"x","colour":"red","sizes":[2]}'
    now = Painted(text="x", colour=Colour.RED, sizes=(Size(width=2, height=2),))

    assert codec.decode("painting.Painted", 1, first) == now
    assert codec.decode("painting.Painted", 2, second) == now
    assert codec.decode("painting.Painted", 2, msgspec.Raw(second)) == now


@pytest.mark.parametrize("version", [0, -1, -(10**30)])
def test_a_version_that_nothing_reads_is_refused(version: int) -> None:
    with pytest.raises(InvalidInput, match=f"dataversion: painting.Painted: nothing reads version {version}"):
        codec.decode("painting.Painted", version, b"{}")


def test_a_missing_link_in_the_chain_is_refused() -> None:
    upcasters = {("painting.Painted", 1): to_version_2}
    gappy = Codec(Contract(context="painting", events=(Painted,), versions={Painted: 3}, upcasters=upcasters))

    with pytest.raises(InvalidInput, match="nothing reads version 2"):
        gappy.decode("painting.Painted", 1, b'{"text":"x","color":"red","sizes":[]}')


@pytest.mark.parametrize("data", [b'{"text":"x","colour":"red"}', b"not JSON"])
def test_a_newer_version_is_for_a_later_program(data: bytes) -> None:
    with pytest.raises(NewerVersion, match="version 4 is newer than 3, known here"):
        codec.decode("painting.Painted", 4, data)


@pytest.mark.parametrize("data", [b"[]", b"null", b'"text"', b"{}", b'{"color":"red","sizes":3}'])
def test_an_old_payload_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"data: painting\.Painted: is no version [12]"):
        codec.decode("painting.Painted", 1, data)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b'{"text":1,"colour":"red"}', r"Expected `str`, got `int` - at `\$\.text`"),
        (b'{"text":"x","colour":"green"}', r"Invalid enum value 'green' - at `\$\.colour`"),
        (
            b'{"text":"x","colour":"red","sizes":[{"width":1}]}',
            r"missing required field `height` - at `\$\.sizes\[0\]`",
        ),
        (b'{"colour":"red"}', "missing required field `text`"),
        (b"[]", "Expected `object`, got `array`"),
        (b"", "Input data was truncated"),
        (b'{"text":"\xff","colour":"red"}', "can't decode byte 0xff"),
    ],
)
def test_a_wrong_payload_is_refused_with_its_path(data: bytes, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem) as refusal:
        codec.decode("painting.Painted", 3, data)

    assert refusal.value.field == "data"


def test_a_wrong_result_of_upcasting_names_its_path() -> None:
    with pytest.raises(InvalidInput, match=r"at `\$\.text`"):
        codec.decode("painting.Painted", 1, b'{"text":7,"color":"red","sizes":[]}')


def test_unknown_fields_are_ignored() -> None:
    data = b'{"text":"x","colour":"blue","added_later":{"deep":[1,2]}}'

    assert codec.decode("painting.Painted", 3, data) == Painted(text="x", colour=Colour.BLUE)


@given(st.binary(max_size=60))
def test_no_bytes_break_the_codec(data: bytes) -> None:
    for version in (1, 3):
        try:
            decoded = codec.decode("painting.Painted", version, data)
        except InvalidInput:
            continue
        assert isinstance(decoded, Painted)


def test_two_messages_of_one_name_are_refused() -> None:
    @event
    class Painted:
        colour: str

    other = Contract(context="painting", events=(Painted,))

    with pytest.raises(
        CannotStart, match=r"two messages are called painting\.Painted.*test_codec\.Painted and .*Painted;"
    ):
        Codec(PAINTING, other)
    with pytest.raises(CannotStart, match=r"painting\.Painted"):
        Codec(Contract(context="painting", events=(Painted,), commands=(_named("Painted"),)))
    Codec(PAINTING, PAINTING)


def _named(name: str) -> type:
    return command(type(name, (), {"__annotations__": {"text": str}}))
