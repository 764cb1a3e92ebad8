"""Checks of single values at the edge; each names the field and says what is wrong with it."""

import re

from mallbots_platform.errors import InvalidInput

LONGEST_TEXT = 500
LONGEST_ID = 100
LARGEST_AMOUNT = 10**12
LARGEST_QUANTITY = 10_000

# Control characters, halves of a surrogate pair, ends of lines and paragraphs, and what turns around the direction of
# the text that follows it. What joins and parts letters, or chooses their form, belongs to names and to emoji.
GARBLING = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069]")
# Unicode's Default_Ignorable_Code_Point, white space, and the Braille pattern without dots.
_INVISIBLE = re.compile(
    "[\\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]*"
)


def text(value: str, field: str, longest: int = LONGEST_TEXT) -> str:
    """A line of text for people: something to be seen, nothing that garbles what stands beside it, at most `longest`
    characters."""
    if not value.strip() or (not value.isascii() and _INVISIBLE.fullmatch(value)):
        raise InvalidInput(field, "must not be empty")
    return optional_text(value, field, longest)


def optional_text(value: str, field: str, longest: int = LONGEST_TEXT) -> str:
    if len(value) > longest:
        raise InvalidInput(field, f"has {len(value)} characters, at most {longest} are allowed")
    if garbling := first_garbling(value):
        raise InvalidInput(field, f"contains the control character {code_point(garbling)}")
    return value


def first_garbling(value: str) -> str:
    """The first character that would garble what stands beside it; empty when there is none."""
    if value.isprintable():  # which is most, and none of those are
        return ""
    found = GARBLING.search(value)
    return found[0] if found else ""


def code_point(character: str) -> str:
    return f"U+{ord(character):04X}"


def identifier(value: str, field: str) -> str:
    """An id: 1 to 100 characters of letters, digits and `-_.:`."""
    text(value, field, LONGEST_ID)
    if not (value.isascii() and value.translate(_ID_PUNCTUATION).isalnum()):
        raise InvalidInput(field, "may hold letters, digits and -_.: only")
    return value


_ID_PUNCTUATION = str.maketrans("-_.:", "xxxx")


def amount(value: int, field: str, least: int = 0) -> int:
    """Money in minor units."""
    return within(value, field, least, LARGEST_AMOUNT)


def quantity(value: int, field: str) -> int:
    return within(value, field, 1, LARGEST_QUANTITY)


def within(value: int, field: str, least: int, most: int) -> int:
    if not least <= value <= most:
        raise InvalidInput(field, f"is {value}, must be between {least} and {most}")
    return value


def currency(value: str, field: str) -> str:
    """An ISO 4217 code: three capital letters."""
    if len(value) != 3 or not (value.isascii() and value.isalpha() and value.isupper()):
        raise InvalidInput(field, "must be a currency code of three capital letters, such as EUR")
    return value
