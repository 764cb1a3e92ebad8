"""Pages of a list: the token of the next one is the last id of this one, made opaque."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Self

from mallbots_platform.errors import InvalidInput
from mallbots_platform.validation import first_garbling

DEFAULT_SIZE, LARGEST_SIZE = 50, 100


@dataclass(frozen=True, slots=True)
class Page:
    after: str
    size: int

    @classmethod
    def of(cls, request: Any) -> Self:
        """From a request with `page_size` and `page_token`. Raises InvalidInput."""
        if not 0 <= request.page_size <= LARGEST_SIZE:
            raise InvalidInput("page_size", f"is {request.page_size}, must be between 0 and {LARGEST_SIZE}")
        return cls(_last_id(request.page_token), request.page_size or DEFAULT_SIZE)

    def next_token(self, last_id: str, *, full: bool) -> str:
        """Empty where this page was not full, so that there is no next one."""
        return base64.urlsafe_b64encode(last_id.encode()).decode().rstrip("=") if full else ""


def _last_id(token: str) -> str:
    try:
        last = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error) as error:
        raise InvalidInput("page_token", "is none that a list has returned") from error
    if first_garbling(last):
        raise InvalidInput("page_token", "is none that a list has returned")
    return last
