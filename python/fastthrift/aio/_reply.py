"""What a call on an event loop returns."""

from __future__ import annotations

import asyncio
from typing import Any, NoReturn


class Reply(asyncio.Future[Any]):
    """The result of a call that was made, once it comes. To cancel it makes the client forget the call.

    It is awaited; being a future, it may be given to `asyncio.gather` and the like without a task. To those that insist
    on a coroutine, such as `asyncio.TaskGroup.create_task`, it is one that does nothing but wait.
    """

    __slots__ = ("_holder", "_key")

    _holder: Any
    _key: int

    def cancel(self, msg: Any = None) -> bool:
        """Stop waiting. What was sent is not taken back, but its reply reaches nobody."""
        if not super().cancel(msg):
            return False
        self._holder.abandon(self._key)
        return True

    def send(self, _: None) -> Reply:
        """Wait, as a coroutine."""
        if self.done():
            raise StopIteration(self.result())
        self._asyncio_future_blocking = True
        return self

    def throw(self, error: Any, value: Any = None, traceback: Any = None) -> NoReturn:
        """Stop waiting, as a coroutine."""
        self.cancel()
        raise error if value is None else value

    def close(self) -> None:
        """Stop waiting, as a coroutine that is not to be run."""
        self.cancel()
