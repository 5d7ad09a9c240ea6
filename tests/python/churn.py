"""Does what works and what fails over and over, and says what is left of it: alone, so that a debug Python can.

python -m tests.python.churn PROTOCOL ROUNDS
"""

from __future__ import annotations

import contextlib
import gc
import json
import random
import re
import sys
import uuid
from pathlib import Path
from typing import Any

import fastthrift

IDL = """
enum Kind { A = 1, B = 2 }
struct Flat { 1: i32 a, 2: string b }
struct Key { 1: i64 number, 2: list<i32> parts }
union Link { 1: Link link, 2: i32 end, 3: list<Flat> flats }
exception Refused { 1: required string why, 2: Flat flat }
struct Item {
  1: required string name, 2: list<string> tags, 3: map<string, i64> counts, 4: Flat flat, 5: Kind kind, 6: uuid id
  7: set<i32> numbers = [1], 8: Link link, 9: map<Key, Refused> refused, 10: set<list<i64>> lists, 11: binary blob
  12: list<bool> flags, 13: list<double> heights, 14: Item inner, 15: map<map<i32, i32>, set<string>> maps
  16: bool is_on
}
"""
m: Any = fastthrift.loads(IDL, name="churn.thrift")


def item(name: str = "a name", inner: Any = None) -> Any:
    """Return a value with something of everything in it."""
    flat = m.Flat(10**6, "flat text")
    return m.Item(
        name, ["tag", "é😀", name], {"one": 1, "many": 2**40}, flat, m.Kind.B, uuid.UUID(int=7), {1, 2**20},
        m.Link(link=m.Link(flats=[flat, flat])), {}, {(1, 2**40), ()},
        b"blob" * 20, [True, False] * 20, [0.5, 1e300] * 20, inner, {}, True,
    )  # fmt: skip


def wrong() -> list[Any]:
    """Return values that cannot be written, each for a reason deep inside."""
    values = [item(inner=item()) for _ in range(6)]
    values[0].inner.tags.append(5)
    values[1].inner.flat.a = 2**31
    values[2].inner.link.link.flats.append(m.Flat(b=b"\xff"))
    values[3].inner.refused[m.Key(1)] = m.Refused()
    values[4].inner.link.link = m.Link()
    values[5].inner.inner = values[5]
    return values


class Churn:
    """Rounds of work in one protocol."""

    def __init__(self, protocol: Any, seed: int = 1) -> None:
        self.protocol = protocol
        self.random = random.Random(seed)
        self.value = item(inner=item("inner"))
        self.value.inner.refused = {m.Key(2**50, [1, 2]): m.Refused("no", m.Flat(7))}
        self.data = fastthrift.serialize(self.value, protocol)
        self.wrong = wrong()

    def run(self, rounds: int) -> None:
        """Write and read; cut short and change what is read; and write what cannot be written."""
        for place in range(rounds):
            read = fastthrift.deserialize(m.Item, self.data, self.protocol)
            assert len(fastthrift.serialize(read, self.protocol)) == len(self.data)  # sets have no order
            cut = self.random.randrange(len(self.data))
            self.refuse(self.data[:cut])
            changed = bytearray(self.data)
            changed[cut] = self.random.randrange(256)
            self.refuse(changed)
            with contextlib.suppress(fastthrift.EncodeError):
                fastthrift.serialize(self.wrong[place % len(self.wrong)], self.protocol)
                raise AssertionError("a wrong value was written")
            if place % 16 == 0:
                self.other(read)

    def refuse(self, data: bytes | bytearray) -> None:
        """Read what is probably no value."""
        with contextlib.suppress(fastthrift.DecodeError):
            fastthrift.deserialize(m.Item, data, self.protocol)

    def other(self, read: Any) -> None:
        """Do what is done with values beside writing and reading them."""
        assert fastthrift.from_dict(m.Item, {"name": "x", "flat": {"a": 1}}).flat.a == 1
        for bad in ({"name": "x", "flat": {"a": "1"}}, {"nome": 1}, {"name": "x", "tags": ["a", 5]}):
            with contextlib.suppress(fastthrift.DecodeError):
                fastthrift.from_dict(m.Item, bad)
        with contextlib.suppress(fastthrift.DecodeError):
            fastthrift.from_json(m.Item, '{"name":"x","tags":["a","b",5]}')
        with contextlib.suppress(TypeError):
            m.Item("n", nome=1)
        with contextlib.suppress(TypeError, AttributeError):
            read.nothing = 1
        read.kind = m.Kind(1000)
        del read.tags
        hash(read.flat), repr(read), read == read.__replace__(tags=[])


def counts() -> dict[str, int]:
    """Return how often things are referred to that every round uses."""
    things = {
        "None": None, "True": True, "False": False, "0": 0, "1": 1, "empty text": "", "empty bytes": b"",
        "Item": m.Item, "Flat": m.Flat, "Key": m.Key, "Link": m.Link, "Refused": m.Refused, "Kind": m.Kind,
        "Kind.B": m.Kind.B, "UUID": uuid.UUID, "the module": m, "DecodeError": fastthrift.DecodeError,
        "EncodeError": fastthrift.EncodeError,
        **{f"the name {name}": sys.intern(name) for name in ("name", "tags", "flat", "inner", "number")},
    }  # fmt: skip
    return {name: sys.getrefcount(thing) for name, thing in things.items()}


def state() -> dict[str, int]:
    """Return what there is in the process, in bytes, objects and references."""
    gc.collect()
    found = re.search(r"VmRSS:\s*(\d+) kB", Path("/proc/self/status").read_text())
    total = getattr(sys, "gettotalrefcount", lambda: 0)
    return {
        **counts(),
        "bytes": int(found[1]) * 1024 if found else 0,
        "objects": len(gc.get_objects()),
        "references": total(),
    }


def growth(protocol: Any, rounds: int) -> dict[str, int]:
    """Return how much more there is of everything after so many rounds."""
    churn = Churn(protocol)
    churn.run(3_000)
    before = state()
    churn.run(rounds)
    after = state()
    return {name: after[name] - before[name] for name in after}


if __name__ == "__main__":
    print(json.dumps(growth(sys.argv[1], int(sys.argv[2]))))
