"""One connection through the proxy: two lanes, each of which carries whole frames one way and lets faults befall."""

from __future__ import annotations

import contextlib
import enum
import socket
import struct
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults.chaos import Chaos, Fault, Plan
from tests.faults.frames import HEAD, has_end, is_unreadable, sequence_id_end, sequence_id_was_flipped
from tests.faults.tokens import numbers_in

GRACE = 3.0
"""The seconds in which a peer has to close a connection that it cannot go on with: far more than it needs."""
RECEIVE = 1 << 16


class End(enum.Enum):
    """What ends a lane, in its turn among the frames."""

    FINISH = enum.auto()
    """No more is sent this way; the other way goes on."""
    CLOSE = enum.auto()
    """Both sides are closed."""
    RESET = enum.auto()
    """Both sides are reset."""


@dataclass
class Ledger:
    """What the proxy did, for the judgement of what the callers saw."""

    faults: Counter[str] = field(default_factory=Counter)
    renumbered: set[int] = field(default_factory=set)
    """The tokens in frames whose sequence id was flipped: only these may come to another call."""
    unclosed: list[str] = field(default_factory=list)
    """The connections that a peer kept although it cannot have read what it got."""
    must_close: int = 0
    """How often a peer had to close."""


class Lane:
    """One direction of a connection."""

    def __init__(self, pair: Pair, source: socket.socket, sink: socket.socket, direction: int) -> None:
        self.pair = pair
        self.source = source
        self.sink = sink
        self.is_ended = False
        self.wants_write = False
        self._direction = direction
        self._chaos = Chaos(pair.plan, pair.number, direction)
        self._inbox = bytearray()
        self._queue: deque[tuple[float, bytes | End]] = deque()
        self._held: list[tuple[int, bytes]] = []
        self._is_deaf = False
        self._has_lengths = True

    def receive(self, now: float) -> None:
        """Take in what the source has, and send on what may be sent."""
        try:
            data = self.source.recv(RECEIVE)
        except BlockingIOError:
            return
        except OSError:
            self.pair.close(is_reset=True)
            return
        if not data:
            self._release(now, all_of_them=True)
            self._queue.append((now, End.FINISH))
            self.pair.ignore(self.source)
        elif not self._is_deaf:
            self._inbox += data
            while self._inbox and (end := self._end_of_first()) is not None:
                frame = bytes(self._inbox[:end])
                del self._inbox[:end]
                self._befall(frame, now)
        self.send(now)

    def send(self, now: float) -> None:
        """Send what is due, and ask to be woken for what is not."""
        while self._queue and not self.is_ended and not self.pair.is_closed:
            due, what = self._queue[0]
            if due > now:
                self.pair.wake(due, self.send)
                break
            if isinstance(what, End):
                self._end(what)
                return
            try:
                sent = self.sink.send(what)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.pair.close(is_reset=True)
                return
            if sent < len(what):
                self._queue[0] = (due, what[sent:])
                self._want_write(True)
                return
            self._queue.popleft()
        self._want_write(False)

    def _end_of_first(self) -> int | None:
        return has_end(self._inbox) if self.pair.plan.has_frames else len(self._inbox)

    def _befall(self, frame: bytes, now: float) -> None:
        fault = self._chaos.draw()
        self.pair.ledger.faults[fault.value] += 1
        if fault is Fault.NONE:
            self._forward(frame, now)
        elif fault in (Fault.DELAY, Fault.LATE):
            self._forward(frame, now + (self._chaos.delay() if fault is Fault.DELAY else self._chaos.lateness()))
        elif fault is Fault.TRICKLE:
            for piece in self._chaos.pieces(frame):
                now += self._chaos.random.uniform(0, 0.003)
                self._put(now, piece)
        elif fault is Fault.REORDER:
            self._held.append((self._chaos.random.randint(1, 4), frame))
            self.pair.wake(now + self._chaos.delay(), lambda now: self._release(now, all_of_them=True))
        elif fault is Fault.DUPLICATE:
            self._forward(frame, now)
            self._held.append((self._chaos.random.randint(0, 3), frame))
            self._release(now, all_of_them=self._held[-1][0] == 0)
        elif fault is Fault.FLIP:
            self._flip(frame, now)
        else:
            self._break(fault, frame, now)

    def _forward(self, frame: bytes, due: float) -> None:
        """Send a frame in its turn, and after it those that it was to overtake."""
        self._put(due, frame)
        if self._held:
            self._held = [(left - 1, held) for left, held in self._held]
            self._release(due)

    def _put(self, due: float, what: bytes | End) -> None:
        self._queue.append((max(due, self._queue[-1][0]) if self._queue else due, what))

    def _release(self, now: float, *, all_of_them: bool = False) -> None:
        ready = [held for left, held in self._held if all_of_them or left <= 0]
        self._held = [] if all_of_them else [(left, held) for left, held in self._held if left > 0]
        for held in ready:
            self._put(now, held)
        if ready:
            self.send(now)

    def _flip(self, frame: bytes, now: float) -> None:
        if not self.pair.plan.has_frames:
            self._put(now, self._chaos.flip(frame, None)[0])
            return
        flipped, places = self._chaos.flip(frame, sequence_id_end(frame))
        if sequence_id_was_flipped(frame, places):
            self.pair.ledger.renumbered.update(numbers_in(frame))
        self._put(now, flipped)
        # After a changed length the peer waits for what it announces, and takes the next frames for a part of that.
        self._has_lengths &= min(places) >= HEAD
        if self._has_lengths and is_unreadable(flipped, is_request=self._direction == 0) and not self._is_deaf:
            self._is_deaf = True
            self.pair.must_close(f"got {flipped[:24].hex(' ')}", now)

    def _break(self, fault: Fault, frame: bytes, now: float) -> None:
        part = self._chaos.part(frame)
        if part:
            self._put(now, part)
        self._is_deaf = True
        if fault is Fault.HALF:
            self._put(now, End.FINISH)
            self.pair.must_close(f"was sent no more after {part[:24].hex(' ')}", now)
        else:
            self._put(now, End.CLOSE if fault is Fault.CUT else End.RESET)

    def _end(self, how: End) -> None:
        self.is_ended = True
        self._want_write(False)
        if how is not End.FINISH:
            self.pair.close(is_reset=how is End.RESET)
            return
        with contextlib.suppress(OSError):
            self.sink.shutdown(socket.SHUT_WR)
        self.pair.close_if_ended()

    def _want_write(self, is_wanted: bool) -> None:
        if is_wanted != self.wants_write:
            self.wants_write = is_wanted
            self.pair.watch(self.sink)


class Pair:
    """The two sockets of one client's connection, and the lanes between them."""

    def __init__(self, number: int, client: socket.socket, server: socket.socket, plan: Plan, ledger: Ledger) -> None:
        self.number = number
        self.plan = plan
        self.ledger = ledger
        self.is_closed = False
        self.client = client
        self.server = server
        self.lanes = {client: Lane(self, client, server, 0), server: Lane(self, server, client, 1)}
        self.silent: set[socket.socket] = set()
        self.wake: Callable[[float, Callable[[float], None]], None]
        self.watch: Callable[[socket.socket], None]
        self.forget: Callable[[Pair], None]

    def writer_to(self, sink: socket.socket) -> Lane:
        """Return the lane that sends to one of the two sockets."""
        return self.lanes[self.server if sink is self.client else self.client]

    def ignore(self, source: socket.socket) -> None:
        """Receive no more from a socket that has ended."""
        self.silent.add(source)
        self.watch(source)

    def must_close(self, why: str, now: float) -> None:
        """Hold a peer to closing the connection, or note that it did not."""
        self.ledger.must_close += 1

        def check(_now: float) -> None:
            if not self.is_closed:
                self.ledger.unclosed.append(f"connection {self.number} {why}")

        self.wake(now + GRACE, check)

    def close_if_ended(self) -> None:
        """Close once neither way goes on."""
        if all(lane.is_ended for lane in self.lanes.values()):
            self.close()

    def close(self, *, is_reset: bool = False) -> None:
        """Close both sockets."""
        if self.is_closed:
            return
        self.is_closed = True
        self.forget(self)
        for side in self.lanes:
            if is_reset:
                side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            side.close()
