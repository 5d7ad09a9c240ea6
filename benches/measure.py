"""Timing that is fair on a noisy machine: all subjects shuffled together in each round, CPU time, collector off."""

from __future__ import annotations

import math
import random
import statistics
import time
import timeit
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

PATIENCE = 8
"""How many times the time of a batch a statement may take before it sits out rounds."""


@dataclass(frozen=True)
class Statement:
    """A line of Python to time, and the names it uses. It runs in a loop of its own, so no call is added to it."""

    code: str
    names: Mapping[str, Any]
    collector: bool = False
    """Whether the collector is on while it is timed."""

    def with_collector(self, collector: bool) -> Statement:
        """Return the same statement, timed with the collector on or off."""
        return replace(self, collector=collector)

    def run(self) -> Any:
        """Run it once and return the value of its last expression."""
        names = dict(self.names)
        *before, last = self.code.split("; ")
        for line in before:
            exec(line, names)
        return eval(last, names)

    def timer(self) -> timeit.Timer:
        """Return a timer that counts the CPU time of this thread, in seconds."""
        # The timer turns the collector off before it runs the setup.
        setup = "import gc; gc.enable()" if self.collector else "pass"
        return timeit.Timer(self.code, setup, timer=time.thread_time, globals=dict(self.names))


@dataclass
class Sample:
    """The measurements of one subject, one a round that it took part in."""

    values: list[float] = field(default_factory=list)
    step: int = 1
    """It took part in the first round and then in every `step`-th."""

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
        mine, theirs = self._by_round(), other._by_round()
        return statistics.median(mine[number] / theirs[number] for number in mine.keys() & theirs.keys())

    def _by_round(self) -> dict[int, float]:
        return {number * self.step: value for number, value in enumerate(self.values)}


def shuffled(names: Iterable[str], rounds: int, seed: int = 1) -> Iterable[Sequence[str]]:
    """Yield the names in a new order each round, the same orders in each run."""
    order = list(names)
    chance = random.Random(seed)
    for _ in range(rounds):
        chance.shuffle(order)
        yield tuple(order)


def cpu_time(subjects: Mapping[str, Statement], *, rounds: int, batch_seconds: float) -> dict[str, Sample]:
    """Measure the CPU seconds that one run of each statement takes.

    A statement that takes many times `batch_seconds` to run once takes part in fewer rounds, in three at least.

    Args:
        subjects: What to compare, by name.
        rounds: How often each is measured.
        batch_seconds: About how long one measurement repeats its statement; 0 for one run in every round.
    """
    timers = {name: statement.timer() for name, statement in subjects.items()}
    counts: dict[str, int] = {}
    samples: dict[str, Sample] = {}
    for name, timer in timers.items():
        counts[name], batch = _count(timer, batch_seconds)
        samples[name] = Sample(step=_step(batch / batch_seconds, rounds) if batch_seconds else 1)
    for number, order in enumerate(shuffled(subjects, rounds)):
        for name in order:
            if number % samples[name].step == 0:
                samples[name].values.append(timers[name].timeit(counts[name]) / counts[name])
    return samples


def _step(batches: float, rounds: int) -> int:
    return max(1, min(math.ceil(batches / PATIENCE), (rounds - 1) // 2))


def _count(timer: timeit.Timer, seconds: float) -> tuple[int, float]:
    """Return how often to repeat a statement for a batch of about `seconds`, and how long the batch will take."""
    count = 1
    while (took := timer.timeit(count)) < seconds / 4:
        count *= 4
    repeats = max(1, round(count * seconds / took))
    return repeats, took / count * repeats
