"""Checks of single values at the edge; each names the field and says what is wrong with it."""

from mallbots_platform.errors import InvalidInput

LONGEST_TEXT = 500
LONGEST_ID = 100
LARGEST_AMOUNT = 10**12
LARGEST_QUANTITY = 10_000


def text(value: str, field: str, longest: int = LONGEST_TEXT) -> str:
    """A line of text for people: not blank, no control characters, at most `longest` characters."""
    if not value.strip():
        raise InvalidInput(field, "must not be empty")
    return optional_text(value, field, longest)


def optional_text(value: str, field: str, longest: int = LONGEST_TEXT) -> str:
    if len(value) > longest:
        raise InvalidInput(field, f"has {len(value)} characters, at most {longest} are allowed")
    if not value.isprintable():
        raise InvalidInput(field, "contains control characters")
    return value


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
