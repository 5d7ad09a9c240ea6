"""Transports that a user wrote, and those of the examples."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import fastthrift
import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULE = fastthrift.loads(
    "service Desk { i64 add(1: i64 a, 2: i64 b), oneway void note(1: string text), binary mirror(1: binary data) }",
    module_name="custom_desk",
)


class Desk(MODULE.Desk):  # type: ignore[misc, name-defined]
    def __init__(self) -> None:
        self.notes: list[str] = []

    def add(self, a: int, b: int) -> int:
        return a + b

    def note(self, text: str) -> None:
        self.notes.append(text)

    def mirror(self, data: bytes) -> bytes:
        return data


class Loop:
    """A transport whose other end is a processor; it hands its bytes out in pieces of a size."""

    def __init__(self, processor: fastthrift.Processor, piece: int = 1 << 20) -> None:
        self.processor = processor
        self.piece = piece
        self.written = bytearray()
        self.received = bytearray()
        self.flushed = 0
        self.is_closed = False

    def read(self, size: int) -> Any:
        count = min(size, self.piece)
        data = self.received[:count]
        del self.received[:count]
        return bytes(data)

    def write(self, data: bytes) -> None:
        assert type(data) is bytes
        self.written += data

    def flush(self) -> None:
        self.flushed += 1
        self.received += self.processor.process(bytes(self.written)) or b""
        self.written.clear()

    def close(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
@pytest.mark.parametrize("transport", ["framed", "unframed", "header", "header+zlib"])
@pytest.mark.parametrize("protocol", ["binary", "compact"])
def test_calls_go_through_a_transport_of_ones_own(protocol: Any, transport: Any, piece: int) -> None:
    desk = Desk()
    loop = Loop(fastthrift.Processor(desk), piece)
    with fastthrift.connect(MODULE.Desk, lambda: loop, protocol=protocol, transport=transport) as client:
        assert client.add(2, 3) == 5
        client.note("hello")
        assert client.add(40, 2) == 42
        data = bytes(range(256)) * (40 if piece == 1 else 4000)
        assert client.mirror(data) == data
    assert (desk.notes, loop.flushed, loop.is_closed) == (["hello"], 4, True)


def test_what_is_read_may_be_any_buffer() -> None:
    class Views(Loop):
        def read(self, size: int) -> Any:
            return memoryview(super().read(size))

    with fastthrift.connect(MODULE.Desk, lambda: Views(fastthrift.Processor(Desk()))) as client:
        assert client.add(2, 3) == 5


class Broken(Loop):
    """Does something wrong at a step."""

    def __init__(self, step: str, error: Any) -> None:
        super().__init__(fastthrift.Processor(Desk()))
        self.step = step
        self.error = error

    def read(self, size: int) -> Any:
        return self._do("read", super().read, size)

    def write(self, data: bytes) -> None:
        self._do("write", super().write, data)

    def flush(self) -> None:
        self._do("flush", super().flush)

    def _do(self, step: str, usual: Any, *arguments: Any) -> Any:
        if step != self.step:
            return usual(*arguments)
        if isinstance(self.error, BaseException):
            raise self.error
        return self.error


@pytest.mark.parametrize("step", ["read", "write", "flush"])
def test_an_exception_of_the_transport_breaks_the_connection_and_is_the_cause(step: str) -> None:
    opened: list[Loop] = []

    def open_transport() -> Loop:
        broken = Broken(step, RuntimeError("the cable is out"))
        opened.append(Loop(fastthrift.Processor(Desk())) if opened else broken)
        return opened[-1]

    with fastthrift.connect(MODULE.Desk, open_transport) as client:
        with pytest.raises(fastthrift.ConnectionLost, match="the cable is out") as caught:
            client.add(2, 3)
        assert isinstance(caught.value.__cause__, RuntimeError)
        # What a write took before it failed may have left.
        assert caught.value.was_sent
        assert opened[0].is_closed
        # The next call opens another.
        assert client.add(2, 3) == 5


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (b"", fastthrift.ConnectionLost),
        (b"x" * 100_000, fastthrift.ConnectionLost),
        ("text", fastthrift.ConnectionLost),
        (None, fastthrift.ConnectionLost),
        (b"nonsense", fastthrift.PeerError),
        (TimeoutError(), fastthrift.TransportTimeout),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_what_reading_gives_is_checked(given: Any, error: type[BaseException]) -> None:
    with fastthrift.connect(MODULE.Desk, lambda: Broken("read", given)) as client, pytest.raises(error):
        client.add(2, 3)


def test_a_transport_that_can_is_told_how_long_it_may_wait() -> None:
    told: list[float | None] = []

    class Timed(Loop):
        def set_timeout(self, seconds: float | None) -> None:
            told.append(seconds)

        def read(self, size: int) -> Any:
            if len(told) > 2:
                time.sleep(told[-1] or 0)
                raise TimeoutError
            return super().read(min(size, 1))

    with fastthrift.connect(MODULE.Desk, lambda: Timed(fastthrift.Processor(Desk())), timeout=0.2) as client:
        start = time.monotonic()
        with pytest.raises(fastthrift.TransportTimeout):
            client.add(2, 3)
        assert time.monotonic() - start < 5
    assert all(seconds is not None and 0 < seconds <= 0.2 for seconds in told)


def test_what_cannot_be_a_transport_is_refused_at_once() -> None:
    with pytest.raises(fastthrift.ConnectError, match="needs a method 'read'"):
        fastthrift.connect(MODULE.Desk, object)

    def fail() -> Any:
        raise OSError("nothing there")

    with pytest.raises(fastthrift.ConnectError, match="nothing there") as caught:
        fastthrift.connect(MODULE.Desk, fail)
    assert not caught.value.was_sent


def test_nothing_is_left_of_clients_and_their_transports() -> None:
    def once() -> None:
        with fastthrift.connect(MODULE.Desk, lambda: Loop(fastthrift.Processor(Desk()))) as client:
            assert client.add(2, 3) == 5

    once()
    gc.collect()
    before = sum(isinstance(found, Loop) for found in gc.get_objects())
    for _ in range(50):
        once()
    gc.collect()
    assert sum(isinstance(found, Loop) for found in gc.get_objects()) == before


@pytest.mark.parametrize(
    ("example", "text"),
    [
        ("udp.py", "OVER DATAGRAMS\n"),
        ("recorder.py", "RECORDED\nRECORDED\n"),
        ("message_queue.py", " says hello\n"),
        ("message_queue_aio.py", "THREE CALLS TOGETHER\n"),
    ],
)
def test_the_examples_run(example: str, text: str) -> None:
    command = [sys.executable, "-X", "dev", "-W", "error", str(ROOT / "examples" / "transports" / example)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=50)
    assert (done.returncode, done.stderr) == (0, "")
    assert text in done.stdout
