"""Transports that a user wrote, as asyncio sees its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

_READ_SIZE = 64 << 10
_HIGH_WATER = 64 << 10
"""With more bytes than this unwritten, the connection is told to write no more until a quarter of it is left."""


class AsyncTransport(Protocol):
    """What a transport of one's own has to do; all bytes are in order, like those of a socket."""

    async def read(self, size: int) -> bytes:
        """Return at least one byte and at most so many, when there are some; nothing at the end."""
        ...

    async def write(self, data: bytes) -> None:
        """Take bytes to send."""
        ...

    async def flush(self) -> None:
        """Send what was written: a whole message was."""
        ...

    async def close(self) -> None:
        """Give up what the transport holds; a `read` that waits ends."""
        ...


class CustomTransport(asyncio.Transport):
    """Moves the bytes between a connection and a transport that a user wrote."""

    def __init__(self, loop: asyncio.AbstractEventLoop, stream: AsyncTransport, protocol: Any) -> None:
        super().__init__()
        self._loop = loop
        self._stream = stream
        self._protocol = protocol
        self._unwritten = bytearray()
        self._writing: asyncio.Task[None] | None = None
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._is_paused = False
        self._is_closing = False
        self._is_lost = False
        protocol.connection_made(self)
        self._reading = loop.create_task(self._read())

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Write when the stream takes it."""
        if self._is_closing or not data:
            return
        self._unwritten += data
        if self._writing is None:
            self._writing = self._loop.create_task(self._write())
        if len(self._unwritten) > _HIGH_WATER and not self._is_paused:
            self._is_paused = True
            self._protocol.pause_writing()

    def close(self) -> None:
        """Write what is unwritten, and close."""
        if self._is_closing:
            return
        self._is_closing = True
        self._reading.cancel()
        if self._writing is None:
            self._writing = self._loop.create_task(self._write())

    def abort(self) -> None:
        """Close now."""
        self._unwritten.clear()
        self._is_closing = True
        self._reading.cancel()
        if self._writing is not None:
            self._writing.cancel()
        self._lose(None)

    def is_closing(self) -> bool:
        """Return whether it is closed, or about to be."""
        return self._is_closing

    def pause_reading(self) -> None:
        """Read nothing more until `resume_reading`."""
        self._may_read.clear()

    def resume_reading(self) -> None:
        """Go on reading."""
        self._may_read.set()

    def is_reading(self) -> bool:
        """Return whether it reads."""
        return self._may_read.is_set() and not self._is_closing

    def get_write_buffer_size(self) -> int:
        """Return how many bytes are unwritten."""
        return len(self._unwritten)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the stream says of itself: an attribute ``extra_info``, a mapping, may."""
        extra: Mapping[str, Any] = getattr(self._stream, "extra_info", {})
        return extra.get(name, default)

    async def _read(self) -> None:
        try:
            while True:
                await self._may_read.wait()
                data = await self._stream.read(_READ_SIZE)
                if type(data) is not bytes:
                    data = bytes(memoryview(data))
                if not data:
                    break
                self._protocol.data_received(data)
            self._protocol.eof_received()
            self._end(None)
        except asyncio.CancelledError:
            self._end_cancelled()
            raise
        except Exception as error:  # noqa: BLE001 (whatever the user's code raises ends the connection)
            self._end(error)

    async def _write(self) -> None:
        try:
            while self._unwritten:
                data = bytes(self._unwritten)
                self._unwritten.clear()
                await self._stream.write(data)
                await self._stream.flush()
                if self._is_paused and len(self._unwritten) <= _HIGH_WATER // 4:
                    self._is_paused = False
                    self._protocol.resume_writing()
            self._writing = None
            if self._is_closing:
                self._lose(None)
        except asyncio.CancelledError:
            self._end_cancelled()
            raise
        except Exception as error:  # noqa: BLE001 (as above)
            self._end(error)

    def _end_cancelled(self) -> None:
        """Close because what the stream waits for was cancelled, unless this transport did that itself."""
        if not self._is_closing:
            self._end(ConnectionError("what the transport waited for was cancelled"))

    def _end(self, error: Exception | None) -> None:
        """Close because the stream ended or failed."""
        self._is_closing = True
        self._unwritten.clear()
        for task in (self._reading, self._writing):
            if task is not None and task is not asyncio.current_task():
                task.cancel()
        self._lose(error)

    def _lose(self, error: Exception | None) -> None:
        if self._is_lost:
            return
        self._is_lost = True
        self._protocol.connection_lost(error)
        self._closing = self._loop.create_task(self._close_stream())

    async def _close_stream(self) -> None:
        try:
            await self._stream.close()
        except Exception as error:  # noqa: BLE001 (nobody waits for it any more)
            self._loop.call_exception_handler(
                {"message": "closing a transport failed", "exception": error, "transport": self}
            )
