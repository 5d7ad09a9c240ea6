"""The memory that an object takes, measured in a process of its own: `python -m benches.memory CODEC WAY WORK`."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benches import data
from benches.peers import ROOT, Codec, codecs

OBJECTS = 200_000
WAYS = ("construct", "decode")


def of_one(codec: str, way: str, work: Path) -> float:
    """Return the bytes of resident memory that one object of a codec takes, made in one of `WAYS`.

    Raises:
        RuntimeError: The process failed; its last line says how.
    """
    command = [sys.executable, "-m", "benches.memory", codec, way, str(work)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{codec}: {done.stderr.strip().splitlines()[-1]}")
    return float(done.stdout)


def main() -> None:
    """Print the bytes that one object takes."""
    name, way, work = sys.argv[1:]
    codec = next(codec for codec in codecs(Path(work))[0] if codec.name == name)
    make = _maker(codec, way)
    kept: list[Any] = [make()] * OBJECTS
    gc.collect()
    # The list is there already and the collector would only cost time.
    gc.disable()
    before = _resident()
    for place in range(OBJECTS):
        kept[place] = make()
    print((_resident() - before) / OBJECTS)


def _maker(codec: Codec, way: str) -> Callable[[], Any]:
    fields = data.small()
    if way == "construct":
        return lambda: codec.build("Small", fields)
    encoded = bytes(codec.encode("Small", codec.build("Small", fields)).run())
    decode = codec.decode("Small", encoded)
    names = dict(decode.names)
    *before, last = decode.code.split("; ")
    if before:
        raise ValueError(f"{codec.name} decodes in more than one statement")
    compiled = compile(last, "decode", "eval")
    return lambda: eval(compiled, names)


def _resident() -> int:
    """Return the resident memory of this process, in bytes."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
