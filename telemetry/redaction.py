"""Takes secrets and personal data out of what is said about the system."""

import re
from collections.abc import Mapping, Sequence, Set
from typing import Any

HIDDEN = "***"
SECRET_KEYS = re.compile(
    r"passw(or)?d|passphrase|secret|token|authorization|credential|cookie|api_?key|private_?key", re.I
)
PERSONAL_KEYS = re.compile(
    r"(^|[_.])(e?mail|phone|mobile|sms|sms_number|phone_number|address|street|birthday|iban|card(_number)?"
    r"|full_name|first_name|last_name|customer_name)$|^(name|recipient)$",
    re.I,
)
# Places on the network, not of people.
ADDRESSES = re.compile(r"(^|[_.])(grpc|operator|metrics|server|client|peer|local|source|destination)[_.]address$")
_SUSPICIOUS = re.compile(r"[@+=:]|(?i:bearer|basic)\s")
_IN_TEXT = (
    (re.compile(r"(?<=://)[^/@\s]*:[^/\s]*@(?=[^/@\s]*)"), f"{HIDDEN}@"),
    (re.compile(r"\b((?i:bearer)|(?i:basic)(?=\s+\S*[0-9A-Z=]))\s+[\w.~+/=-]+"), rf"\1 {HIDDEN}"),
    (
        re.compile(
            r"(?i)\b(\w*(?:password|passwd|secret|token|api_?key)\w*['\"]?\s*[=:]\s*)(?!\*\*\*)('[^']*'|\"[^\"]*\"|[^\s,;&)}]+)"
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"[\w.%+-]+@[\w-]+(?:\.[\w-]+)+"), HIDDEN),
    (re.compile(r"(?<![\w+])\+\d(?:[ /-]?\d){6,14}(?!\d)"), HIDDEN),
)


def redact(key: str, value: Any) -> Any:
    """The value as it may be shown; what lies inside of it is treated alike, and an object is shown as its text."""
    if is_hidden(key) and value not in (None, ""):
        return HIDDEN
    if isinstance(value, str):
        return redact_text(value)
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, bytes):
        return redact_text(value.decode("latin-1")).encode("latin-1")
    if isinstance(value, Mapping):
        return {redact_text(str(name)): redact(str(name), inner) for name, inner in value.items()}
    if isinstance(value, Sequence | Set):
        return [redact("", inner) for inner in value]
    return redact_text(repr(value))


def redact_all(values: Mapping[str, Any] | None) -> dict[str, Any]:
    """Each under its own key, as it may be shown."""
    return {key: redact(str(key), value) for key, value in (values or {}).items()}


def redact_text(text: str) -> str:
    """Passwords in addresses, credentials, e-mail addresses and telephone numbers become `***`."""
    if not _SUSPICIOUS.search(text):
        return text
    for pattern, replacement in _IN_TEXT:
        text = pattern.sub(replacement, text)
    return text


def is_hidden(key: str) -> bool:
    """Whether values under this key are a secret or tell of a person."""
    known = _known.get(key)
    if known is None:
        if len(_known) > 10_000:
            _known.clear()
        secret = SECRET_KEYS.search(key) or PERSONAL_KEYS.search(key)
        known = _known[key] = bool(secret) and not ADDRESSES.search(key)
    return known


_known: dict[str, bool] = {}
