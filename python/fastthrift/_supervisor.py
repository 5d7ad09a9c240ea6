"""The process of ``fastthrift serve`` that starts the others, watches them, and tells them to end."""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field

from fastthrift._listening import Place
from fastthrift._log_lines import configure
from fastthrift._worker import CANNOT_START, HEIR, LEGACY, READY

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

SOON = 5.0
"""A process that ends within so many seconds counts as one that ends at once."""
LONGEST_PAUSE = 30.0
"""The seconds that are waited at most until such a process is started again."""
IMPATIENCE = 1.0
"""The seconds after which a second signal to stop is one to stop at once; sooner it is the same one, sent twice."""
MARGIN = 2.0
"""The seconds beyond the grace after which a process is killed."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)

_log = logging.getLogger("fastthrift.serve")


def supervise(options: argparse.Namespace, arguments: Sequence[str]) -> int:
    """Serve from several processes until told to stop, and return the exit code."""
    configure(options.log_level)
    places: list[Place] = []
    try:
        for url in options.url:
            places.append(_place(url, places))
        supervisor = Supervisor(options, arguments, places)
    except (OSError, ValueError) as error:
        _log.error("cannot listen: %s", error)
        return CANNOT_START
    try:
        return supervisor.run()
    finally:
        supervisor.close()
        for place in places:
            place.close()


def _place(url: str, others: Sequence[Place]) -> Place:
    try:
        place = Place(url)
    except OSError as error:
        raise OSError(f"{url}: {error}") from error
    # The system would let the same process listen there twice.
    if place.url in [other.url for other in others]:
        place.close()
        raise ValueError(f"{url} is given twice")
    return place


def _end_metrics(pid: int) -> None:
    """Where processes share metrics of Prometheus, take what the one that ended counted as of now out of the sums."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        with contextlib.suppress(ImportError, OSError):
            from prometheus_client import multiprocess

            multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]


def _ignore(number: int, frame: object) -> None:
    """Do nothing: that the signal came is read elsewhere."""


@dataclass(eq=False)
class Process:
    """A process that serves, or is about to."""

    slot: Slot
    running: subprocess.Popen[bytes]
    channel: socket.socket
    started: float
    is_ready: bool = False
    killed_at: float | None = None
    """When it is killed, once it was told to end."""


@dataclass(eq=False)
class Slot:
    """The place of one process, with the sockets that it and those after it serve from."""

    number: int
    sockets: list[socket.socket] = field(default_factory=list[socket.socket])
    current: Process | None = None
    successor: Process | None = None
    """What takes over from the current one once it is ready."""
    quick_ends: int = 0
    starts_at: float | None = None

    def close(self) -> None:
        """Close the sockets of this process; those of the slot's processes stay."""
        for each in self.sockets:
            each.close()
        self.sockets.clear()


class Supervisor:
    """Keeps the processes as many as they are to be."""

    def __init__(self, options: argparse.Namespace, arguments: Sequence[str], places: list[Place]) -> None:
        self.grace: float = options.grace
        self.places = places
        self.arguments = [*arguments, *(word for place in places for word in ("--listen", place.url))]
        self.slots = [Slot(number) for number in range(options.workers)]
        for slot in self.slots:
            self._open(slot)
        self.processes: set[Process] = set()
        self.selector = selectors.DefaultSelector()
        self.stopped_at: float | None = None
        self.exit_code = 0

    def run(self) -> int:
        """Serve until told to stop."""
        wakeup, signals = socket.socketpair()
        with wakeup, signals:
            for end in (wakeup, signals):
                end.setblocking(False)
            for number in _SIGNALS:
                signal.signal(number, _ignore)
            signal.set_wakeup_fd(signals.fileno())
            self.selector.register(wakeup, selectors.EVENT_READ, None)
            try:
                self._watch(wakeup)
            finally:
                signal.set_wakeup_fd(-1)
        return self.exit_code

    def _watch(self, wakeup: socket.socket) -> None:
        for slot in self.slots:
            slot.current = self._start(slot)
        while self.processes or self.stopped_at is None:
            for key, _ in self.selector.select(self._patience()):
                if isinstance(key.data, Process):
                    self._hear(key.data)
                else:
                    self._obey(set(wakeup.recv(4096)))
            self._reap()
            self._keep_time()

    def close(self) -> None:
        """Close the sockets, and what waits for processes."""
        self.selector.close()
        self._close_slots()

    def _close_slots(self) -> None:
        for slot in self.slots:
            slot.close()

    # ---- starting ----

    def _open(self, slot: Slot) -> None:
        for place in self.places:
            slot.sockets += place.open()

    def _start(self, slot: Slot) -> Process:
        if not slot.sockets:
            self._open(slot)
        ours, theirs = socket.socketpair()
        descriptors = [each.fileno() for each in slot.sockets]
        inherited = ",".join(map(str, descriptors))
        told = ["--channel", str(theirs.fileno()), "--inherit", inherited]
        running = subprocess.Popen(
            [sys.executable, "-m", "fastthrift", *self.arguments, *told],
            pass_fds=[theirs.fileno(), *descriptors],
            env={**os.environ, "FASTTHRIFT_WORKER": str(slot.number)},
        )
        theirs.close()
        process = Process(slot, running, ours, time.monotonic())
        self.processes.add(process)
        self.selector.register(ours, selectors.EVENT_READ, process)
        return process

    def _hear(self, process: Process) -> None:
        """Take what a process says: that it serves. When it ends, that is noticed otherwise."""
        try:
            said = process.channel.recv(16)
        except OSError:
            said = b""
        if not said:
            self.selector.unregister(process.channel)
        elif said == READY:
            process.is_ready = True
            self._note("serving", process)
            self._take_over(process)

    def _take_over(self, process: Process) -> None:
        slot = process.slot
        if slot.successor is process:
            before, slot.current, slot.successor = slot.current, process, None
            if before is not None:
                self._bequeath(before, process)
                self._tell_to_end(before)

    def _bequeath(self, before: Process, after: Process) -> None:
        """Have a process give its connections to the one that takes over."""
        ours, theirs = socket.socketpair()
        # One that is gone by now has no connections, or gets none.
        with ours, theirs, contextlib.suppress(OSError):
            socket.send_fds(after.channel, [LEGACY], [theirs.fileno()])
            socket.send_fds(before.channel, [HEIR], [ours.fileno()])

    # ---- signals ----

    def _obey(self, signals: set[int]) -> None:
        if signals & {signal.SIGTERM, signal.SIGINT}:
            if self.stopped_at is not None and time.monotonic() - self.stopped_at > IMPATIENCE:
                self._kill_all()
            self._stop()
        elif signal.SIGHUP in signals and self.stopped_at is None:
            self._reload()

    def _stop(self) -> None:
        if self.stopped_at is not None:
            return
        _log.info("stopping")
        self.stopped_at = time.monotonic()
        for slot in self.slots:
            slot.starts_at = None
        # Those who come from now on are to be refused, not queued; each process serves those who are there.
        self._close_slots()
        for place in self.places:
            place.close()
        for process in self.processes:
            self._tell_to_end(process)

    def _reload(self) -> None:
        _log.info("reloading")
        for slot in self.slots:
            if slot.successor is not None:
                self._tell_to_end(slot.successor)
            slot.successor = self._start(slot)
            slot.starts_at = None

    def _tell_to_end(self, process: Process) -> None:
        if process.killed_at is None:
            process.killed_at = time.monotonic() + self.grace + MARGIN
            process.running.terminate()

    def _kill_all(self) -> None:
        for process in self.processes:
            process.running.kill()

    # ---- the ends of processes ----

    def _reap(self) -> None:
        for process in [each for each in self.processes if each.running.poll() is not None]:
            self.processes.discard(process)
            if process.channel in self.selector.get_map():
                self.selector.unregister(process.channel)
            process.channel.close()
            self._bury(process)

    def _bury(self, process: Process) -> None:
        slot, code = process.slot, process.running.returncode
        _end_metrics(process.running.pid)
        was_told = process.killed_at is not None
        self._note("ended", process, status=code)
        if was_told and code not in (0, -signal.SIGTERM):
            self.exit_code = self.exit_code or 1
        if slot.successor is process:
            slot.successor = None
            if not was_told:
                _log.error("the reload failed in process %d; those before it stay", process.running.pid)
        if slot.current is process:
            slot.current = None
        if self.stopped_at is not None or was_told or slot.current or slot.successor:
            return
        if code == CANNOT_START and not process.is_ready and not self._has_ready():
            self.exit_code = CANNOT_START
            self._stop()
        else:
            self._start_again(process)

    def _has_ready(self) -> bool:
        return any(each.is_ready for each in self.processes)

    def _start_again(self, process: Process) -> None:
        slot, now = process.slot, time.monotonic()
        slot.quick_ends = slot.quick_ends + 1 if now - process.started < SOON else 0
        pause = 0.0 if slot.quick_ends < 2 else min(LONGEST_PAUSE, 0.25 * 2 ** (slot.quick_ends - 2))
        slot.starts_at = now + pause
        if pause > 0 and self._has_ready():
            # Others serve those who come meanwhile.
            slot.close()
        _log.warning("process %d ended by itself; starting another in %g seconds", process.running.pid, pause)

    def _keep_time(self) -> None:
        now = time.monotonic()
        for slot in self.slots:
            if slot.starts_at is not None and slot.starts_at <= now:
                slot.starts_at = None
                slot.current = self._start(slot)
        for process in self.processes:
            if process.killed_at is not None and process.killed_at <= now:
                _log.error("process %d did not end in time and is killed", process.running.pid)
                process.killed_at = float("inf")
                process.running.kill()

    def _patience(self) -> float | None:
        times = [slot.starts_at for slot in self.slots] + [each.killed_at for each in self.processes]
        known = [each for each in times if each is not None and each != float("inf")]
        return max(0.0, min(known) - time.monotonic()) if known else None

    def _note(self, event: str, process: Process, **fields: object) -> None:
        fields |= {"worker": process.slot.number, "worker_pid": process.running.pid}
        if event == "serving":
            fields["urls"] = ",".join(place.url for place in self.places)
        _log.info(event, extra={"fields": fields})
