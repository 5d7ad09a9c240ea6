"""Runs cells: which there are, in what groups, and what came of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from conformance import programs
from conformance.cells import Cell, Speech, all_speeches
from conformance.certificates import Certificates
from conformance.libraries import ENGINES, OURS, PEERS, Command, Peer
from conformance.peers.common.checks import CHECKS

EVERYBODY = OURS | PEERS


class Outcome(NamedTuple):
    """What came of a cell: for each check what went wrong, or None."""

    cell: Cell
    checks: dict[str, str | None]


class Job(NamedTuple):
    """Cells that one server serves."""

    server: str
    speech: Speech
    """What the server is started for; one of ours tells all transports and protocols by itself."""
    cells: tuple[Cell, ...]


def can_speak(cell: Cell) -> bool:
    """Return whether both libraries of a cell can speak as it says."""
    client, server = EVERYBODY[cell.client], EVERYBODY[cell.server]
    is_called = bool(server.server) and (client.calls is None or cell.server in client.calls)
    return is_called and client.speaks(cell.speech) and server.speaks(cell.speech)


def jobs(peers: Sequence[str], ours: Sequence[str]) -> Iterator[Job]:
    """Yield all jobs of the peers with what there is of ours, and of ours in one language with ours in the other."""
    speeches = list(all_speeches())
    for peer in peers:
        for speech in speeches:
            yield Job(peer, speech, tuple(Cell(own, peer, speech) for own in ours))
    for own in ours:
        others = [other for other in ours if (other in ENGINES) != (own in ENGINES)]
        for kind in dict.fromkeys(_kind(speech) for speech in speeches):
            alike = [speech for speech in speeches if _kind(speech) == kind]
            for caller in (*peers, *others):
                yield Job(own, alike[0], tuple(Cell(caller, own, speech) for speech in alike))


def _kind(speech: Speech) -> tuple[str, bool]:
    """Return what a server of ours has to be told: where it listens, and whether clients have to say who they are."""
    return speech.carrier, speech.transport == "sasl"


class Runner:
    """Runs jobs with what was built."""

    def __init__(self, built: dict[str, Path], certificates: Certificates) -> None:
        self._built = built
        self._certificates = certificates

    def run(self, job: Job) -> list[Outcome]:
        """Start the job's server, and make every check of its cells."""
        server = EVERYBODY[job.server]
        command = [*self._filled(server, server.server), *_arguments(job.speech)]
        files = self._certificates.for_servers
        try:
            with programs.serving(command, job.speech, files, self._environment(server)) as url:
                return [self._call(cell, url) for cell in job.cells]
        except programs.ServerError as error:
            return [Outcome(cell, dict.fromkeys(CHECKS, str(error))) for cell in job.cells]

    def _call(self, cell: Cell, url: str) -> Outcome:
        client = EVERYBODY[cell.client]
        files = self._certificates.for_clients
        command = [*self._filled(client, client.client), "--url", url, *_arguments(cell.speech), *files]
        outcomes, noise = programs.call(command, self._environment(client))
        return Outcome(cell, {check: outcomes.get(check, f"no outcome; {noise!r}") for check in CHECKS})

    def _environment(self, peer: Peer) -> dict[str, str]:
        built = self._built.get(peer.name)
        return programs.environment(*([built / "gen"] if built else []))

    def _filled(self, peer: Peer, command: Command) -> Command:
        return [part.replace("{built}", str(self._built.get(peer.name, ""))) for part in command]


def _arguments(speech: Speech) -> Command:
    return ["--transport", speech.transport, "--protocol", speech.protocol]
