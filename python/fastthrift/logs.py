"""A log record a call: an interceptor for clients and servers, blocking or asyncio.

A server that logs its calls::

server = fastthrift.Server(Handler(), url, interceptors=[CallLog()])
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from fastthrift import Call
from fastthrift._observing import ANSWERED, carry_out

__all__ = ["CallLog"]


class CallLog:
    """Logs each call when it ends; give one to any number of clients and servers as an interceptor.

    The record's text is one line. Its attributes are for formatters that write fields: ``thrift_side``,
    ``thrift_service``, ``thrift_function``, ``thrift_outcome`` (see `fastthrift.metrics.PrometheusMetrics`),
    ``thrift_seconds``, ``thrift_peer``, ``thrift_request_bytes`` and ``thrift_reply_bytes`` (None where not known).

    Args:
        logger: Where to; by default ``fastthrift.calls``.
        level: The level of calls that were answered, by a value or by an exception that the IDL declares.
        failure_level: The level of all others.

    Raises:
        TypeError: One of these is not of its class.
    """

    def __init__(
        self,
        logger: logging.Logger | logging.LoggerAdapter[logging.Logger] | None = None,
        *,
        level: int = logging.INFO,
        failure_level: int = logging.WARNING,
    ) -> None:
        if logger is not None and not isinstance(logger, (logging.Logger, logging.LoggerAdapter)):
            raise TypeError(f"logger must be a logging.Logger or None, got {logger!r:.40}")
        for name, number in (("level", level), ("failure_level", failure_level)):
            if not isinstance(number, int) or isinstance(number, bool):
                raise TypeError(f"{name} must be an int such as logging.INFO, got {number!r:.40}")
        self._logger = logging.getLogger("fastthrift.calls") if logger is None else logger
        self._level = level
        self._failure_level = failure_level

    def __call__(self, call: Call, proceed: Callable[[], object]) -> object:
        """Carry a call out and log it."""
        start = time.perf_counter()

        def finish(outcome: str, _: BaseException | None) -> None:
            level = self._level if outcome in ANSWERED else self._failure_level
            if not self._logger.isEnabledFor(level):
                return
            seconds = time.perf_counter() - start
            fields = {
                "thrift_side": call.side,
                "thrift_service": call.service,
                "thrift_function": call.function,
                "thrift_outcome": outcome,
                "thrift_seconds": seconds,
                "thrift_peer": call.peer,
                "thrift_request_bytes": call.request_bytes,
                "thrift_reply_bytes": call.reply_bytes,
            }
            text = "%s.%s %s in %.3f ms, %s %s"
            towards = "to" if call.side == "client" else "from"
            arguments = (call.service, call.function, outcome, seconds * 1e3, towards, call.peer)
            self._logger.log(level, text, *arguments, extra=fields)

        return carry_out(call, proceed, finish)
