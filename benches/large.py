"""A message of a hundred megabytes, an address book of a city: where the collector's work comes in."""

from __future__ import annotations

import gc
from pathlib import Path

from benches import data, report
from benches.measure import cpu_time
from benches.pairs import checked
from benches.peers import codecs

CODECS = (
    "fastthrift binary",
    "fastthrift compact",
    "thriftpy2 cybin",
    "msgspec msgpack",
    "msgspec msgpack, arrays, gc=False",
)
PEOPLE, QUICK_PEOPLE = 480_000, 20_000
ROUNDS, QUICK_ROUNDS = 3, 3

ABOUT = """\
The address book with {people:,} people, {megabytes:.0f} MB of Binary, {rounds} rounds. With the collector on, Python
looks through all new objects again and again while they are made, unless the decoder pauses it; what was there before
the decoding is frozen, so that no row pays for another's objects. Freeing the decoded message is counted."""


def section(work: Path, *, quick: bool) -> str:
    """Measure a large message, or one of a few megabytes when it is to be quick, and return its section."""
    people, rounds = (QUICK_PEOPLE, QUICK_ROUNDS) if quick else (PEOPLE, ROUNDS)
    found = [codec for codec in codecs(work)[0] if codec.name in CODECS]
    pairs = checked(found, "Book", lambda codec: codec.build("Book", data.book(codec.build, people)))
    samples = cpu_time(pairs.encodes, rounds=rounds, batch_seconds=0.0)
    about = ABOUT.format(people=people, megabytes=pairs.sizes[CODECS[0]] / 1e6, rounds=rounds)
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
