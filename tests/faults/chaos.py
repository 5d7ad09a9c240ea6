"""What befalls a frame: drawn by a seeded generator, so that a run can be had again as far as threads allow."""

from __future__ import annotations

import enum
import random
from collections.abc import Mapping
from dataclasses import dataclass


class Fault(enum.Enum):
    """One thing that can befall a frame on its way."""

    NONE = "forwarded"
    DELAY = "delayed"
    LATE = "delayed past the deadline"
    TRICKLE = "trickled"
    REORDER = "overtaken"
    DUPLICATE = "sent twice"
    CUT = "cut"
    HALF = "half closed"
    RESET = "reset"
    FLIP = "flipped"


RATES: Mapping[Fault, float] = {
    Fault.DELAY: 0.03,
    Fault.LATE: 0.001,
    Fault.TRICKLE: 0.02,
    Fault.REORDER: 0.03,
    Fault.DUPLICATE: 0.005,
    Fault.CUT: 0.004,
    Fault.HALF: 0.002,
    Fault.RESET: 0.004,
}
"""How likely each is for one frame in one direction."""
FLIPS = 0.02
"""How likely a frame has bytes flipped, where that is asked for."""
FATAL = frozenset({Fault.LATE, Fault.DUPLICATE, Fault.CUT, Fault.HALF, Fault.RESET, Fault.FLIP})
"""What every call of a connection may suffer from: rarer where many share one, or none would ever come through."""


@dataclass(frozen=True)
class Plan:
    """How much of which fault there is."""

    seed: int
    flips: bool = False
    fatal: float = 1.0
    """What the rates of `FATAL` are multiplied with."""
    deadline: float = 1.0
    """The seconds that a call may take: what is late comes after it."""
    has_frames: bool = True
    """Whether framed Binary is forwarded frame by frame; otherwise what comes at once is taken for one."""


class Chaos:
    """The faults of one direction of one connection."""

    def __init__(self, plan: Plan, connection: int, direction: int) -> None:
        self.random = random.Random(f"{plan.seed}/{connection}/{direction}")
        self._plan = plan
        rates = {**RATES, Fault.FLIP: FLIPS} if plan.flips else RATES
        self._bounds: list[tuple[float, Fault]] = []
        bound = 0.0
        for fault, rate in rates.items():
            bound += rate * (plan.fatal if fault in FATAL else 1)
            self._bounds.append((bound, fault))

    def draw(self) -> Fault:
        """Return what befalls the next frame."""
        drawn = self.random.random()
        if drawn >= self._bounds[-1][0]:
            return Fault.NONE
        return next(fault for bound, fault in self._bounds if drawn < bound)

    def delay(self) -> float:
        """Return some seconds that no deadline minds."""
        return self.random.uniform(0.001, 0.02)

    def lateness(self) -> float:
        """Return more seconds than a call has, often only just."""
        return self._plan.deadline * self.random.choice((0.99, 1.01, 1.3))

    def pieces(self, frame: bytes) -> list[bytes]:
        """Cut a frame into a few pieces, none of them empty."""
        cuts = sorted(self.random.sample(range(1, len(frame)), min(self.random.randint(1, 6), len(frame) - 1)))
        return [frame[start:end] for start, end in zip([0, *cuts], [*cuts, len(frame)], strict=True)]

    def part(self, frame: bytes) -> bytes:
        """Return the start of a frame: nothing of it, some, or all of it."""
        return frame[: self.random.choice((0, self.random.randrange(len(frame)), len(frame)))]

    def flip(self, frame: bytes, number: int | None) -> tuple[bytes, list[int]]:
        """Change up to three bytes of a frame, more often than not in its head; return it and their places.

        Args:
            frame: The frame.
            number: Where its sequence id ends, if that is known: now and then that becomes one likely to be in use.
        """
        changed = bytearray(frame)
        if number is not None and self.random.random() < 0.1:
            changed[number - 1] ^= self.random.randrange(1, 32)
            return bytes(changed), [number - 1]
        places = []
        for _ in range(self.random.choice((1, 1, 2, 3))):
            end = min(len(frame), 24) if self.random.random() < 0.6 else len(frame)
            place = self.random.randrange(end)
            changed[place] ^= self.random.choice((0x01, 0x80, self.random.randrange(1, 256)))
            places.append(place)
        return bytes(changed), places
