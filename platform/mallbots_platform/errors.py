"""What can go wrong, by what the caller or the consumer should do about it."""

LONGEST_WORDS = 2000


class PlatformError(Exception):
    """Base of every error with a meaning; anything else that is raised is a bug."""


def words_of(error: BaseException) -> str:
    """What it says, as any database can keep it."""
    text = str(error) or repr(error)
    return text[:LONGEST_WORDS].encode(errors="backslashreplace").decode().replace("\x00", "\\x00")


def as_failure(error: BaseException) -> Exception:
    """What may be told to somebody who waits: an error that would end whoever hears of it is only named."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    failure = RuntimeError(f"it ended with {error!r}")
    failure.__cause__ = error
    return failure


class InvalidInput(PlatformError):
    """Malformed, whatever the state: INVALID_ARGUMENT, and dead at once when a message carried it."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class NotFound(PlatformError):
    """No such thing, or not yet: NOT_FOUND; a consumer retries, for the thing may still arrive."""

    def __init__(self, kind: str, identifier: str) -> None:
        super().__init__(f"no {kind} has the id {identifier!r}")
        self.kind = kind
        self.identifier = identifier


class AlreadyExists(PlatformError):
    """A second creation: ALREADY_EXISTS; for a consumer it is a duplicate, and done."""

    def __init__(self, kind: str, identifier: str) -> None:
        article = "an" if kind[:1] in "aeiou" else "a"
        super().__init__(f"{article} {kind} with the id {identifier!r} exists already")
        self.kind = kind
        self.identifier = identifier


class RuleViolated(PlatformError):
    """Base of the refusals of a domain: FAILED_PRECONDITION; a saga compensates."""


class Conflict(PlatformError):
    """The version moved under us: ABORTED, after bounded retries from a fresh load."""


class Unavailable(PlatformError):
    """A dependency is down: UNAVAILABLE; for a consumer a failure like any other, tried again later. Where there is
    something `public`, callers learn that, and what it says is for operators."""

    public = ""


class Overloaded(Unavailable):
    """More is asked than can be done, and nothing of this was begun: RESOURCE_EXHAUSTED, with a hint when to come
    again, in seconds."""

    def __init__(self, again_after: float, text: str = "more is asked than can be done: come again later") -> None:
        super().__init__(text)
        self.again_after = again_after


class TookTooLong(Unavailable):
    """The database has given up a statement of ours that took longer than any may: a failure of whoever gave it."""

    public = "this took the database too long: try again later"


class NewerVersion(PlatformError):
    """A later program has written this, and only such a one can read it: UNAVAILABLE; a consumer waits for that, and
    counts no attempt."""

    public = "this was written by a later program than this one: try again later"


class CannotBeLoaded(PlatformError):
    """What is kept of something makes no sense here: no refusal of what is wanted of it, but a failure as any bug is,
    tried again and set aside in the end."""


class DatabaseAway(Unavailable):
    """The own database is lost, full or hung: nothing of this transaction was kept; a consumer pauses, and burns no
    attempt. What `passes` is over by itself soon."""

    public = "the database cannot be used at the moment: try again later"

    def __init__(self, text: str = "", *, passes: bool = False) -> None:
        super().__init__(text)
        self.passes = passes


class DatabaseBusy(DatabaseAway):
    """Somebody else holds a lock for longer than is waited for."""

    public = "what this needs is locked by somebody else: try again"

    def __init__(self, text: str = "") -> None:
        super().__init__(text, passes=True)


class Collided(DatabaseAway):
    """Of two transactions that could not both go on, the database has ended this one: to be done again from its
    start."""

    public = "others were changing the same: try again"

    def __init__(self, text: str = "") -> None:
        super().__init__(text, passes=True)


class TransactionGone(DatabaseAway):
    """The database has undone all of the transaction, and not only the piece that it met a mistake in, its `reason`."""

    reason: BaseException | None = None


class OutcomeUnknown(DatabaseAway):
    """The connection was lost while the commit was under way: nobody knows whether it took place."""

    public = "it is not known whether this was carried out: ask again with the same idempotency key"


class CannotStart(PlatformError):
    """Something is set up in a way that would lose data or break promises. Says what to do."""
