"""What a process is told from outside: one frozen object, read from the environment once."""

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from mallbots_platform.admission import LONGEST_WAIT_SECONDS
from mallbots_platform.parking import RetryPolicy
from mallbots_platform.partitions import DEFAULT_PREFIX

PREFIX = "MALLBOTS_"


class WrongSetting(ValueError):
    """Names the variable and says what it should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every field but the first is a variable `MALLBOTS_<FIELD>`.

    Addresses are `host:port`; port 0 means any free one. `endpoints` is a directory in which processes announce
    where they listen; without it, `peer_grpc` and `peer_operator` say where a context is found. All keys in Redis begin
    with `key_prefix`. `installation` is the id of the whole that this process is part of; without it, it is found out.
    """

    context: str
    database_url: str
    redis_url: str
    key_prefix: str = DEFAULT_PREFIX
    installation: str = ""
    grpc_address: str = "127.0.0.1:0"
    operator_address: str = "127.0.0.1:0"
    metrics_address: str = "127.0.0.1:0"
    endpoints: str = ""
    peer_grpc: str = "{context}:50051"
    peer_operator: str = "{context}:50052"
    partitions: int = 4
    lease_seconds: float = 10.0
    retry_attempts: int = 10
    retry_base_seconds: float = 0.2
    retry_cap_seconds: float = 30.0
    longest_wait_seconds: float = LONGEST_WAIT_SECONDS
    retention_seconds: float = 7 * 24 * 3600.0
    pretended_releases: int = 0
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_environment(cls, context: str, environ: Mapping[str, str] = os.environ) -> Self:
        """Raises WrongSetting. `{context}` in the database's URL becomes the context's name."""
        values: dict[str, Any] = {"context": context, "environ": environ}
        for each in fields(cls):
            variable = PREFIX + each.name.upper()
            if each.name not in values and variable in environ:
                values[each.name] = _converted(variable, environ[variable], each.type)
        for name in ("database_url", "redis_url"):
            if not values.get(name):
                raise WrongSetting(f"{PREFIX}{name.upper()} is not set: {_EXAMPLES[name]}")
        values["database_url"] = values["database_url"].replace("{context}", context)
        settings = cls(**values)
        settings._check()
        return settings

    @property
    def retry_policy(self) -> RetryPolicy:
        return RetryPolicy(
            attempts=self.retry_attempts, base_seconds=self.retry_base_seconds, cap_seconds=self.retry_cap_seconds
        )

    def number(self, name: str, default: float) -> float:
        """A setting of this context alone: `MALLBOTS_<CONTEXT>_<NAME>`."""
        variable = f"{PREFIX}{self.context.upper()}_{name}"
        if variable not in self.environ:
            return default
        return float(_converted(variable, self.environ[variable], float))

    def _check(self) -> None:
        for name, (least, most) in BOUNDS.items():
            if not least <= getattr(self, name) <= most:
                told = f"is {getattr(self, name):g}, must be between {least:g} and {most:g}"
                raise WrongSetting(f"{PREFIX}{name.upper()} {told}")
        for name, (allowed, told) in _NAMES.items():
            if not allowed.fullmatch(getattr(self, name)):
                raise WrongSetting(f"{PREFIX}{name.upper()} is {getattr(self, name)!r}, must be {told}")
        for name in ("grpc_address", "operator_address", "metrics_address"):
            host, _, port = getattr(self, name).rpartition(":")
            if not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
                raise WrongSetting(f"{PREFIX}{name.upper()} is {getattr(self, name)!r}, must be host:port")
        for name in ("peer_grpc", "peer_operator"):
            try:
                getattr(self, name).format(context=self.context)
            except (LookupError, ValueError):
                wrong = f"{PREFIX}{name.upper()} is {getattr(self, name)!r}"
                raise WrongSetting(f"{wrong}, must be host:port, with {{context}} where its name goes") from None


def _converted(variable: str, text: str, kind: Any) -> Any:
    """Raises WrongSetting; `nan` is no number here."""
    try:
        converted = {"int": int, "float": float}.get(getattr(kind, "__name__", kind), str)(text)
    except ValueError:
        converted = math.nan
    if converted != converted:
        raise WrongSetting(f"{variable} is {text!r}, must be a number")
    return converted


BOUNDS = {
    "pretended_releases": (0, 100),
    "partitions": (1, 1024),
    "lease_seconds": (0.1, 3600),
    "retry_attempts": (1, 1000),
    "retry_base_seconds": (0.001, 3600),
    "retry_cap_seconds": (0.001, 86_400),
    "longest_wait_seconds": (0.001, 3600),
    "retention_seconds": (0.001, 100 * 365 * 86_400),
}
_NAMES = {
    "key_prefix": (re.compile(r"[\w.:-]{1,50}", re.ASCII), "1 to 50 letters, digits and -_.:"),
    "installation": (re.compile(r"[\w.:-]{0,100}", re.ASCII), "empty, or up to 100 letters, digits and -_.:"),
}
_EXAMPLES = {
    "database_url": "for example sqlite:///data/{context}.db, or postgresql://user@host/{context}",
    "redis_url": "for example redis://localhost:6379",
}
