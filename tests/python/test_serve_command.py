"""The command that serves from several processes: real ones, real signals."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import fastthrift
import pytest
from fastthrift import aio, sasl
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from tests.python.certificates import Authority

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes share sockets where the system is POSIX")

IDL = 'service Work { i32 pid(), i32 slow(1: i32 milliseconds), string version() (idempotent = "true") }'

PROGRAM = """
import os, time, fastthrift

work = fastthrift.loads({idl!r}, name="work.thrift")
VERSION = {version!r}

class Handler(work.Work):
    def pid(self): return os.getpid()
    def slow(self, milliseconds):
        time.sleep(milliseconds / 1000)
        return os.getpid()
    def version(self): return VERSION

class Plain:
    version = lambda self: VERSION
    pid = lambda self: os.getpid()

handler = Handler()
plain = Plain()
def make(): return Handler()
def broken(): raise RuntimeError("no database")
def leaving(): raise SystemExit("not configured")
class Holder:
    inner = handler
"""


class Command:
    """A running ``fastthrift serve``, whose processes tell of what they leave open."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fastthrift", "serve", *arguments],
            cwd=folder,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONWARNINGS": "error::ResourceWarning"},
        )
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            self.lines.extend(lines)

    def find(self, text: str, count: int = 1) -> list[str]:
        """Wait until so many lines hold a text."""
        deadline = time.monotonic() + 20
        while True:
            found = [line for line in list(self.lines) if text in line]
            if len(found) >= count:
                return found
            assert time.monotonic() < deadline, "".join(self.lines)
            assert self.process.poll() is None or self.reader.is_alive(), "".join(self.lines)
            time.sleep(0.01)

    def url(self, workers: int = 1) -> str:
        return field(self.find("message=serving", workers)[0], "urls")

    def workers(self, count: int) -> set[int]:
        return {int(field(line, "worker_pid")) for line in self.find("message=serving", count)}

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        code = self.process.wait(30)
        self.reader.join(10)
        return code


def field(line: str, name: str) -> str:
    found = re.search(rf"(?:^| ){name}=(\S+)", line)
    assert found, line
    return found[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the program."""
    (tmp_path / "app.py").write_text(PROGRAM.format(idl=IDL, version="1"))
    return tmp_path


@pytest.fixture
def serve(folder: Path) -> Iterator[Callable[..., Command]]:
    """Starts the command in the folder, and makes sure that it ends."""
    started: list[Command] = []

    def start(*arguments: str, url: str = "tcp://127.0.0.1:0") -> Command:
        started.append(Command(folder, *arguments, "--url", url))
        return started[-1]

    yield start
    for command in started:
        if command.process.poll() is None:
            command.process.terminate()
            time.sleep(1.2)
            command.process.terminate()
        command.wait()


@pytest.fixture(scope="module")
def work() -> ModuleType:
    """The module of the IDL."""
    return fastthrift.loads(IDL, name="work.thrift")


def connect(work: ModuleType, url: str, **options: Any) -> Any:
    return fastthrift.connect(work.Work, url, timeout=10, **options)


def seen(work: ModuleType, url: str, calls: int = 60, **options: Any) -> set[int]:
    """Return the processes that answer."""
    found = set()
    for _ in range(calls):
        with connect(work, url, **options) as client:
            found.add(client.pid())
    return found


def secured(folder: Path) -> tuple[list[str], dict[str, Any]]:
    """Return what the command needs for TLS, and what clients do."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl command to make certificates with")
    authority = Authority(folder)
    certificate, key = authority.issue("server")
    files = ["--tls-cert", str(certificate), "--tls-key", str(key)]
    return files, {"tls": fastthrift.ClientTLS(ca_file=authority.file)}


@pytest.mark.parametrize("scheme", ["tcp", "unix"])
def test_as_many_processes_serve_as_are_asked_for_and_stop_in_order(
    serve: Any, work: ModuleType, scheme: str, tmp_path: Path
) -> None:
    path = tmp_path / "socket"
    command = serve("app:Handler", "--workers", "3", url="tcp://127.0.0.1:0" if scheme == "tcp" else f"unix://{path}")
    url = command.url(3)
    workers = command.workers(3)
    assert len(workers) == 3
    found = seen(work, url)
    assert found <= workers
    assert scheme == "unix" or found == workers
    assert command.end() == 0
    assert not path.exists()
    with pytest.raises(fastthrift.TTransportException):
        connect(work, url)


@pytest.mark.parametrize("handler", ["app:Handler", "app:handler", "app:make", "app:Holder.inner"])
def test_a_handler_is_an_object_a_class_or_a_function_that_makes_one(
    serve: Any, work: ModuleType, handler: str
) -> None:
    command = serve(handler, "--threads", "2", "--protocol", "binary", "--transport", "framed", "--max-in-flight", "9")
    with connect(work, command.url()) as client:
        assert client.version() == "1"
    assert command.end(signal.SIGINT) == 0


def test_a_service_may_be_named(serve: Any, work: ModuleType) -> None:
    command = serve("app:plain", "--service", "app:work.Work")
    with connect(work, command.url()) as client:
        assert client.version() == "1"
    assert command.end() == 0


WATCHED = """
class Marking:
    def __call__(self, call, proceed):
        result = proceed()
        return f"{result} for {call.user}" if call.function == "version" else result

def whole(call, proceed):
    return f"<{proceed()}>" if call.function == "version" else proceed()

def check(username, password, authorization):
    return (username, password) == ("ada", "swordfish")
"""


def test_interceptors_and_checks_of_clients_and_limits_are_named(serve: Any, work: ModuleType, folder: Path) -> None:
    with (folder / "app.py").open("a") as program:
        program.write(WATCHED)
    watched = ("--interceptor", "app:whole", "--interceptor", "app:Marking", "--sasl", "PLAIN=app:check")
    limits = ("--max-message-size", "500", "--message-timeout", "30", "--idle-timeout", "30.5")
    url = serve("app:Handler", *watched, *limits).url()
    with connect(work, url, sasl=sasl.Plain("ada", "swordfish")) as client:
        assert client.version() == "<1 for ada>"
    with pytest.raises(fastthrift.TTransportException, match="refuse"):
        connect(work, url, sasl=sasl.Plain("ada", "guess"))
    large = fastthrift.loads("service Work { string version(1: string text) }", name="large.thrift")
    with connect(large, url, sasl=sasl.Plain("ada", "swordfish")) as client, pytest.raises(fastthrift.TException):
        client.version("x" * 600)


def test_a_process_that_is_killed_is_started_again_and_the_others_go_on(serve: Any, work: ModuleType) -> None:
    command = serve("app:Handler", "--workers", "2")
    url = command.url(2)
    killed, left = sorted(command.workers(2))
    os.kill(killed, signal.SIGKILL)
    (line,) = command.find("ended by itself")
    assert str(killed) in line
    workers = command.workers(3)
    assert seen(work, url) == workers - {killed}
    assert left in workers
    assert command.end() == 0


def test_processes_share_metrics_and_one_that_is_killed_has_no_calls_in_flight(
    serve: Any, work: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(folder))
    with (folder / "app.py").open("a") as program:
        program.write("\nfrom fastthrift.metrics import PrometheusMetrics\nmetrics = PrometheusMetrics()\n")
    command = serve("app:Handler", "--interceptor", "app:metrics")
    labels = {"side": "server", "service": "Work"}
    with connect(work, command.url()) as client, ThreadPoolExecutor(1) as pool:
        killed = client.pid()
        slow = pool.submit(client.slow, 20_000)
        until(lambda: shared("thrift_calls_in_flight", function="slow", **labels) == 1)
        os.kill(killed, signal.SIGKILL)
        assert isinstance(slow.exception(20), fastthrift.TTransportException)
        command.find("ended by itself")
        assert client.pid() != killed
        until(lambda: shared("thrift_calls_total", function="pid", outcome="ok", **labels) == 2)
    assert not shared("thrift_calls_in_flight", function="slow", **labels)


def shared(name: str, **labels: str) -> float | None:
    """Return a value of the metrics that processes share, their sum."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry.get_sample_value(name, labels)


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_process_that_dies_again_and_again_is_waited_with(serve: Any, work: ModuleType) -> None:
    command = serve("app:Handler", "--workers", "2")
    url = command.url(2)
    steady = min(command.workers(2))
    for count in range(4):
        (pid,) = {int(field(line, "worker_pid")) for line in command.find("message=serving", count + 2)[-1:]}
        os.kill(pid if count else max(command.workers(2)), signal.SIGKILL)
        pauses = command.find("ended by itself", count + 1)
        # While one of them pauses, all that come are served by the other.
        if "in 0 seconds" not in pauses[-1]:
            assert seen(work, url, 10) == {steady}
    assert [re.findall(r"in (\S+) seconds", line)[0] for line in pauses] == ["0", "0.25", "0.5", "1"]
    command.workers(6)
    assert len(seen(work, url)) == 2
    assert command.end() == 0


def test_what_is_in_flight_is_finished_before_the_end(serve: Any, work: ModuleType) -> None:
    command = serve("app:Handler", "--workers", "2", "--grace", "10")
    url = command.url(2)
    with ThreadPoolExecutor(6) as pool:
        clients = [connect(work, url) for _ in range(6)]
        calls = [pool.submit(client.slow, 1200) for client in clients]
        time.sleep(0.6)
        start = time.monotonic()
        assert command.end() == 0
        assert {call.result(1) for call in calls} <= command.workers(2)
        assert time.monotonic() - start < 5


def test_what_takes_longer_than_the_grace_is_cut_off(serve: Any, work: ModuleType) -> None:
    command = serve("app:Handler", "--grace", "0.3")
    with ThreadPoolExecutor(1) as pool, connect(work, command.url()) as client:
        call = pool.submit(client.slow, 20_000)
        time.sleep(0.6)
        start = time.monotonic()
        assert command.end() == 1
        assert time.monotonic() - start < 5
        assert isinstance(call.exception(5), fastthrift.TTransportException)
    command.find("cut off what was not done")


class Traffic:
    """Clients that call without end, some of them on one connection, some on a new one each time.

    None of them calls again: who keeps a connection keeps it, for the processes hand it on. With TLS it ends with a
    reply, which says so; what is in flight besides would be lost, so there is nothing.
    """

    def __init__(self, work: ModuleType, url: str, **options: Any) -> None:
        self.work, self.url, self.options = work, url, options
        self.in_flight = 1 if options else 8
        self.ended = threading.Event()
        self.failures: list[BaseException] = []
        self.versions: list[str] = []
        kept: list[dict[str, str]] = [{}, {"transport": "unframed", "protocol": "compact"}, {"transport": "header"}]
        if url.startswith("http"):
            kept = [{}, {"protocol": "json"}]
        self.threads = [threading.Thread(target=self._call, args=(options,)) for options in kept]
        self.threads += [threading.Thread(target=self._call_anew) for _ in range(2)]
        self.threads.append(threading.Thread(target=lambda: asyncio.run(self._call_together())))
        for thread in self.threads:
            thread.start()

    def _call(self, options: dict[str, str]) -> None:
        """Call without a pause over one connection."""
        with connect(self.work, self.url, **options, **self.options) as client:
            while not self.ended.is_set():
                with self._noting():
                    self.versions.append(client.version())

    def _call_anew(self) -> None:
        while not self.ended.is_set():
            with self._noting(), connect(self.work, self.url, **self.options) as client:
                self.versions.append(client.version())

    async def _call_together(self) -> None:
        """Have several calls in flight on one connection all the time."""

        async def call(client: Any) -> None:
            while not self.ended.is_set():
                with self._noting():
                    self.versions.append(await client.version())

        async with aio.connect(self.work.Work, self.url, timeout=10, **self.options) as client:
            await asyncio.gather(*(call(client) for _ in range(self.in_flight)))

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except fastthrift.TException as error:
            self.failures.append(error)

    def stop(self) -> None:
        self.ended.set()
        for thread in self.threads:
            thread.join(20)


@pytest.mark.parametrize("scheme", ["tcp", "unix", "http", "tls"])
def test_a_reload_under_traffic_loses_no_call_and_brings_the_new_program(
    serve: Any, work: ModuleType, folder: Path, scheme: str
) -> None:
    url = f"unix://{folder}/socket" if scheme == "unix" else f"{scheme}://127.0.0.1:0"
    secure, options = secured(folder) if scheme == "tls" else ([], {})
    command = serve("app:Handler", "--workers", "2", *secure, url=url)
    traffic = Traffic(work, command.url(2), **options)
    try:
        for version in ("2", "3", "4"):
            before = command.workers(2)
            (folder / "app.py").write_text(PROGRAM.format(idl=IDL, version=version))
            count = len(command.find("message=serving", 2))
            command.process.send_signal(signal.SIGHUP)
            command.find("message=serving", count + 2)
            command.find("message=ended", count)
            deadline = time.monotonic() + 10
            while traffic.versions[-20:] != [version] * 20 and time.monotonic() < deadline:
                time.sleep(0.02)
            assert set(traffic.versions[-20:]) == {version}
            assert not seen(work, traffic.url, 10, **options) & before
    finally:
        traffic.stop()
    assert traffic.failures == []
    assert len(traffic.versions) > 100
    assert command.end() == 0


def test_a_reload_that_cannot_be_leaves_all_as_it_was(serve: Any, work: ModuleType, folder: Path) -> None:
    command = serve("app:Handler", "--workers", "2")
    url = command.url(2)
    workers = command.workers(2)
    (folder / "app.py").write_text("this is no Python")
    command.process.send_signal(signal.SIGHUP)
    command.find("the reload failed", 2)
    assert seen(work, url) == workers
    (folder / "app.py").write_text(PROGRAM.format(idl=IDL, version="2"))
    command.process.send_signal(signal.SIGHUP)
    command.find("message=serving", 4)
    command.find("message=ended", 4)
    with connect(work, url) as client:
        assert client.version() == "2"
    assert command.end() == 0


@pytest.mark.parametrize("handler", ["app:broken", "app:leaving", "app:missing", "none:x", "app", "app:VERSION"])
def test_a_handler_that_cannot_be_loaded_ends_the_command(serve: Any, handler: str) -> None:
    command = serve(handler, "--workers", "2")
    assert command.wait() == 3
    assert any("cannot serve" in line and "traceback=" in line for line in command.lines)


def test_an_address_that_is_taken_ends_the_command(serve: Any) -> None:
    first = serve("app:Handler")
    second = serve("app:Handler", url=first.url())
    assert second.wait() == 3
    assert any("cannot listen" in line and first.url() in line for line in second.lines)
    assert first.end() == 0


def test_an_address_that_is_given_twice_ends_the_command(serve: Any) -> None:
    first = serve("app:Handler")
    url = first.url()
    assert first.end() == 0
    second = serve("app:Handler", "--url", url, url=url)
    assert second.wait() == 3
    assert any(f"{url} is given twice" in line for line in second.lines)


def test_processes_end_with_the_one_that_watches_them(serve: Any, work: ModuleType) -> None:
    command = serve("app:Handler", "--workers", "2")
    workers = command.workers(2)
    command.process.kill()
    command.process.wait(10)
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}/cmdline").exists() for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(Path(f"/proc/{pid}/cmdline").exists() for pid in workers)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["app:Handler"],
        ["app:Handler", "--url", "tcp://127.0.0.1:0", "--workers", "0"],
        ["app:Handler", "--url", "tcp://127.0.0.1:0", "--grace", "-1"],
        ["app:Handler", "--url", "tcp://127.0.0.1:0", "--protocol", "xml"],
        ["app:Handler", "--url", "tcp://127.0.0.1:0", "--sasl", "PLAIN"],
        ["app:Handler", "--url", "tcp://127.0.0.1:0", "--idle-timeout", "0"],
    ],
)
def test_arguments_that_cannot_be_are_refused(folder: Path, arguments: list[str]) -> None:
    command = Command(folder, *arguments)
    assert command.wait() == 2
    assert "usage: fastthrift serve" in command.lines[0]


@pytest.mark.parametrize("url", ["ftp://x:1", "memory://x", "tcp://127.0.0.1", "unix://"])
def test_a_url_that_processes_cannot_serve_is_refused(serve: Any, url: str) -> None:
    command = serve("app:Handler", url=url)
    assert command.wait() == 3
    assert len(command.lines) == 1


def test_the_log_is_one_line_a_record(serve: Any, work: ModuleType, folder: Path) -> None:
    text = (
        PROGRAM.format(idl=IDL, version="1") + "\ndef fail(self): raise ValueError('two\\nlines')\nHandler.pid = fail\n"
    )
    (folder / "app.py").write_text(text)
    command = serve("app:Handler")
    with connect(work, command.url()) as client, pytest.raises(fastthrift.TApplicationException):
        client.pid()
    assert command.end() == 0
    for line in command.lines:
        assert re.match(r"time=\S+Z level=\w+ logger=fastthrift\.\w+ pid=\d+ ", line), line
    (failed,) = (line for line in command.lines if "level=error" in line)
    assert r"two\nlines" in failed


def test_several_places_are_served_one_of_them_by_tls(serve: Any, work: ModuleType, folder: Path) -> None:
    files, options = secured(folder)
    places = ("--url", "tls://127.0.0.1:0", "--url", "tls://localhost:0")
    command = serve("app:Handler", "--workers", "2", *files, *places, url=f"unix://{folder}/socket")
    urls = command.url(2).split(",")
    for url in urls:
        with connect(work, url, **options if url.startswith("tls") else {}) as client:
            assert client.version() == "1"
    assert command.end() == 0


def test_a_certificate_without_a_key_is_refused(folder: Path) -> None:
    command = Command(folder, "app:Handler", "--url", "tls://127.0.0.1:0", "--tls-cert", "x.pem")
    assert command.wait() == 2
