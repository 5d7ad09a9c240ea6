"""The libraries: what each can speak, what it is built with, and how its programs are started."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from conformance.cells import CARRIERS, PROTOCOLS, TRANSPORTS, Speech

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
    """How its server is started; empty where it has none."""
    speaks: Callable[[Speech], bool]
    """Whether its client and its server can speak so."""
    calls: frozenset[str] | None = None
    """Whose servers its client calls, if not everybody's."""


def _generate(generator: str) -> Command:
    return ["thrift", "-out", "gen", "--gen", generator, "{idl}"]


OPEN_TRANSPORTS = tuple(transport for transport in TRANSPORTS if transport != "sasl")
"""Those that anybody may call by."""


def _speaks(
    *,
    carriers: Iterable[str] = CARRIERS,
    transports: Iterable[str] = OPEN_TRANSPORTS,
    protocols: Iterable[str] = PROTOCOLS,
) -> Callable[[Speech], bool]:
    known = frozenset(carriers), frozenset(transports), frozenset(protocols)
    return lambda speech: all(word in words for word, words in zip(speech, known, strict=True))


COMPILER: Command = ["thrift", "--version"]

PYTHON = Peer(
    name="python",
    needs=(COMPILER, [sys.executable, "-c", "import thrift, importlib.metadata as m; print(m.version('thrift'))"]),
    build=(_generate("py"),),
    client=[sys.executable, "{built}/client.py"],
    server=[sys.executable, "{built}/server.py"],
    speaks=_speaks(),
)
CPP = Peer(
    name="cpp",
    needs=(
        COMPILER,
        ["g++", "--version"],
        ["make", "--version"],
        ["g++", "-E", "-include", "thrift/processor/TMultiplexedProcessor.h", "-xc++", "/dev/null", "-o", "/dev/null"],
    ),
    build=(_generate("cpp:no_skeleton"), ["make", "--silent", "-j2"]),
    client=["{built}/client"],
    server=["{built}/server"],
    speaks=_speaks(),
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
    speaks=_speaks(),
)
JVM: Command = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", "{built}/classes:{built}/lib/*"]
JAVA = Peer(
    name="java",
    needs=(COMPILER, ["javac", "-version"], ["mvn", "--batch-mode", "--version"]),
    build=(
        _generate("java:generated_annotations=suppress"),
        ["sed", "-i", "-f", "fit.sed", "gen/conformance/Conformance.java", "gen/conformance/Later.java"],
        [
            "mvn",
            "-q",
            "--batch-mode",
            "dependency:copy-dependencies",
            "-DoutputDirectory=lib",
            "-DincludeScope=runtime",
        ],
        ["sh", "-c", "javac -nowarn -d classes -cp 'lib/*' src/peer/*.java gen/conformance/*.java"],
    ),
    client=[*JVM, "peer.Client"],
    server=[*JVM, "peer.Server"],
    speaks=_speaks(carriers=("tcp", "tls", "http", "https"), transports=("framed", "buffered", "zlib", "sasl")),
)
NODE = Peer(
    name="node",
    needs=(COMPILER, ["node", "--version"], ["npm", "--version"]),
    build=(_generate("js:node,es6"), ["npm", "ci", "--silent", "--no-audit", "--no-fund"]),
    client=["node", "{built}/client.js"],
    server=["node", "{built}/server.js"],
    speaks=_speaks(transports=("framed", "buffered", "header")),
)
RUST = Peer(
    name="rust",
    needs=(COMPILER, ["cargo", "--version"]),
    build=(_generate("rs"), ["cargo", "build", "--quiet", "--locked", "--target-dir", "target"]),
    client=["{built}/target/debug/client"],
    server=["{built}/target/debug/server"],
    speaks=_speaks(carriers=("tcp", "unix", "tls"), transports=("framed", "buffered"), protocols=("binary", "compact")),
)
PEERS: dict[str, Peer] = {peer.name: peer for peer in (PYTHON, CPP, GO, JAVA, NODE, RUST)}


def _ours(name: str, engine: str) -> Peer:
    def command(program: str) -> Command:
        return [sys.executable, str(PROGRAMS / "ours" / f"{program}.py"), "--idl", str(IDL), "--engine", engine]

    return Peer(name, (), (), command("client"), command("server"), _speaks(transports=TRANSPORTS))


CRATE = Peer(
    name="fastthrift-rust",
    needs=(["cargo", "--version"],),
    build=(),
    client=["{built}", "conformance-client"],
    server=["{built}", "conformance-server"],
    speaks=_speaks(transports=TRANSPORTS),
)
"""The crate: its programs lie in the workspace, which keeps the build."""
CRATE_BLOCKING = Peer(
    name="fastthrift-rust-blocking",
    needs=CRATE.needs,
    build=(),
    client=[*CRATE.client, "--engine", "blocking"],
    server=[],
    speaks=_speaks(carriers=("tcp", "tls", "http"), transports=("framed", "buffered", "header", "sasl")),
    calls=frozenset({"fastthrift", "cpp", "java"}),
)
"""The crate's clients that block. All but the connection they share with the others, so that a few cells say enough."""
ENGINES: dict[str, Peer] = {
    peer.name: peer
    for peer in (
        _ours("fastthrift", "blocking"),
        _ours("fastthrift-aio", "asyncio"),
    )
}
"""The engines in Python."""
OURS: dict[str, Peer] = ENGINES | {peer.name: peer for peer in (CRATE, CRATE_BLOCKING)}
"""fastthrift in both languages. A server of it tells the rest by itself, once it knows whether to ask who calls."""
