"""The libraries: what each can speak, what it is built with, and how its programs are started."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from conformance.cells import Speech

HERE = Path(__file__).parent
PROGRAMS = HERE / "peers"
IDL = HERE / "conformance.thrift"

Command = list[str]


class Peer(NamedTuple):
    """One library in one language."""

    name: str
    needs: tuple[Command, ...]
    """Commands that succeed where its toolchain is there; what they print is part of what a build is kept by."""
    build: tuple[Command, ...]
    """Commands that build it, run in a copy of its sources; ``{idl}`` stands for the IDL."""
    client: Command
    """How its client is started; ``{built}`` stands for the folder it was built in."""
    server: Command
    speaks: Callable[[str, Speech], bool]
    """Whether its "client" or its "server" can speak so."""
    without: frozenset[str] = frozenset()
    """The checks that its client cannot make."""


def _generate(generator: str) -> Command:
    return ["thrift", "-out", "gen", "--gen", generator, "{idl}"]


def _speaks(carriers: tuple[str, ...], transports: tuple[str, ...]) -> Callable[[str, Speech], bool]:
    return lambda _, speech: speech.carrier in carriers and speech.transport in transports


COMPILER: Command = ["thrift", "--version"]

PYTHON = Peer(
    name="python",
    needs=(COMPILER, [sys.executable, "-c", "import thrift, importlib.metadata as m; print(m.version('thrift'))"]),
    build=(_generate("py"),),
    client=[sys.executable, "{built}/client.py"],
    server=[sys.executable, "{built}/server.py"],
    speaks=_speaks(("tcp", "unix"), ("framed", "buffered")),
)
CPP = Peer(
    name="cpp",
    needs=(
        COMPILER,
        ["g++", "--version"],
        ["make", "--version"],
        [
            "g++",
            "-E",
            "-x",
            "c++",
            "-include",
            "thrift/processor/TMultiplexedProcessor.h",
            "/dev/null",
            "-o",
            "/dev/null",
        ],
    ),
    build=(_generate("cpp:no_skeleton"), ["make", "--silent", "-j2"]),
    client=["{built}/client"],
    server=["{built}/server"],
    speaks=_speaks(("tcp", "unix"), ("framed", "buffered")),
)
GO = Peer(
    name="go",
    needs=(COMPILER, ["go", "version"]),
    build=(
        _generate("go:package_prefix=fastthrift.example/conformance/gen/,skip_remote"),
        ["go", "build", "-o", "built/", "./server", "./client"],
    ),
    client=["{built}/built/client"],
    server=["{built}/built/server"],
    speaks=_speaks(("tcp", "unix"), ("framed", "buffered")),
)
PEERS: dict[str, Peer] = {peer.name: peer for peer in (PYTHON, CPP, GO)}


def _ours(name: str, *options: str) -> Peer:
    def command(program: str) -> Command:
        return [sys.executable, str(PROGRAMS / "ours" / f"{program}.py"), "--idl", str(IDL), *options]

    return Peer(
        name=name,
        needs=(),
        build=(),
        client=command("client"),
        server=command("server"),
        speaks=_speaks(("tcp", "unix"), ("framed", "buffered")),
    )


OURS: dict[str, Peer] = {peer.name: peer for peer in (_ours("fastthrift"),)}
"""fastthrift's engines. A server of theirs tells the transport and the protocol by itself."""
