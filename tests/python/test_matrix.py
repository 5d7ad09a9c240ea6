"""Our clients and our servers, blocking and on event loops, in each way to speak: a cell each, green or refused."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import fastthrift
import fastthrift.aio
import pytest

from tests.python.certificates import Authority

module = fastthrift.loads(
    """
exception Denied { 1: string why }
struct Item { 1: string name, 2: list<i64> sizes, 3: map<string, binary> parts, 4: optional Item next }
service Store {
  Item swap(1: Item item) throws (1: Denied denied)
  void ping()
  oneway void note(1: string text)
  list<string> notes()
}
""",
    name="matrix.thrift",
)

CARRIERS = ["tcp", "unix", "tls", "http", "https"]
TRANSPORTS = ["framed", "buffered", "header", "zlib"]
PROTOCOLS = ["binary", "compact", "json"]
ENGINES = ["blocking", "asyncio"]


class Cell(NamedTuple):
    """One way to speak, and who does."""

    carrier: str
    transport: str
    protocol: str
    client: str
    server: str

    @property
    def makes_sense(self) -> bool:
        """Whether anybody can speak so: HTTP tells its messages apart itself."""
        return self.transport == "buffered" or not self.carrier.startswith("http")


CELLS = [
    Cell(carrier, transport, protocol, client, server)
    for carrier in CARRIERS
    for transport in TRANSPORTS
    for protocol in PROTOCOLS
    for client in ENGINES
    for server in ENGINES
]


class Store(module.Store):  # type: ignore[misc, name-defined]
    """Plain methods, which either engine serves."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def swap(self, item: Any) -> Any:
        if item.name == "denied":
            raise module.Denied(why="as asked")
        return module.Item(name=item.name[::-1], sizes=item.sizes[::-1], parts=item.parts, next=item)

    def ping(self) -> None:
        return None

    def note(self, text: str) -> None:
        self.heard.append(text)

    def notes(self) -> list[str]:
        return self.heard


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The TLS of servers and of clients."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl command to make certificates with")
    authority = Authority(tmp_path_factory.mktemp("authority"))
    return fastthrift.ServerTLS(*authority.issue("server")), fastthrift.ClientTLS(ca_file=authority.file)


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop that runs in a thread of its own."""
    made = asyncio.new_event_loop()
    thread = threading.Thread(target=made.run_forever)
    thread.start()
    yield made
    made.call_soon_threadsafe(made.stop)
    thread.join()
    made.close()


class Speakers(NamedTuple):
    """Makes the clients and the servers of cells, all with the face of the blocking ones."""

    loop: asyncio.AbstractEventLoop
    tls: tuple[Any, Any] | None
    folder: Path

    def url(self, carrier: str) -> str:
        if carrier == "unix":
            return f"unix://{self.folder}/s"
        return f"{carrier}://localhost:0" + ("/store" if carrier.startswith("http") else "")

    def wait(self, make: Callable[[], Any]) -> Any:
        """Run on the loop what `make` makes there."""

        async def made() -> Any:
            return await make()

        return asyncio.run_coroutine_threadsafe(made(), self.loop).result(20)

    @contextmanager
    def serving(self, cell: Cell, handler: Store) -> Iterator[str]:
        options: dict[str, Any] = {"transport": cell.transport, "protocol": cell.protocol}
        if self.tls is not None:
            options["tls"] = self.tls[0]
        if cell.server == "blocking":
            with fastthrift.Server(handler, self.url(cell.carrier), **options) as server:
                yield server.url
        else:
            serving = fastthrift.aio.Server(handler, self.url(cell.carrier), **options)
            self.wait(serving.start)
            try:
                yield serving.url
            finally:
                self.wait(serving.stop)

    @contextmanager
    def connected(self, cell: Cell, url: str) -> Iterator[Any]:
        options: dict[str, Any] = {"transport": cell.transport, "protocol": cell.protocol, "timeout": 20.0}
        if self.tls is not None:
            options["tls"] = self.tls[1]
        if cell.client == "blocking":
            with fastthrift.connect(module.Store, url, **options) as client:
                yield client
        else:
            client = self.wait(lambda: fastthrift.aio.connect(module.Store, url, **options))
            try:
                yield Waiting(self, client)
            finally:
                self.wait(client.close)


class Waiting(NamedTuple):
    """A client on the loop, whose calls are waited for."""

    speakers: Speakers
    client: Any

    def __getattr__(self, function: str) -> Callable[..., Any]:
        method = getattr(self.client, function)
        return lambda *arguments: self.speakers.wait(lambda: method(*arguments))


@pytest.fixture
def speakers(request: pytest.FixtureRequest, loop: asyncio.AbstractEventLoop, tmp_path: Path) -> Speakers:
    cell: Cell = request.getfixturevalue("cell")
    is_secure = cell.carrier in ("tls", "https")
    return Speakers(loop, request.getfixturevalue("tls") if is_secure else None, tmp_path)


def cells(wanted: Callable[[Cell], bool]) -> pytest.MarkDecorator:
    chosen = [cell for cell in CELLS if wanted(cell)]
    return pytest.mark.parametrize("cell", chosen, ids=["-".join(cell) for cell in chosen])


@cells(lambda cell: cell.makes_sense)
def test_calls_of_each_kind_and_size_are_answered(cell: Cell, speakers: Speakers) -> None:
    handler = Store()
    with speakers.serving(cell, handler) as url, speakers.connected(cell, url) as client:
        assert client.ping() is None
        for size in (0, 1, 5_000, 70_000):
            item = module.Item(name="aé" * size, sizes=[-1, 2**63 - 1], parts={"p": bytes(range(256))})
            came = client.swap(item)
            assert (came.name, came.sizes, came.parts) == (item.name[::-1], [2**63 - 1, -1], item.parts)
            assert came.next == item
        with pytest.raises(module.Denied, match="as asked"):
            client.swap(module.Item(name="denied"))
        assert client.note("heard") is None
        until = time.monotonic() + 10
        while not client.notes() and time.monotonic() < until:
            time.sleep(0.005)
        assert handler.heard == ["heard"]


@cells(lambda cell: not cell.makes_sense and cell.client == cell.server)
def test_what_makes_no_sense_is_refused_on_either_side_before_anything_is_sent(cell: Cell, speakers: Speakers) -> None:
    told = f'carries unframed messages over HTTP, not "{cell.transport}": leave the transport out'
    with pytest.raises(ValueError, match=told), speakers.serving(cell, Store()):
        pass
    with pytest.raises(ValueError, match=told), speakers.connected(cell, speakers.url(cell.carrier)):
        pass
