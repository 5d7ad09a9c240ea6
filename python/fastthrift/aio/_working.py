"""Handlers on an event loop, for whatever brings their calls."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from typing import TYPE_CHECKING, Any

from fastthrift import _core
from fastthrift.aio._threads import plainly

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor


class Working:
    """Handlers at work on the running loop.

    Args:
        core: The handlers and how they are served.
        executor: Runs plain methods; None for the loop's own.
        listens: Whether it listens at the places of the core.
    """

    def __init__(self, core: _core.ServerCore, executor: Executor | None, *, listens: bool) -> None:
        self.loop = asyncio.get_running_loop()
        self._executor = executor
        self.serving = _core.AsyncServing(core, self._call_plain, self._call_check, listens)

    async def _call_check(self, check: Callable[..., Any], arguments: tuple[Any, ...], is_async: bool) -> Any:
        """Call what judges a client, in a thread unless it is a coroutine function."""
        try:
            return await self._call_plain(check, arguments, is_async)
        except SystemExit as error:
            # It would end the loop.
            raise RuntimeError("a check of SASL exited") from error

    async def _call_plain(
        self, function: Callable[..., Any], arguments: tuple[Any, ...], is_inline: bool = False
    ) -> Any:
        """Call a plain handler, in a thread unless it is inline, and wait for the coroutine that it may return."""
        if is_inline:
            result = function(*arguments)
        else:
            call = functools.partial(contextvars.copy_context().run, plainly, function, *arguments)
            result = await self.loop.run_in_executor(self._executor, call)
        return await result if asyncio.iscoroutine(result) else result
