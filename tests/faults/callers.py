"""The callers: what each asks, and its judgement of what it gets. Blocking ones here are threads."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import fastthrift

from tests.faults import tokens
from tests.faults.tokens import Verdict

FUNCTIONS = ("ask",) * 12 + ("refuse", "fail", "note", "slow")
SLACK = 2.5
"""The seconds by which a call may end after its deadline: what a busy machine with 64 threads may take to wake one."""
MOST_FAILURES = 10
ATTEMPTS = 20
"""How often a client is opened: what goes to and fro before its first call, as with TLS, meets with faults, too."""
numbers = itertools.count(1)
"""The numbers of tokens: the process makes none twice."""


@dataclass
class Tally:
    """What a caller saw."""

    calls: int = 0
    own: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    foreign: dict[int, str] = field(default_factory=dict)
    """By the number of the token that came, what was asked. Only a renumbered frame excuses it."""
    damaged: int = 0
    failures: list[str] = field(default_factory=list)
    worst: float = 0.0
    """The most seconds by which a call ended after its deadline."""

    def add(self, other: Tally) -> None:
        """Take in what another caller saw."""
        self.calls += other.calls
        self.own += other.own
        self.errors += other.errors
        self.foreign |= other.foreign
        self.damaged += other.damaged
        self.failures += other.failures[: MOST_FAILURES - len(self.failures)]
        self.worst = max(self.worst, other.worst)

    def fail(self, what: str) -> None:
        """Note what must not be."""
        if len(self.failures) < MOST_FAILURES:
            self.failures.append(what)


@dataclass(frozen=True)
class Question:
    """One call to make."""

    function: str
    token: Any

    def __str__(self) -> str:
        return f"{self.function}({self.token.number})"


class Judge:
    """One caller's questions, and its judgement of the answers."""

    def __init__(self, seed: str, deadline: float, *, may_be_damaged: bool) -> None:
        self.tally = Tally()
        self._random = random.Random(seed)
        self._deadline = deadline
        self._may_be_damaged = may_be_damaged

    def question(self) -> Question:
        """Return the next question."""
        padding = self._random.choice((0, 0, 10, 200, 3_000, 20_000))
        return Question(self._random.choice(FUNCTIONS), tokens.make(next(numbers), padding))

    @contextmanager
    def asking(self, question: Question) -> Iterator[Callable[[Any], None]]:
        """Watch one call: its time, and that its answer, given to what this yields, or its error is one it may have."""
        self.tally.calls += 1
        start = time.monotonic()
        try:
            yield lambda got: self._answered(question, got)
        except (tokens.module().Refused, fastthrift.TApplicationException) as error:
            self._raised(question, error)
        except tokens.module().Damaged:
            self._damaged(question, "the server got a damaged token")
        except (fastthrift.TTransportException, fastthrift.TProtocolException) as error:
            self._broken(question, error)
        except Exception as error:  # noqa: BLE001  # any other is a finding, and the caller goes on
            self.tally.fail(f"{question}: {error!r}")
        late = time.monotonic() - start - self._deadline
        self.tally.worst = max(self.tally.worst, late)
        if late > SLACK:
            self.tally.fail(f"{question}: ended {late:.2f} s after its deadline")

    def _answered(self, question: Question, got: Any) -> None:
        if question.function == "note":
            self.tally.own += 1
            return
        verdict = tokens.judge(question.token, question.function, got)
        if verdict is Verdict.OWN:
            self.tally.own += 1
        elif verdict is Verdict.FOREIGN:
            self.tally.foreign[got.number & (2**64 - 1)] = str(question)
        else:
            self._damaged(question, repr(got)[:200])

    def _raised(self, question: Question, error: Any) -> None:
        """Judge an answer that is an exception, unless it is the server's word on a frame that it could not read."""
        if isinstance(error, fastthrift.TApplicationException):
            found = tokens.numbers_in((error.message or "").encode())
            if not found:
                self._broken(question, error)
                return
            self._answered(question, tokens.module().Token(found[0], error.message))
        else:
            self._answered(question, error.token)

    def _damaged(self, question: Question, what: str) -> None:
        self.tally.damaged += 1
        if not self._may_be_damaged:
            self.tally.fail(f"{question}: {what}")

    def _broken(self, question: Question, error: Exception) -> None:
        self.tally.errors[type(error).__name__] += 1
        if not self._may_be_damaged and not isinstance(error, fastthrift.TTransportException):
            self.tally.fail(f"{question}: {error!r}")


@dataclass(frozen=True)
class Opening:
    """How clients are opened."""

    url: str
    deadline: float
    """The seconds that each call may take."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What `connect` takes beside these."""


Ask = Callable[[Question], Any]
Clients = Callable[[Opening, ExitStack], Sequence[Ask]]
"""Opens clients, and returns how each caller asks."""


def run_threads(
    clients: Clients, opening: Opening, *, callers: int, calls: int, seed: int, may_be_damaged: bool
) -> Tally:
    """Let threads call until so many calls were made, and return what they saw."""
    total = Tally()
    judges = [Judge(f"{seed}/{place}", opening.deadline, may_be_damaged=may_be_damaged) for place in range(callers)]
    with ExitStack() as stack:
        asks = clients(opening, stack)
        tickets = itertools.repeat(None, calls)

        def work(place: int) -> None:
            judge, ask = judges[place], asks[place % len(asks)]
            for _ in tickets:
                question = judge.question()
                with judge.asking(question) as answered:
                    answered(ask(question))

        threads = [threading.Thread(target=work, args=(place,), daemon=True) for place in range(callers)]
        for thread in threads:
            thread.start()
        for place, thread in enumerate(threads):
            thread.join(60 + calls / 100)
            if thread.is_alive():
                total.fail(f"caller {place} hangs")
                break
    for judge in judges:
        total.add(judge.tally)
    return total


def of_client(client: Any) -> Ask:
    """Return how one asks by a client."""
    return lambda question: getattr(client, question.function)(question.token)


def opened(opening: Opening, stack: ExitStack, **options: Any) -> Any:
    """Connect, until all is done; where the proxy breaks that, again."""
    options = {**opening.options, **options}
    for left in reversed(range(ATTEMPTS)):
        try:
            client = fastthrift.connect(tokens.module().Oracle, opening.url, timeout=opening.deadline, **options)
            return stack.enter_context(client)
        except fastthrift.TTransportException:
            if not left:
                raise
    raise AssertionError


def own_clients(opening: Opening, stack: ExitStack) -> list[Ask]:
    """Give each of 64 callers a client of its own."""
    return [of_client(opened(opening, stack)) for _ in range(64)]


def few_clients(opening: Opening, stack: ExitStack) -> list[Ask]:
    """Let 64 callers share eight clients, each of which makes one call at a time."""
    return [of_client(opened(opening, stack)) for _ in range(8)]


def one_client(opening: Opening, stack: ExitStack) -> list[Ask]:
    """Let 64 callers share one client."""
    return [of_client(opened(opening, stack))]


def pooled_client(opening: Opening, stack: ExitStack) -> list[Ask]:
    """Let 64 callers share one client over a pool of connections, that asks again where it may."""
    pool, retry = fastthrift.Pool(size=16), fastthrift.Retry(attempts=3)
    return [of_client(opened(opening, stack, pool=pool, retry=retry))]


def hedging_client(opening: Opening, stack: ExitStack) -> list[Ask]:
    """Let 64 callers share one client over a pool, that asks twice where an answer is late."""
    return [of_client(opened(opening, stack, pool=fastthrift.Pool(size=32), hedge=0.01))]
