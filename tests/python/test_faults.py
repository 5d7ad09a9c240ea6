"""A short fault test of each kind, and that it finds what it is there to find. `make faults` is the long one."""

from __future__ import annotations

import itertools
import secrets
import socket
import struct
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import fastthrift
import pytest

from tests.faults import callers, frames, run, tokens
from tests.faults.callers import Ask, Judge, Opening, Question, Tally
from tests.faults.chaos import FATAL, RATES, Chaos, Fault, Plan
from tests.faults.run import Scenario
from tests.faults.tokens import Verdict

REQUEST = b"\x00\x00\x00\x16\x80\x01\x00\x01\x00\x00\x00\x03ask\x00\x00\x00\x07\x08\x00\x01\x00\x00\x00\x00"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("flips", [False, True], ids=["whole frames", "flipped bytes"])
def test_every_call_ends_in_its_own_answer_or_an_error_whatever_befalls_its_frames(flips: bool) -> None:
    assert run.run(calls=4_000, seed=secrets.randbelow(1 << 32), flips=flips) == []


def swapping(opening: Opening, stack: ExitStack) -> Sequence[Ask]:
    """Return how to ask by a client that once in a while gives the answer to the call before."""
    client = callers.opened(opening, stack)
    count, before = itertools.count(), []

    def ask(question: Question) -> Any:
        got = client.ask(question.token)
        answers = [*before, got]
        before[:] = [got]
        return answers[0] if next(count) % 50 == 49 else got

    return [lambda question: ask(Question("ask", question.token))]


def leaking(opening: Opening, stack: ExitStack) -> Sequence[Ask]:
    """Return how to ask by a good client, beside which a descriptor and a thread are left."""
    stop = threading.Event()
    kept.append((socket.socket(), stop))
    threading.Thread(target=stop.wait, args=(30,), daemon=True).start()
    return callers.own_clients(opening, stack)


kept: list[tuple[socket.socket, threading.Event]] = []


def played(clients: callers.Clients, *, flips: bool = False, is_multiplexed: bool = False) -> list[str]:
    scenario = Scenario("broken on purpose", clients, 1.0, fatal=0.1, is_multiplexed=is_multiplexed)
    with run.helper("server", "threads") as (server, failures):
        return run.play(scenario, server, calls=600, seed=1, flips=flips).failures + failures


def test_the_answer_to_another_call_is_found() -> None:
    found = played(swapping)
    assert any("got the whole answer to" in failure for failure in found), found


def test_flipped_bytes_elsewhere_are_no_excuse_for_the_answer_to_another_call() -> None:
    found = played(swapping, flips=True, is_multiplexed=True)
    assert any("got the whole answer to" in failure for failure in found), found


def test_only_a_frame_whose_sequence_id_was_flipped_excuses_the_answer_to_another_call() -> None:
    tally = Tally(calls=4, own=3, foreign={5: "ask(6)"})
    proxy = {"renumbered": [5], "unclosed": [], "open": 0}
    shared = Scenario("", swapping, 1.0, is_multiplexed=True)
    assert run.judge(shared, tally, proxy, flips=True) == []
    for scenario, told, flips in (
        (shared, proxy, False),
        (shared, {**proxy, "renumbered": [6]}, True),
        (Scenario("", swapping, 1.0), proxy, True),
    ):
        assert run.judge(scenario, tally, told, flips=flips) == ["ask(6) got the whole answer to 5"]


def test_what_is_left_behind_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run.watch.leaks, "__kwdefaults__", {"seconds": 0.5})
    try:
        found = played(leaking)
    finally:
        for left, stop in kept:
            left.close()
            stop.set()
        kept.clear()
    assert any("descriptors" in failure for failure in found), found
    assert any("python threads" in failure for failure in found), found


def test_a_call_that_outlives_its_deadline_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "SLACK", 0.05)
    judge = Judge("seed", 0.05, may_be_damaged=False)
    with judge.asking(judge.question()):
        time.sleep(0.2)
    assert "after its deadline" in judge.tally.failures[0]


def test_an_error_that_no_fault_explains_is_found() -> None:
    judge = Judge("seed", 1, may_be_damaged=False)
    for error in (ValueError("?"), fastthrift.DecodeError("?"), fastthrift.TApplicationException(1, "?")):
        with judge.asking(judge.question()):
            raise error
    assert len(judge.tally.failures) == 3
    with judge.asking(judge.question()):
        raise fastthrift.TransportTimeout(3, "late")
    assert len(judge.tally.failures) == 3


def test_an_answer_is_ones_own_or_anothers_or_damaged_and_never_two_of_these() -> None:
    mine, other = tokens.make(7, 100), tokens.make(8, 100)
    got = tokens.answer(mine, "ask")
    assert tokens.judge(mine, "ask", got) is Verdict.OWN
    assert tokens.judge(other, "ask", got) is Verdict.FOREIGN
    assert tokens.judge(mine, "slow", got) is Verdict.FOREIGN
    written = fastthrift.serialize(got)
    for place, bit in itertools.product(range(len(written)), range(8)):
        flipped = bytearray(written)
        flipped[place] ^= 1 << bit
        try:
            read = fastthrift.deserialize(tokens.module().Token, flipped)
        except fastthrift.DecodeError:
            continue
        assert tokens.judge(mine, "ask", read) in (Verdict.DAMAGED, Verdict.OWN)
        assert tokens.judge(other, "ask", read) is not Verdict.OWN


def test_the_proxy_reads_frames_as_far_as_it_must() -> None:
    assert len(REQUEST) == frames.has_end(bytearray(REQUEST + b"more"))
    assert frames.has_end(bytearray(REQUEST[:-1])) is None
    assert not frames.is_unreadable(REQUEST, is_request=True)
    assert frames.is_unreadable(REQUEST, is_request=False)
    assert [frames.sequence_id_was_flipped(REQUEST, [place]) for place in (14, 15, 18, 19)] == [
        False, True, True, False,
    ]  # fmt: skip
    for place, value in ((4, 0x00), (5, 0x02), (7, 0x09), (8, 0x7F)):
        changed = bytearray(REQUEST)
        changed[place] = value
        assert frames.is_unreadable(bytes(changed), is_request=True)
    longer = struct.pack(">i", 100) + REQUEST[4:]
    assert not frames.is_unreadable(longer, is_request=True)


def test_each_fault_is_drawn_about_as_often_as_is_said_and_the_same_for_a_seed() -> None:
    plan = Plan(seed=5, flips=True, fatal=0.5)
    one, two = Chaos(plan, 1, 0), Chaos(plan, 1, 0)
    drawn = [one.draw() for _ in range(50_000)]
    assert drawn == [two.draw() for _ in range(50_000)]
    for fault, rate in RATES.items():
        expected = 50_000 * rate * (0.5 if fault in FATAL else 1)
        assert expected * 0.5 - 20 < drawn.count(fault) < expected * 1.5 + 20
    assert drawn.count(Fault.FLIP) > 300
    frame = bytes(range(200))
    assert all(b"".join(one.pieces(frame)) == frame for _ in range(100))
    for _ in range(100):
        flipped, places = one.flip(frame, 19)
        assert {place for place in range(200) if flipped[place] != frame[place]} <= set(places)
