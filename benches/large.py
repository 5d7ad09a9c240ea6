"""A message of a hundred megabytes, a list of small structs: where the collector's work comes in."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benches import data, report
from benches.measure import cpu_time
from benches.pairs import checked
from benches.peers import Codec, codecs

CODECS = (
    "fastthrift binary",
    "fastthrift compact",
    "thriftpy2 cybin",
    "msgspec msgpack",
    "msgspec msgpack, arrays, gc=False",
)
STRUCTS, QUICK_STRUCTS = 1_750_000, 60_000
ROUNDS, QUICK_ROUNDS = 5, 3

ABOUT = """\
{structs:,} structs of six fields in one list, {megabytes:.0f} MB of Binary, {rounds} rounds. With the collector on,
Python looks through all new objects again and again while they are made, unless the decoder pauses it; what was there
before the decoding is frozen, so that no row pays for another's objects. Freeing the decoded message is counted."""


def section(work: Path, *, quick: bool) -> str:
    """Measure a large message, or one of a few megabytes when it is to be quick, and return its section."""
    structs, rounds = (QUICK_STRUCTS, QUICK_ROUNDS) if quick else (STRUCTS, ROUNDS)
    found = [codec for codec in codecs(work)[0] if codec.name in CODECS]
    pairs = checked(found, "Smalls", lambda codec: _smalls(codec, structs))
    samples = cpu_time(pairs.encodes, rounds=rounds, batch_seconds=0.0)
    about = ABOUT.format(structs=structs, megabytes=pairs.sizes[CODECS[0]] / 1e6, rounds=rounds)
    parts = ["## A large message", about, "### encode large", report.compare(samples, scale=1e3, unit="ms")]
    # The objects go, only bytes stay.
    decodes = pairs.decodes
    del pairs, samples
    gc.collect()
    gc.freeze()
    for title, collector in (("collector off", False), ("collector on", True)):
        statements = {name: statement.with_collector(collector) for name, statement in decodes.items()}
        samples = cpu_time(statements, rounds=rounds, batch_seconds=0.0)
        parts += f"### decode large, {title}", report.compare(samples, scale=1e3, unit="ms")
    gc.unfreeze()
    return "\n\n".join(parts)


def _smalls(codec: Codec, count: int) -> Any:
    return codec.build("Smalls", {"values": [codec.build("Small", fields) for fields in _fields(count)]})


def _fields(count: int) -> Iterable[data.Fields]:
    for number in range(count):
        yield {
            "count": number % 1000,
            "id": 1_234_567_890_123 + number,
            "ratio": number * 0.5,
            "active": number % 2 == 0,
            "kind": number % 300,
            "name": f"chars {number % 100_000:06}",
        }
