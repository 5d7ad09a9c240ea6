"""Many threads, one module."""

from __future__ import annotations

import threading
from collections.abc import Callable

import fastthrift
import pytest

IDL = """
enum Kind { A = 1, B = 2 }
struct Inner { 1: Kind kind = Kind.B, 2: list<i32> numbers = [1, 2] }
struct Item { 1: Inner inner = {}, 2: map<Kind, Inner> by }
union Choice { 1: Item item, 2: Kind kind }
exception Bad { 1: Item item }
service Store { Item take(1: Choice choice = {"kind": 1}) throws (1: Bad bad) }
const map<Kind, Item> ITEMS = { Kind.A: {} }
"""


def run_together(work: Callable[[int], object], count: int = 8) -> list[object]:
    """Run something on many threads at the same moment, and return what each got."""
    barrier, results, errors = threading.Barrier(count), [None] * count, []

    def run(place: int) -> None:
        try:
            barrier.wait()
            results[place] = work(place)
        except Exception as error:  # noqa: BLE001 (whatever it is, the test shows it)
            errors.append(error)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    return results


@pytest.mark.parametrize("name", ["Item", "Inner", "Choice", "Bad", "Kind", "Store"])
def test_threads_that_touch_a_class_at_once_get_the_same_one(name: str) -> None:
    for place in range(20):
        m = fastthrift.loads(IDL, name=f"threads_{place}.thrift")
        classes = run_together(lambda _, m=m: getattr(m, name))  # type: ignore[misc]
        assert len(set(map(id, classes))) == 1
        assert classes[0] is getattr(m, name)


def test_threads_that_decode_first_get_the_same_classes(protocol: str) -> None:
    source = fastthrift.loads(IDL, name="threads_source.thrift")
    item = source.Item(by={source.Kind.A: source.Inner(), source.Kind(7): source.Inner(numbers=[])})
    data = fastthrift.serialize(item, protocol)
    for place in range(20):
        m = fastthrift.loads(IDL, name=f"threads_{place}.thrift")
        read = run_together(lambda _, m=m: fastthrift.deserialize(m.Item, data, protocol))  # type: ignore[misc]
        assert len({type(value.inner) for value in read}) == 1  # type: ignore[attr-defined]
        assert all(fastthrift.serialize(value, protocol) == data for value in read)


def test_threads_encode_what_others_change(protocol: str) -> None:
    m = fastthrift.loads(IDL, name="threads_change.thrift")
    shared = m.Item(by={m.Kind.A: m.Inner()})
    stop = threading.Event()

    def change(place: int) -> None:
        if place % 2:
            while not stop.is_set():
                shared.by = {m.Kind(number): m.Inner(numbers=[number] * number) for number in range(place)}
                shared.inner.numbers.append(place)
                if len(shared.inner.numbers) > 100:
                    shared.inner.numbers.clear()
        else:
            for _ in range(2000):
                data = fastthrift.serialize(shared, protocol)
                assert fastthrift.deserialize(m.Item, data, protocol).inner.kind == 2
            stop.set()

    run_together(change, 4)


def test_a_file_is_loaded_by_many_threads_at_once() -> None:
    modules = run_together(lambda place: fastthrift.loads(IDL, name=f"threads_load_{place % 2}.thrift"))
    assert len({id(module) for module in modules}) == len(modules)
    assert all(module.ITEMS[1].inner.kind == 2 for module in modules)  # type: ignore[attr-defined]
