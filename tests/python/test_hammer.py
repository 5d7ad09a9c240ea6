"""Eight threads at one class, and at one value."""

from __future__ import annotations

import pickle
import random
import time
from collections.abc import Callable
from typing import Any

import fastthrift
import pytest

from tests.python.churn import IDL, Churn, item, m
from tests.python.test_threads import run_together

pytestmark = pytest.mark.usefixtures("switch_often")

SECONDS = 1.0
PROTOCOLS = ("binary", "compact", "json", "simplejson")


def until_the_end(work: Callable[[int], None]) -> Callable[[int], int]:
    """Return what does some work until the time is up, and says how often."""

    def run(place: int) -> int:
        end, count = time.monotonic() + SECONDS, 0
        while time.monotonic() < end:
            work(place)
            count += 1
        return count

    return run


def test_threads_that_do_all_things_with_one_class_get_what_one_thread_gets() -> None:
    whole = item(inner=item())
    data = {protocol: fastthrift.serialize(whole, protocol) for protocol in PROTOCOLS}  # type: ignore[arg-type]

    def work(place: int) -> None:
        protocol: Any = PROTOCOLS[place % 4]
        read = fastthrift.deserialize(m.Item, data[protocol], protocol)
        assert read == whole
        assert fastthrift.deserialize(m.Item, fastthrift.serialize(read, protocol), protocol) == whole
        assert pickle.loads(pickle.dumps(read)) == whole
        assert fastthrift.from_dict(m.Item, fastthrift.to_dict(read)) == whole
        assert read.__replace__(name="other") != whole
        assert m.Item(name=f"{place}").name == f"{place}"
        assert hash(read.flat) == hash(whole.flat)

    assert all(run_together(until_the_end(work)))  # each thread came to its turn


def test_threads_that_change_read_and_write_one_value_do_no_harm() -> None:
    """What is written may be of any moment: a value, or an error that says why there is none."""
    shared = item(inner=item())
    errors = (fastthrift.EncodeError, RuntimeError)  # a dict or set that changes while Python walks over it

    def change(rng: random.Random) -> None:
        other = item(f"name {rng.random()}")
        shared.inner = rng.choice([None, other, shared.inner])
        shared.tags = rng.choice([[], ["a"] * 1000, None, shared.tags])
        shared.flags.append(rng.random() < 0.5)
        del shared.flags[: rng.randrange(3)]
        shared.counts[str(rng.randrange(50))] = 1
        shared.counts.pop(str(rng.randrange(50)), None)
        shared.numbers.symmetric_difference_update({rng.randrange(50)})
        shared.link = rng.choice([m.Link(end=1), m.Link(link=m.Link(end=2))])
        shared.flat.b = rng.choice(["x", None, "y" * 5000])
        shared.kind = rng.choice([None, *m.Kind])

    def use(place: int) -> None:
        protocol: Any = PROTOCOLS[place % 4]
        try:
            written = fastthrift.serialize(shared, protocol)
            assert fastthrift.deserialize(m.Item, written, protocol).name == "a name"
            repr(shared), shared == shared.__replace__(), pickle.dumps(shared), fastthrift.to_dict(shared)
        except errors:
            pass

    def work(place: int) -> None:
        if place % 2:
            change(random.Random(place))
        else:
            use(place // 2)

    assert all(run_together(until_the_end(work)))
    fastthrift.serialize(shared)


def test_threads_that_churn_get_all_their_errors() -> None:
    churns = [Churn(PROTOCOLS[place % 4], seed=place) for place in range(8)]
    run_together(lambda place: churns[place].run(300))


def test_a_class_is_made_by_whichever_thread_is_first() -> None:
    """Each kind of use makes the classes; all come at the same moment."""
    data = fastthrift.serialize(item(inner=item()))
    uses: list[Callable[[Any], Any]] = [
        lambda fresh: fresh.Item,
        lambda fresh: type(fastthrift.deserialize(fresh.Item, data)),
        lambda fresh: type(fastthrift.from_dict(fresh.Item, {"name": "x", "flat": {"a": 1}, "link": {"end": 1}})),
        lambda fresh: fresh.Item if fresh.Item(name="x", link=fresh.Link(end=1)) else None,
        lambda fresh: type(fastthrift.deserialize(fresh.Item, data).inner),
        lambda fresh: fresh.Item if fresh.Refused("x", fresh.Flat()) else None,
        lambda fresh: type(fastthrift.from_json(fresh.Item, '{"name":"x","refused":[[{"number":1},{"why":"y"}]]}')),
        lambda fresh: fresh.Item if fresh.Key(1) in {fresh.Key(1)} else None,
    ]
    for place in range(30):
        fresh = fastthrift.loads(IDL, name=f"hammer_{place}.thrift")
        classes = run_together(lambda thread, fresh=fresh: uses[thread](fresh))  # type: ignore[misc]
        assert set(map(id, classes)) == {id(fresh.Item)}
