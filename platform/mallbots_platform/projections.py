"""Handlers as compositions give them, made such as groups call: with the envelope, and silent where they project."""

from collections.abc import Callable
from typing import Any

from mallbots_platform.handling import Handler
from mallbots_platform.writer import Writer

MessageHandler = Callable[[Any], object]


def without_envelope(handler: MessageHandler) -> Handler:
    return lambda message, envelope: handler(message)


def silent(writer: Writer, handler: MessageHandler) -> Handler:
    """Fails when it says something, or sets a timer."""

    def project(message: Any, envelope: Any) -> object:
        before = writer.effects
        result = handler(message)
        if writer.effects != before:
            raise RuntimeError("a projection may not say anything, nor set timers: it is replayed")
        return result

    return project
