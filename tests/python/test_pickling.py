"""Pickles of everything that a module of an IDL file holds."""

from __future__ import annotations

import asyncio
import copy
import pickle
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastthrift
import pytest
from fastthrift import aio

IDL = """
enum Colour { RED = 1, BLUE = 4 }
struct Leaf { 1: string name, 2: Colour colour, 3: uuid id }
union Value { 1: Leaf leaf, 2: list<Value> many, 3: i32 number = 3 }
exception Broken { 1: string message, 2: Leaf at }
struct Tree {
  1: list<Value> values
  2: set<Colour> colours
  3: map<set<i32>, map<string, i32>> maps
  4: set<map<string, i32>> keys
  5: Broken error
  6: Tree below
}
const Tree NONE = {}
"""
m = fastthrift.loads(IDL, name="pickling.thrift")

versions = pytest.mark.parametrize("version", range(pickle.HIGHEST_PROTOCOL + 1))


def tree() -> object:
    leaf = m.Leaf("oak", m.Colour.BLUE, uuid.UUID(int=7))
    value = m.Tree(
        values=[m.Value(leaf=leaf), m.Value(many=[m.Value(number=5), m.Value(leaf=m.Leaf())])],
        colours={m.Colour.RED, m.Colour(99)},
        maps={frozenset({1, 2}): {"a": 1}},
        keys=set(),
        below=m.Tree(),
    )
    return fastthrift.deserialize(m.Tree, fastthrift.serialize(value))


@versions
def test_nested_values_survive(version: int) -> None:
    original = tree()
    twin = pickle.loads(pickle.dumps(original, version))
    assert twin == original
    assert type(twin) is m.Tree
    assert twin.values[1]._which == "many"


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, pickle.dumps])
def test_servers_and_clients_are_neither_copied_nor_pickled(make: Callable[[Any], object]) -> None:
    service = fastthrift.loads("service S { i32 f() }", module_name="pickling_service").S

    class Handler(service):  # type: ignore[misc, valid-type]
        def f(self) -> int:
            return 1

    def is_refused(one: object) -> None:
        with pytest.raises(TypeError, match="pickle"):
            make(one)

    async def on_a_loop() -> None:
        async with aio.Server(Handler(), "memory://pickling") as server, aio.connect(service, server.url) as client:
            is_refused(server)
            is_refused(client)
            assert await client.f() == 1

    with fastthrift.Server(Handler(), "memory://pickling") as server, fastthrift.connect(service, server.url) as client:
        is_refused(server)
        is_refused(client)
        assert client.f() == 1
    asyncio.run(on_a_loop())


@versions
def test_what_is_a_key_survives(version: int) -> None:
    made = m.Tree(keys=[])
    made.keys = fastthrift.deserialize(
        m.Tree, bytes.fromhex("0e0004 0d00000001 0b0800000001 00000001 61 00000005 00")
    ).keys
    twin = pickle.loads(pickle.dumps(made, version))
    assert twin == made
    assert {tuple(key.items()) for key in twin.keys} == {(("a", 5),)}
    assert hash(next(iter(twin.keys))) == hash(next(iter(made.keys)))


@versions
def test_exceptions_survive_with_their_attributes(version: int) -> None:
    broken = m.Broken("bad", m.Leaf("x"))
    broken.note = "added"
    twin = pickle.loads(pickle.dumps(broken, version))
    assert type(twin) is m.Broken
    assert (twin.message, twin.at, twin.note) == ("bad", m.Leaf("x"), "added")


@versions
def test_enums_survive_known_or_not(version: int) -> None:
    assert pickle.loads(pickle.dumps(m.Colour.RED, version)) is m.Colour.RED
    unknown = pickle.loads(pickle.dumps(m.Colour(99), version))
    assert (unknown, unknown.name, type(unknown)) == (99, "UNKNOWN_99", m.Colour)


@versions
def test_classes_and_values_that_hold_themselves_survive(version: int) -> None:
    assert pickle.loads(pickle.dumps(m.Tree, version)) is m.Tree
    loop = m.Tree()
    loop.below = loop
    twin = pickle.loads(pickle.dumps(loop, version))
    assert twin.below is twin
    loop.below = twin.below = None


def test_the_errors_of_the_package_survive() -> None:
    errors = [
        fastthrift.DecodeError("text", 7),
        fastthrift.EncodeError("text"),
        fastthrift.TApplicationException(6, "text"),
        fastthrift.TTransportException(4, "text"),
        fastthrift.ConnectError(1, "text", False),
        fastthrift.ConnectionLost(4, "text"),
        fastthrift.PeerError(0, "text"),
        fastthrift.TransportTimeout(3, "text", False),
    ]
    for error in errors:
        error.attempt = 2  # type: ignore[attr-defined]
        twin = pickle.loads(pickle.dumps(error))
        assert (type(twin), str(twin), twin.__dict__) == (type(error), str(error), error.__dict__)
    with pytest.raises(fastthrift.ThriftSyntaxError) as caught:
        fastthrift.loads("struct {")
    twin = pickle.loads(pickle.dumps(caught.value))
    assert (str(twin), twin.lineno, twin.diagnostics) == (str(caught.value), 1, caught.value.diagnostics)


def test_another_process_reads_a_pickle_once_it_has_loaded_the_file(tmp_path: Path) -> None:
    path = tmp_path / "pickling.thrift"
    path.write_text(IDL)
    data = tmp_path / "data"
    data.write_bytes(pickle.dumps(tree()))
    program = """
import pathlib, pickle, sys
import fastthrift
m = fastthrift.load(sys.argv[1])
tree = pickle.loads(pathlib.Path(sys.argv[2]).read_bytes())
assert type(tree) is m.Tree
print(tree.values[0].leaf.name)
"""
    run = subprocess.run(
        [sys.executable, "-X", "dev", "-c", program, str(path), str(data)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert run.stdout.strip() == "oak"
