"""What several threads do at the same moment: on free-threaded builds really so, on others they take turns."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import sysconfig
import threading
from array import array
from collections.abc import Callable
from typing import Any

import fastthrift
import fastthrift.aio
import pytest

from tests.python.churn import item
from tests.python.churn import m as churned
from tests.python.test_threads import run_together

IDL = """
enum Kind { A = 1, B = 2 }
struct Pair { 1: i32 a, 2: i32 b }
union Choice { 1: i64 number, 2: string text, 3: Pair pair }
struct Holder {
  1: Choice choice, 2: binary blob, 3: map<string, list<i32>> lists, 4: set<i32> numbers, 5: list<i64> wide
  6: list<Pair> pairs
}
service Echo {
  string echo(1: i64 number, 2: list<string> words)
  i32 meet(1: i32 number)
}
const list<i32> NUMBERS = [1, 2, 3]
typedef map<string, Pair> Pairs
"""
m: Any = fastthrift.loads(IDL, name="parallel.thrift")

pytestmark = pytest.mark.usefixtures("switch_often")
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def while_others(change: Callable[[int], None], use: Callable[[int], None], *, rounds: int = 1500) -> None:
    """Let four threads use something for some rounds, while four others change it."""
    left = threading.Semaphore(0)
    is_over = threading.Event()

    def work(place: int) -> None:
        try:
            if place < 4:
                for round_ in range(rounds):
                    use(round_)
            else:
                round_ = place
                while not is_over.is_set():
                    change(round_)
                    round_ += 1
        finally:
            if place < 4:
                left.release()
                if place == 0:
                    for _ in range(4):
                        left.acquire()
                    is_over.set()

    run_together(work)


@pytest.mark.skipif(not FREE_THREADED, reason="this build of Python always has its lock")
def test_the_package_needs_no_lock_of_the_interpreter() -> None:
    modules = "fastthrift, fastthrift.aio, fastthrift.generated, fastthrift.health, fastthrift.logs, fastthrift.sasl"
    program = f"import sys, {modules}; assert not sys._is_gil_enabled()"
    subprocess.run([sys.executable, "-X", "gil=0", "-c", program], check=True, timeout=50)
    program = f"import sys; was = sys._is_gil_enabled(); import {modules}; assert not was and not sys._is_gil_enabled()"
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=50)


def test_a_union_has_one_member_whenever_it_is_looked_at(protocol: Any) -> None:
    choice = m.Choice(number=1)
    changes = [("number", 7), ("text", "seven"), ("pair", m.Pair(7, 7))]

    def change(round_: int) -> None:
        setattr(choice, *changes[round_ % 3])

    def use(_: int) -> None:
        data = fastthrift.serialize(choice, protocol)
        assert fastthrift.deserialize(m.Choice, data, protocol)._which in ("number", "text", "pair")
        assert choice._which is not None
        assert choice._value is not None
        assert len(fastthrift.to_dict(choice)) == 1

    while_others(change, use, rounds=400)


def test_bytes_that_grow_and_shrink_are_written_as_they_were_at_some_moment() -> None:
    holder = m.Holder(blob=bytearray(b"x"))

    def change(round_: int) -> None:
        try:
            holder.blob.extend(b"x" * (1000 * (round_ % 7)))
            del holder.blob[round_ % 11 :]
        except BufferError:  # another thread is changing its size
            pass

    def use(_: int) -> None:
        read = fastthrift.deserialize(m.Holder, fastthrift.serialize(holder)).blob
        assert read == b"x" * len(read)

    while_others(change, use)


def test_containers_that_change_are_written_as_they_were_at_some_moment(protocol: Any) -> None:
    holder = m.Holder(lists={}, numbers=set(), pairs=[])
    refused = (fastthrift.EncodeError, RuntimeError)  # what changes while Python itself walks over it

    def change(round_: int) -> None:
        holder.lists[f"key {round_ % 40}"] = [round_ % 100] * (round_ % 9)
        holder.lists.pop(f"key {(round_ + 20) % 40}", None)
        holder.numbers ^= {round_ % 50, round_ % 13}
        holder.pairs.append(m.Pair(round_ % 100, round_ % 100))
        del holder.pairs[: round_ % 3]
        if round_ % 64 == 0:
            holder.lists, holder.numbers, holder.pairs = {}, set(), []

    def use(_: int) -> None:
        try:
            read = fastthrift.deserialize(m.Holder, fastthrift.serialize(holder, protocol), protocol)
            assert all(len(set(numbers)) <= 1 for numbers in read.lists.values())
            assert all(pair.a == pair.b for pair in read.pairs)
            fastthrift.to_dict(holder), hash(holder), repr(holder), holder == read
        except refused:
            pass

    while_others(change, use, rounds=150)


def test_an_array_keeps_its_size_while_it_is_written() -> None:
    holder = m.Holder(wide=array("q", [5] * 10))

    def change(round_: int) -> None:
        try:
            holder.wide.extend(array("q", [5] * (round_ % 500)))
            del holder.wide[round_ % 17 :]
        except BufferError:
            pass

    def use(_: int) -> None:
        assert set(fastthrift.deserialize(m.Holder, fastthrift.serialize(holder)).wide) <= {5}

    # The module `array` itself has no lock where threads run at the same time, so there nobody else changes it.
    while_others((lambda _: None) if FREE_THREADED else change, use)


def test_a_hash_sees_no_dict_change_its_size() -> None:
    """A key whose own hash changes the dict would otherwise do so in the middle of a walk."""

    class Odd(str):
        def __hash__(self) -> int:
            holder.lists[f"{len(holder.lists)}"] = []
            return 1

    holder = m.Holder(lists={})
    dict.__setitem__(holder.lists, Odd("odd"), [])
    assert isinstance(hash(holder), int)


def test_the_collector_shows_nothing_that_is_half_made() -> None:
    value = item(inner=item())
    data = fastthrift.serialize(value)
    rounds = 12 if FREE_THREADED else 4

    def work(place: int) -> None:
        if place:
            for _ in range(rounds * 25):
                assert fastthrift.deserialize(churned.Item, data) == value
            return
        for _ in range(rounds):
            for found in gc.get_objects():
                if type(found) in (list, set, frozenset, tuple) and len(found) < 50:
                    any(element is found for element in tuple(found))
                elif type(found) is churned.Item:
                    repr((found.name, found.tags))

    run_together(work, 4)


def test_what_a_module_names_is_the_same_for_all_threads() -> None:
    for place in range(30):
        fresh = fastthrift.loads(IDL, name=f"parallel_{place}.thrift")
        for name in ("NUMBERS", "Pairs", "Kind", "Choice", "Echo"):
            found = run_together(lambda _, fresh=fresh, name=name: getattr(fresh, name))  # type: ignore[misc]
            assert {id(each) for each in found} == {id(getattr(fresh, name))}


def test_fields_are_chosen_by_many_threads_at_once(protocol: Any) -> None:
    data = fastthrift.serialize(m.Holder(wide=[1, 2], blob=b"x", pairs=[m.Pair(1, 2)]), protocol)

    def work(place: int) -> None:
        for round_ in range(100):
            chosen = ["pairs.a", "wide", "blob", "numbers"][: (place + round_) % 4 + 1]
            read = fastthrift.deserialize(m.Holder, data, protocol, fields=chosen)
            assert read == m.Holder(
                pairs=[m.Pair(1)], wide=[1, 2] if "wide" in chosen else None, blob=b"x" if "blob" in chosen else None
            )

    run_together(work)


class Handler:
    """Serves `Echo`; `meet` returns when four calls are there together."""

    def __init__(self) -> None:
        self.barrier = threading.Barrier(4)

    def echo(self, number: int, words: list[str]) -> str:
        return " ".join([str(number), *words])

    def meet(self, number: int) -> int:
        self.barrier.wait(50)
        return number


def test_sixteen_threads_share_one_client_and_each_gets_its_own_replies() -> None:
    with (
        fastthrift.Server(Handler(), "tcp://127.0.0.1:0", service=m.Echo, threads=8) as server,
        fastthrift.connect(m.Echo, server.url, timeout=50, pool=fastthrift.Pool(size=8)) as client,
    ):

        def work(place: int) -> None:
            for round_ in range(60):
                words = [f"{place}", "é" * round_]
                number = place * 1000 + round_
                assert client.echo(number, words) == " ".join([str(number), *words])
            assert client.meet(place) == place

        run_together(work, 16)


def test_handlers_run_in_parallel_and_servers_start_and_stop_meanwhile() -> None:
    def work(place: int) -> None:
        for _ in range(3):
            with (
                fastthrift.Server(Handler(), "tcp://127.0.0.1:0", service=m.Echo, threads=4) as server,
                fastthrift.connect(m.Echo, server.url, timeout=50, pool=fastthrift.Pool(size=8)) as client,
            ):
                assert run_together(client.meet, 4) == [0, 1, 2, 3]
                assert client.echo(place, ["x"]) == f"{place} x"

    run_together(work, 4)


def test_event_loops_of_several_threads_serve_and_call_each_other() -> None:
    """Each thread has a loop with a server and a client of the next thread's server."""
    urls: list[str] = [""] * 4
    together = threading.Barrier(4)

    class Waiting:
        async def echo(self, number: int, words: list[str]) -> str:
            if number % 3 == 0:
                await asyncio.sleep(0)
            assert fastthrift.current_call().function == "echo"  # type: ignore[union-attr]
            return " ".join([str(number), *words])

        def meet(self, number: int) -> int:
            return number

    async def main(place: int) -> None:
        async with fastthrift.aio.Server(Waiting(), "tcp://127.0.0.1:0", service=m.Echo) as server:
            urls[place] = server.url
            await asyncio.to_thread(together.wait, 50)
            async with fastthrift.aio.connect(m.Echo, urls[(place + 1) % 4], timeout=50) as client:
                for round_ in range(20):
                    calls = [client.echo(place * 1000 + each, [f"{round_}"]) for each in range(10)]
                    assert await asyncio.gather(*calls) == [f"{place * 1000 + each} {round_}" for each in range(10)]
                    assert await client.meet(place) == place
            await asyncio.to_thread(together.wait, 50)

    run_together(lambda place: asyncio.run(main(place)), 4)
