"""Objects are freed, however deep, cyclic or many; classes and modules go when nobody wants them."""

from __future__ import annotations

import contextlib
import gc
import subprocess
import sys
import threading
import tracemalloc
import weakref

import fastthrift
import pytest

IDL = """
enum Kind { A = 1 }
struct Node { 1: i32 value, 2: Node next, 3: list<Node> many, 4: map<string, Node> named }
union Link { 1: Link link, 2: i32 end }
exception Wrapped { 1: Wrapped inner }
struct Flat { 1: i32 a, 2: string b }
struct Item {
  1: required string name, 2: list<string> tags, 3: map<string, i64> counts, 4: Flat flat, 5: Kind kind, 6: uuid id
  7: set<i32> numbers = [1], 8: Link link
}
service Store { Item take(1: Item item) }
const Item FIRST = { "name": "x" }
"""
m = fastthrift.loads(IDL, name="memory.thrift")
DEPTH = 1_000_000


class Extended(m.Node):
    """Has a dict, and is freed by CPython's own way."""


WRAPPERS = {
    "field": lambda inner: m.Node(1, inner),
    "list": lambda inner: m.Node(many=[inner]),
    "map": lambda inner: m.Node(named={"a": inner}),
    "union": lambda inner: m.Link(link=inner),
    "exception": lambda inner: m.Wrapped(inner=inner),
    "subclass": lambda inner: Extended(1, inner),
    "mixed": lambda inner: m.Node(1, Extended(1, inner)),
}


@pytest.mark.parametrize(("name", "depth"), [("field", DEPTH), *((name, DEPTH // 5) for name in WRAPPERS)])
def test_objects_deep_inside_each_other_are_freed(name: str, depth: int) -> None:
    wrap, chain = WRAPPERS[name], None
    for _ in range(depth):
        chain = wrap(chain)
    del chain


def test_deep_chains_are_freed_on_threads_with_small_stacks() -> None:
    def work() -> None:
        chain = None
        for _ in range(DEPTH // 10):
            chain = m.Node(1, None, [m.Node(1, chain)])
        del chain

    old = threading.stack_size(256 * 1024)
    try:
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
    finally:
        threading.stack_size(old)
    for thread in threads:
        thread.join()


def test_what_is_too_deep_to_compare_is_a_recursion_error() -> None:
    def chain() -> object:
        made = None
        for _ in range(100_000):
            made = m.Node(1, made)
        return made

    with pytest.raises(RecursionError):
        _ = chain() == chain()
    with pytest.raises(RecursionError):
        repr(chain())
    with pytest.raises(RecursionError):
        hash(chain())


def test_defaults_that_hold_themselves_are_refused_when_the_file_is_loaded() -> None:
    with pytest.raises(fastthrift.ThriftSyntaxError, match=r"`A\.b` contains itself"):
        fastthrift.loads("struct A { 1: B b = {} } struct B { 1: A a = {} } const A FIRST = {}")


def test_values_that_hold_themselves_are_collected() -> None:
    class Watched(m.Node):
        pass

    watched = Watched(1)
    reference = weakref.ref(watched)
    watched.next = m.Node(2, many=[watched], named={"a": watched})
    del watched
    gc.collect()
    assert reference() is None


def test_a_value_that_holds_itself_cannot_be_written(protocol: str) -> None:
    loop = m.Node(1)
    loop.next = loop
    with pytest.raises(
        fastthrift.EncodeError, match="nesting is deeper than the limit of 64, or a value contains itself"
    ):
        fastthrift.serialize(loop, protocol)
    loop.next = None


def test_reference_counts_are_given_back(protocol: str) -> None:
    name, item = "a name that is not interned " + protocol, m.Flat(10**6, "text")
    counts = [sys.getrefcount(thing) for thing in (name, item, m.Item, m.Flat, m.Kind.A)]
    for _ in range(100):
        data = fastthrift.serialize(m.Item(name, [name], {name: 1}, item, m.Kind.A), protocol)
        read = fastthrift.deserialize(m.Item, data, protocol)
        hash(read), repr(read), read == read.__replace__(tags=[])
        del read
    assert [sys.getrefcount(thing) for thing in (name, item, m.Item, m.Flat, m.Kind.A)] == counts


def churn(protocol: str, rounds: int) -> None:
    """Do what works and what fails, over and over."""
    good = fastthrift.serialize(
        m.Item("n", ["a"], {"k": 2**40}, m.Flat(1, "b"), m.Kind.A, link=m.Link(end=1)), protocol
    )
    cut, bad = good[:-6], m.Item("n", ["a", "b", 5])
    for _ in range(rounds):
        item = fastthrift.deserialize(m.Item, good, protocol)
        assert fastthrift.serialize(item, protocol) == good
        with contextlib.suppress(fastthrift.DecodeError):
            fastthrift.deserialize(m.Item, cut, protocol)
        with contextlib.suppress(fastthrift.EncodeError):
            fastthrift.serialize(bad, protocol)
        with contextlib.suppress(TypeError):
            m.Item("n", nome=1)
        with contextlib.suppress(TypeError):
            fastthrift.serialize(3)
        item.kind = m.Kind(1000)
        item.link.link = m.Link(end=2)
        del item.tags


def test_memory_stays_flat_over_many_round_trips(protocol: str) -> None:
    churn(protocol, 200)
    gc.collect()
    objects = len(gc.get_objects())
    tracemalloc.start()
    try:
        churn(protocol, 200)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        churn(protocol, 5_000)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 50_000
    assert len(gc.get_objects()) - objects < 100


RESIDENT = """
import fastthrift, gc, resource, sys
m = fastthrift.loads(sys.argv[1], name="memory.thrift")
value = m.Item("n", ["a" * 100], {"k": 2**40}, m.Flat(1, "b"), m.Kind.A)
data = fastthrift.serialize(value, sys.argv[2])
def run(rounds):
    for _ in range(rounds):
        fastthrift.serialize(fastthrift.deserialize(m.Item, data, sys.argv[2]), sys.argv[2])
        try: fastthrift.deserialize(m.Item, data[:30], sys.argv[2])
        except fastthrift.DecodeError: pass
run(10_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
run(100_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_the_process_does_not_grow_over_a_hundred_thousand_round_trips(protocol: str) -> None:
    run = subprocess.run([sys.executable, "-c", RESIDENT, IDL, protocol], check=True, capture_output=True, text=True)
    assert int(run.stdout) < 2_000, "KiB"


def test_a_module_and_its_classes_go_when_nobody_wants_them() -> None:
    module = fastthrift.loads(IDL, name="memory_unload.thrift")
    assert module.FIRST.flat is None
    module.FIRST.link = module.Link(end=1)
    references = [
        weakref.ref(thing) for thing in (module, module.Item, module.Link, module.Kind, module.Store, module.Wrapped)
    ]
    instance = module.Item("kept")
    del module, sys.modules["memory_unload_thrift"]
    gc.collect()
    assert instance.numbers == {1}
    assert fastthrift.deserialize(type(instance), fastthrift.serialize(instance)) == instance
    del instance
    for _ in range(3):  # what the classes held goes after them
        gc.collect()
    assert [reference() for reference in references] == [None] * len(references)


def test_loading_over_and_over_leaves_nothing_behind() -> None:
    def load_once() -> None:
        module = fastthrift.loads(IDL, name="memory_again.thrift")
        assert module.FIRST.name == "x"
        del sys.modules["memory_again_thrift"]

    load_once()
    gc.collect()
    objects = len(gc.get_objects())
    for _ in range(20):
        load_once()
    gc.collect()
    assert len(gc.get_objects()) - objects < 20


def test_a_subclass_that_goes_takes_nothing_along() -> None:
    def use() -> weakref.ref[type]:
        class Short(m.Item):
            pass

        fastthrift.deserialize(Short, fastthrift.serialize(Short("x")))
        return weakref.ref(Short)

    reference = use()
    gc.collect()
    assert reference() is None
    assert m.Item("still here").name == "still here"


def test_a_value_that_there_is_no_memory_for_is_a_memory_error() -> None:
    program = """
import resource, fastthrift
module = fastthrift.loads("struct Tree { 1: list<Tree> branches, 2: binary blob }")
tree = module.Tree(blob=bytes(1 << 16))
for _ in range(30):
    tree = module.Tree(branches=[tree, tree], blob=bytes(1 << 16))
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (200 << 20),) * 2)
for protocol in ("binary", "compact"):
    try: fastthrift.serialize(tree, protocol)
    except MemoryError as error: print(error)
"""
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=50)
    assert run.stdout == "there is no room for the rest of the value\n" * 2
