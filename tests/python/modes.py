"""Clients of either engine with one face, for tests of what both do."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import fastthrift
import fastthrift.aio
from typing_extensions import Self

MODES = ["blocking", "asyncio"]


class Mode:
    """The engine of a test's clients."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.loop = asyncio.new_event_loop() if name == "asyncio" else None
        self._made: list[Waiting] = []

    def connect(self, service: Any, url: Any, **options: Any) -> Any:
        """Open a client that threads may share; it is closed when the test ends."""
        if self.loop is None:
            return fastthrift.connect(service, url, **options)
        client = self.wait(lambda: fastthrift.aio.connect(service, url, **options))
        self._made.append(Waiting(self, client))
        return self._made[-1]

    def wait(self, make: Callable[[], Any]) -> Any:
        """Wait for what `make` makes on the loop."""
        assert self.loop is not None

        async def made() -> Any:
            return await make()

        return asyncio.run_coroutine_threadsafe(made(), self.loop).result(50)

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Run the loop, if there is one, in a thread of its own."""
        if self.loop is None:
            yield self
            return
        thread = threading.Thread(target=self.loop.run_forever)
        thread.start()
        try:
            yield self
            for client in self._made:
                client.close()
        finally:
            self.loop.call_soon_threadsafe(self.loop.stop)
            thread.join()
            left = asyncio.all_tasks(self.loop)
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()
        assert not left, left


class Waiting:
    """A client on the loop, whose calls are waited for."""

    def __init__(self, mode: Mode, client: Any) -> None:
        self._mode = mode
        self._client = client

    def __getattr__(self, function: str) -> Callable[..., Any]:
        method = getattr(self._client, function)
        return lambda *arguments, **named: self._mode.wait(lambda: method(*arguments, **named))

    def __repr__(self) -> str:
        return repr(self._client)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._mode.wait(self._client.close)


def with_options(client: Any, **options: Any) -> Any:
    """Return a client of either engine with other options."""
    if isinstance(client, Waiting):
        return Waiting(client._mode, fastthrift.with_options(client._client, **options))
    return fastthrift.with_options(client, **options)
