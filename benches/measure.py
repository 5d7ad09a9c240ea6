"""Timing that is fair on a noisy machine: all subjects shuffled together in each round, CPU time, collector off."""

from __future__ import annotations

import random
import statistics
import time
import timeit
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Statement:
    """A line of Python to time, and the names it uses. It runs in a loop of its own, so no call is added to it."""

    code: str
    names: Mapping[str, Any]

    def run(self) -> Any:
        """Run it once and return the value of its last expression."""
        names = dict(self.names)
        *before, last = self.code.split("; ")
        for line in before:
            exec(line, names)
        return eval(last, names)

    def timer(self) -> timeit.Timer:
        """Return a timer that counts the CPU time of this thread, in seconds, with the collector off."""
        return timeit.Timer(self.code, timer=time.thread_time, globals=dict(self.names))


@dataclass
class Sample:
    """The measurements of one subject, one a round."""

    values: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The middle of the measurements."""
        return statistics.median(self.values)

    def quantile(self, part: float) -> float:
        """Return the measurement that this part of them, 0 to 1, does not exceed."""
        ordered = sorted(self.values)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))]

    def ratio_to(self, other: Sample) -> float:
        """Return how many times the other's this is: the median over the rounds, each round's pair being neighbours."""
        return statistics.median(mine / theirs for mine, theirs in zip(self.values, other.values, strict=True))


def shuffled(names: Iterable[str], rounds: int, seed: int = 1) -> Iterable[Sequence[str]]:
    """Yield the names in a new order each round, the same orders in each run."""
    order = list(names)
    chance = random.Random(seed)
    for _ in range(rounds):
        chance.shuffle(order)
        yield tuple(order)


def cpu_time(subjects: Mapping[str, Statement], *, rounds: int, batch_seconds: float) -> dict[str, Sample]:
    """Measure the CPU seconds that one run of each statement takes.

    Args:
        subjects: What to compare, by name.
        rounds: How often each is measured.
        batch_seconds: About how long one measurement repeats its statement.
    """
    timers = {name: statement.timer() for name, statement in subjects.items()}
    counts = {name: _count(timer, batch_seconds) for name, timer in timers.items()}
    samples = {name: Sample() for name in subjects}
    for order in shuffled(subjects, rounds):
        for name in order:
            samples[name].values.append(timers[name].timeit(counts[name]) / counts[name])
    return samples


def _count(timer: timeit.Timer, seconds: float) -> int:
    count = 1
    while (took := timer.timeit(count)) < seconds / 4:
        count *= 4
    return max(1, round(count * seconds / took))
