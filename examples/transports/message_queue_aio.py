"""Thrift over a message queue on an event loop: calls overlap, and so do the handlers that answer them.

As `message_queue.py`, with the twins of what it uses: a transport of coroutine functions, and an `aio.Processor`.
"""

from __future__ import annotations

import asyncio

import fastthrift
from fastthrift import aio

Replies = asyncio.Queue[bytes]
Requests = asyncio.Queue[tuple[bytes, Replies]]


class Queued:
    """A client's transport over a queue of requests."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._replies: Replies = asyncio.Queue()
        self._written = bytearray()
        self._received = b""

    async def read(self, size: int) -> bytes:
        if not self._received:
            self._received = await self._replies.get()
        data, self._received = self._received[:size], self._received[size:]
        return data

    async def write(self, data: bytes) -> None:
        self._written += data

    async def flush(self) -> None:
        self._requests.put_nowait((bytes(self._written), self._replies))
        self._written.clear()

    async def close(self) -> None:
        self._replies.put_nowait(b"")


async def answer(processor: aio.Processor, request: bytes, replies: Replies) -> None:
    """Answer what one message of the queue asks."""
    reply = await processor.process(request, peer="queue://requests")
    if reply is not None:
        replies.put_nowait(reply)


async def work(processor: aio.Processor, requests: Requests) -> None:
    """Answer requests until this is cancelled, many at the same time."""
    answering: set[asyncio.Task[None]] = set()
    while True:
        request, replies = await requests.get()
        task = asyncio.create_task(answer(processor, request, replies))
        answering.add(task)
        task.add_done_callback(answering.discard)


async def main() -> None:
    module = fastthrift.loads("service Echo { string say(1: string text) }", module_name="queued_aio_echo")

    class Handler(module.Echo):  # type: ignore[misc, name-defined]
        async def say(self, text: str) -> str:
            await asyncio.sleep(0.1)
            return text.upper()

    requests: Requests = asyncio.Queue()
    processor = aio.Processor(Handler())
    worker = asyncio.create_task(work(processor, requests))
    async with await aio.connect(module.Echo, lambda: Queued(requests), timeout=5.0) as client:
        print(*await asyncio.gather(*[client.say(text) for text in ("three", "calls", "together")]))
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
    await processor.close()


if __name__ == "__main__":
    asyncio.run(main())
