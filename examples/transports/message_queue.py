"""Thrift over a message queue: a request is one message on a queue, the reply one on the asker's own.

The queues here are those of the standard library; those of a broker have the same two verbs.
"""

from __future__ import annotations

import queue
import threading

import fastthrift

Requests = queue.Queue["tuple[bytes, Replies] | None"]
Replies = queue.Queue[bytes]


class Queued:
    """A client's transport over a queue of requests."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._replies: Replies = queue.Queue()
        self._written = bytearray()
        self._received = b""
        self._timeout: float | None = None

    def read(self, size: int) -> bytes:
        if not self._received:
            try:
                self._received = self._replies.get(timeout=self._timeout)
            except queue.Empty:
                raise TimeoutError("no reply is on the queue") from None
        data, self._received = self._received[:size], self._received[size:]
        return data

    def write(self, data: bytes) -> None:
        self._written += data

    def flush(self) -> None:
        self._requests.put((bytes(self._written), self._replies))
        self._written.clear()

    def close(self) -> None:
        """The queue is its owner's."""

    def set_timeout(self, seconds: float | None) -> None:
        self._timeout = seconds


def work(processor: fastthrift.Processor, requests: Requests) -> None:
    """Answer requests until there is a None."""
    while (message := requests.get()) is not None:
        request, replies = message
        reply = processor.process(request, peer="queue://requests")
        if reply is not None:
            replies.put(reply)


def main() -> None:
    module = fastthrift.loads("service Echo { string say(1: string text) }", module_name="queued_echo")

    class Handler(module.Echo):  # type: ignore[misc, name-defined]
        def say(self, text: str) -> str:
            return f"{threading.current_thread().name} says {text}"

    requests: Requests = queue.Queue()
    workers = [
        threading.Thread(target=work, args=(fastthrift.Processor(Handler()), requests), name=name)
        for name in ("Ada", "Grace")
    ]
    for worker in workers:
        worker.start()
    with fastthrift.connect(module.Echo, lambda: Queued(requests), timeout=2.0) as client:
        print(client.say("hello"))
    for _ in workers:
        requests.put(None)
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    main()
