"""What a Redis server answers instead of doing what it is asked: what that means, and what is to be done about it."""

import re
from enum import Enum
from typing import NamedTuple

from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    TryAgainError,
)


class Means(Enum):
    WAIT = "it passes by itself"
    ELSEWHERE = "another server is the one to ask: the connection is given up, and the address looked up anew"
    FORBIDDEN = "somebody has to set something right: nothing begins like that"
    EXPECTED = "dealt with where it arises"


class Answer(NamedTuple):
    means: Means
    advice: str = ""


ANSWERS = {
    "READONLY": Answer(Means.ELSEWHERE, "it is a replica now; the server that was promoted is looked for"),
    "MASTERDOWN": Answer(Means.ELSEWHERE, "it is a replica that has lost its primary"),
    "UNBLOCKED": Answer(Means.ELSEWHERE, "it has just become a replica"),
    "LOADING": Answer(Means.WAIT, "it is reading its data, after a start"),
    "CLUSTERDOWN": Answer(Means.WAIT, "its cluster lacks a part: look at `redis-cli cluster info`"),
    "TRYAGAIN": Answer(Means.WAIT, "its cluster is moving keys"),
    "BUSY": Answer(Means.WAIT, "a script does not end: see `redis-cli script kill`"),
    "NOREPLICAS": Answer(Means.WAIT, "it has fewer replicas than min-replicas-to-write asks for"),
    "MISCONF": Answer(Means.WAIT, "it cannot write its data to disk: make room there, or mend its directory"),
    "OOM": Answer(Means.WAIT, "it is full: raise maxmemory, or see with `mallbots lag` who does not read"),
    "NOAUTH": Answer(Means.FORBIDDEN, "it wants a password: write it into MALLBOTS_REDIS_URL"),
    "WRONGPASS": Answer(Means.FORBIDDEN, "correct user and password in MALLBOTS_REDIS_URL"),
    "NOPERM": Answer(Means.FORBIDDEN, "its user may not do that: grant it with `redis-cli acl setuser`"),
    "NOGROUP": Answer(Means.EXPECTED),
    "BUSYGROUP": Answer(Means.EXPECTED),
    "NOSCRIPT": Answer(Means.EXPECTED),
}
# Before it named the code, the client took it off what it has a class for.
_CODES: dict[type[Exception], str] = {
    ReadOnlyError: "READONLY",
    MasterDownError: "MASTERDOWN",
    BusyLoadingError: "LOADING",
    ClusterDownError: "CLUSTERDOWN",
    TryAgainError: "TRYAGAIN",
    OutOfMemoryError: "OOM",
    AuthenticationError: "WRONGPASS",
    NoPermissionError: "NOPERM",
    NoScriptError: "NOSCRIPT",
}
_IN_PIPELINE = re.compile(r"Command # \d+ \(.*\) of pipeline caused error: \(?['\"]?(.*?)['\"]?,?\)?$", re.S)
_FIRST = re.compile(r"[A-Z]+\b")
_INNER = re.compile(r"-([A-Z]+) |discarded because of: ([A-Z]+) ")
_NO_RIGHT_IN_SCRIPT = re.compile(r"The user executing the script can't|ACL failure in script")


def code_of(error: BaseException) -> str:
    """The word that it begins with, also where a script or a transaction has met it; empty when there is none."""
    if not isinstance(error, RedisError):
        return ""
    text, code = _text(error), getattr(error, "status_code", None)
    if code in ANSWERS:
        return str(code)
    if _NO_RIGHT_IN_SCRIPT.search(text):
        return "NOPERM"
    first = _FIRST.match(text)
    found = [code for pair in _INNER.findall(text) for code in pair] + [first[0] if first else ""]
    known = (_CODES[kind] for kind in type(error).__mro__ if kind in _CODES)
    return next(known, "") or next((code for code in found if code in ANSWERS), "")


def answer_of(error: BaseException) -> Answer | None:
    return ANSWERS.get(code_of(error))


def is_forbidden(error: BaseException) -> bool:
    answer = answer_of(error)
    return answer is not None and answer.means is Means.FORBIDDEN


def is_elsewhere(error: BaseException) -> bool:
    """Whether the connection leads to a server that is not the one to ask any more."""
    answer = answer_of(error)
    return answer is not None and answer.means in (Means.ELSEWHERE, Means.FORBIDDEN)


def told(error: BaseException) -> str:
    """In a line: what the server says, and what is to be done."""
    code, answer, text = code_of(error), answer_of(error), _text(error)
    words = text if not code or code in text else f"{code} {text}"
    return f"{words.rstrip('.')}: {answer.advice}" if answer and answer.advice else words


def _text(error: BaseException) -> str:
    """Without the command that came to it, which may be anything."""
    text = " ".join(str(error).split()) or type(error).__name__
    inside = _IN_PIPELINE.match(text)
    return inside[1] if inside else text
