"""The two sides of a connection under asyncio: all that a driver has to do."""

from __future__ import annotations

import asyncio
from typing import Any

from fastthrift import _core

Request = tuple[int, bytes | None, bytes, bytes, bool, dict[str, str], float | None]
"""What `_core.ServerConnection.poll_event` gives, the request's headers, and how long the client waits."""


class ClientProtocol(asyncio.Protocol):
    """A client's connection; the events of its calls, each with headers, and its failure wait in `events`."""

    def __init__(self, **config: Any) -> None:
        self.connection = _core.ClientConnection(**config)
        self.events: asyncio.Queue[Any] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._epoch = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None

    def call(self, function: str, body: bytes, *, timeout: float | None = None, **options: Any) -> int:
        deadline = None if timeout is None else self._now() + timeout
        call = self.connection.call(function, body, deadline=deadline, timeout=timeout, **options)
        self.transport.write(self.connection.take_outbound())
        self._pump()
        return call

    def cancel(self, call: int) -> bool:
        cancelled = self.connection.cancel(call)
        self._pump()
        return cancelled

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.connection.receive(data)
        self._pump()

    def eof_received(self) -> bool:
        self.connection.receive_eof()
        self._pump()
        return True  # what is outbound can still go out

    def _pump(self) -> None:
        """Hand out what the connection has to say, and come back when its next deadline passes."""
        if self._timer:
            self._timer.cancel()
        try:
            while event := self.connection.poll_event(self._now()):
                self.events.put_nowait((*event, self.connection.reply_headers()))
        except Exception as error:  # noqa: BLE001 (it belongs to whoever waits)
            self.events.put_nowait(error)
            return
        deadline = self.connection.next_deadline()
        if deadline is not None:
            self._timer = self._loop.call_at(self._epoch + deadline, self._pump)

    def _now(self) -> float:
        return self._loop.time() - self._epoch


class ServerProtocol(asyncio.Protocol):
    """A server's connection; its requests, its failure and None at its end wait in `requests`."""

    def __init__(self, **config: Any) -> None:
        self.connection = _core.ServerConnection(**config)
        self.requests: asyncio.Queue[Any] = asyncio.Queue()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.connection.receive(data)
        self.pump()

    def eof_received(self) -> bool:
        self.connection.receive_eof()
        self.pump()
        return True  # what was asked before is still answered

    def pump(self) -> None:
        """Hand out the requests that may be served now, and send what is to be sent; call it after each answer."""
        try:
            while request := self.connection.poll_event():
                connection = self.connection
                self.requests.put_nowait((*request, connection.request_headers(), connection.request_timeout()))
        except Exception as error:  # noqa: BLE001 (it belongs to whoever waits)
            self.requests.put_nowait(error)
        self.transport.write(self.connection.take_outbound())
        if self.connection.is_finished():
            self.requests.put_nowait(None)
        elif self.connection.wants_read():
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()
