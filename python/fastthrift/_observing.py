"""What the interceptors that watch calls share."""

from __future__ import annotations

from fastthrift import _core
from fastthrift._errors import TApplicationException, TransportTimeout, TTransportException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractContextManager
    from typing import TypeAlias, TypeGuard

    Finish: TypeAlias = Callable[[str, BaseException | None], None]

ANSWERED = ("ok", "exception")
"""The outcomes of calls that were answered as the IDL says."""


def carry_out(
    call: _core.Call,
    proceed: Callable[[], object],
    finish: Finish,
    around: Callable[[], AbstractContextManager[object]] | None = None,
) -> object:
    """Carry a call out, blocking or not, and say how it ended.

    What seems to be answered may still fail: a server finds out when it writes the reply, after all interceptors. The
    end of such a call is told then.

    Args:
        call: The call.
        proceed: What the interceptor was given.
        finish: Called once at the end, with the `outcome` and the exception if there was one.
        around: Gives what is to be entered whenever the call's own code runs.
    """
    try:
        if around is None:
            result = proceed()
        else:
            with around():
                result = proceed()
    except BaseException as error:
        _end(call, error, finish)
        raise
    if _is_awaitable(result):
        return _wait(call, result, finish, around)
    _end(call, None, finish)
    return result


def _is_awaitable(value: object) -> TypeGuard[Awaitable[object]]:
    return hasattr(value, "__await__")


async def _wait(
    call: _core.Call,
    running: Awaitable[object],
    finish: Finish,
    around: Callable[[], AbstractContextManager[object]] | None,
) -> object:
    try:
        if around is None:
            result = await running
        else:
            with around():
                result = await running
    except BaseException as error:
        _end(call, error, finish)
        raise
    _end(call, None, finish)
    return result


def _end(call: _core.Call, error: BaseException | None, finish: Finish) -> None:
    ended = outcome(error)
    if ended not in ANSWERED:
        finish(ended, error)
        return

    def finish_at_end(call: _core.Call) -> None:
        concealed = call.internal_error
        if concealed is None:
            finish(ended, error)
        else:
            finish("internal_error", concealed)

    call.on_end(finish_at_end)


def outcome(error: BaseException | None) -> str:
    """Return how a call ended in one word, of a small set that serves as a label.

    They are "ok"; "exception" for one that the IDL declares; "timeout"; "connection" for a transport that failed;
    "cancelled"; the name of a `TApplicationException`'s type, such as "unknown_method"; and "internal_error" for all
    else.
    """
    if error is None:
        return "ok"
    if isinstance(error, _core.ThriftException):
        return "exception"
    if isinstance(error, TApplicationException):
        return _TYPES.get(error.type, "unknown")
    if isinstance(error, (TransportTimeout, TimeoutError)):
        return "timeout"
    if isinstance(error, TTransportException):
        return "connection"
    # asyncio need not be imported where it is not used.
    if type(error).__name__ == "CancelledError":
        return "cancelled"
    return "internal_error"


_TYPES = {
    value: name.lower() for name, value in vars(TApplicationException).items() if name.isupper() and type(value) is int
}
