"""Servers that break TLS, and clients of both languages: calls end in their own errors, in time, and leave nothing."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fastthrift
import pytest
from fastthrift import ClientTLS, ConnectError, ConnectionLost, TransportTimeout, TTransportException

from tests.interop.fake_server import frame, message
from tests.python import rust_clients
from tests.python.certificates import Authority
from tests.python.engines import CLIENTS
from tests.python.timing import LATE

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command to make certificates with")

ours = fastthrift.load(Path(__file__).parents[1] / "interop" / "calculator.thrift")
TIMEOUT = 0.5
"""The seconds that a call may take, and a connection to be made, where the server takes for ever."""
PATIENCE = 20.0
"""The same where an error comes by itself."""
LIMIT = 1 << 26

kinds = pytest.mark.parametrize("kind", [*CLIENTS, *rust_clients.parameters()])


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that vouches for nobody here."""
    return Authority(tmp_path_factory.mktemp("stranger"), "other")


@pytest.fixture(scope="module", params=["wrong host", "expired"])
def bad(request: pytest.FixtureRequest, authority: Authority) -> tuple[tuple[Path, Path], str]:
    """A certificate that is not right with its key, and what is said of it."""
    if request.param == "expired":
        return authority.issue("expired", days=0), "expired"
    return authority.issue("elsewhere", "DNS:elsewhere.example"), "not valid for name"


@pytest.fixture(autouse=True)
def _program(kind: str) -> None:
    """Have the program of clients in Rust built before the time counts."""
    held(kind)


@contextlib.contextmanager
def connect(kind: str, url: str, authority: Path, *, timeout: float = PATIENCE) -> Iterator[Any]:
    """Open a client that trusts an authority, which has nothing left of it in the end."""
    before = held(kind)
    try:
        if kind in rust_clients.CLIENTS:
            opened = rust_clients.RustClient(kind, url, timeout=timeout, limit=LIMIT, authorities=authority)
            with contextlib.closing(opened) as client:
                yield client
        else:
            transport = "framed" if url.startswith("tls:") else None
            tls = ClientTLS(ca_file=authority)
            with CLIENTS[kind](ours.Calculator, url, tls=tls, timeout=timeout, transport=transport) as client:
                yield client
    finally:
        by = time.monotonic() + PATIENCE
        while is_left(before, held(kind)) and time.monotonic() < by:
            time.sleep(0.01)
        assert not is_left(before, now := held(kind)), (before, now)


def held(kind: str) -> dict[str, int]:
    """Return the descriptors, threads and tasks of the process that a client in Rust is in."""
    if kind not in rust_clients.CLIENTS:
        return {}
    return {name: count for name, count in rust_clients.program().tell("held").items() if name != "bytes"}


def is_left(before: dict[str, int], now: dict[str, int]) -> bool:
    """Return whether more is held than before."""
    return any(count > before[name] for name, count in now.items())


Conversation = Callable[[socket.socket], None]


@contextlib.contextmanager
def serving(conversation: Conversation) -> Iterator[str]:
    """Have this conversation on each connection; yields the host and port."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def converse(sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):  # the client left, or refuses
            sock.settimeout(PATIENCE)
            conversation(sock)

    def serve() -> None:
        with contextlib.suppress(OSError):  # it is over
            while True:
                threads.append(threading.Thread(target=converse, args=(listener.accept()[0],)))
                threads[-1].start()

    threads.append(threading.Thread(target=serve))
    threads[0].start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()


def shaken(identity: tuple[Path, Path], conversation: Callable[[ssl.SSLSocket], None]) -> Conversation:
    """Return a conversation that begins when hands were shaken by Python's own TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*identity)

    def converse(sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_side=True) as secure:
            conversation(secure)

    return converse


def until_left(sock: socket.socket) -> None:
    """Take what the client sends until it leaves."""
    while sock.recv(1 << 16):
        pass


def ends(client: Any, error: type[Exception], match: str | None = None, *, by: float) -> Exception:
    """Call, and return the error that it has to end in."""
    start = time.monotonic()
    with pytest.raises(error, match=match) as caught:
        client.add(1, 2)
    assert time.monotonic() - start < by
    return caught.value


class TestTrust:
    @kinds
    def test_a_certificate_that_is_not_right_is_refused(
        self, authority: Authority, bad: tuple[tuple[Path, Path], str], kind: str
    ) -> None:
        certificate, told = bad
        self.is_refused(kind, "tls", certificate, authority, told)

    @pytest.mark.parametrize("scheme", ["tls", "https"])
    @kinds
    def test_an_unknown_authority_is_refused(
        self, identity: tuple[Path, Path], stranger: Authority, kind: str, scheme: str
    ) -> None:
        self.is_refused(kind, scheme, identity, stranger, "UnknownIssuer")

    @staticmethod
    def is_refused(kind: str, scheme: str, identity: tuple[Path, Path], authority: Authority, told: str) -> None:
        with serving(shaken(identity, until_left)) as place:
            start = time.monotonic()
            with pytest.raises(ConnectError, match=told), connect(kind, f"{scheme}://{place}", authority.file):
                pass
            assert time.monotonic() - start < LATE


PLAIN = frame(message("add", 1, 42))
HELLO = b"\x16\x03\x03"
"""What a record of a handshake starts with."""
ANSWERS: dict[str, bytes] = {
    "nothing": b"",
    "a frame": PLAIN,
    "a web page": b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
    "text": b"who are you?\r\n" * 1000,
}


@pytest.mark.parametrize("name", ANSWERS)
@kinds
def test_a_plaintext_server_on_the_port_of_tls_is_known(authority: Authority, kind: str, name: str) -> None:
    def converse(sock: socket.socket) -> None:
        sock.recv(1 << 16)
        sock.sendall(ANSWERS[name])

    with serving(converse) as place:
        for scheme in ("tls", "https"):
            start = time.monotonic()
            with (
                pytest.raises(ConnectError, match=r"not speak TLS.*tcp://.*http://"),
                connect(kind, f"{scheme}://{place}", authority.file),
            ):
                pass
            assert time.monotonic() - start < LATE


STOPS: dict[str, bytes] = {
    "at once": b"",
    "within a record's head": HELLO,
    "within a record": HELLO + b"\x00\x7a\x02\x00\x00\x76\x03\x03",
    "between two records": HELLO + b"\x00\x04\x02\x00\x00\x76",
}


@pytest.mark.parametrize("name", STOPS)
@kinds
def test_a_handshake_that_stops_ends_in_time(authority: Authority, kind: str, name: str) -> None:
    def converse(sock: socket.socket) -> None:
        sock.recv(1 << 16)
        sock.sendall(STOPS[name])
        until_left(sock)

    with serving(converse) as place:
        start = time.monotonic()
        with (
            pytest.raises((ConnectError, TransportTimeout)),
            connect(kind, f"tls://{place}", authority.file, timeout=TIMEOUT),
        ):
            pass
        assert time.monotonic() - start < TIMEOUT + LATE


ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "a message of a handshake": (HELLO + b"\x40\x00\x02\xff\xff\xff", bytes(1 << 14)),
    "records of a handshake": (b"", (HELLO + b"\x00\x04\x00\x00\x00\x00") * 1000),
    "changes of the cipher": (b"", b"\x14\x03\x03\x00\x01\x01" * 1000),
    "warnings": (b"", b"\x15\x03\x03\x00\x02\x01\x5a" * 1000),
    "empty records": (b"", b"\x16\x03\x03\x00\x00" * 1000),
    "one byte after the other": (HELLO + b"\x3f\xff\x02\x00\x3f\xf0", b""),
}


@pytest.mark.parametrize("name", ENDLESS)
@kinds
def test_a_handshake_without_end_ends_in_time(authority: Authority, kind: str, name: str) -> None:
    start, more = ENDLESS[name]

    def converse(sock: socket.socket) -> None:
        sock.recv(1 << 16)
        sock.sendall(start)
        while True:
            sock.sendall(more or b"\x00")
            if not more:
                time.sleep(0.01)

    with serving(converse) as place:
        began = time.monotonic()
        with (
            pytest.raises((ConnectError, TransportTimeout)),
            connect(kind, f"tls://{place}", authority.file, timeout=TIMEOUT),
        ):
            pass
        assert time.monotonic() - began < TIMEOUT + LATE


def below(secure: ssl.SSLSocket) -> socket.socket:
    """Return the socket below TLS, which says nothing more."""
    return socket.socket(fileno=secure.detach())


class TestAfterTheHandshake:
    @pytest.mark.parametrize("scheme", ["tls", "https"])
    @kinds
    def test_bytes_that_are_no_records_end_the_connection(
        self, authority: Authority, identity: tuple[Path, Path], kind: str, scheme: str
    ) -> None:
        def converse(secure: ssl.SSLSocket) -> None:
            secure.recv(1)
            with below(secure) as sock:
                while True:
                    sock.sendall(b"\xa5" * (1 << 14))

        self.is_lost(authority, identity, converse, kind, scheme, "TLS failed")

    @pytest.mark.parametrize("scheme", ["tls", "https"])
    @kinds
    def test_records_that_nobody_encrypted_end_the_connection(
        self, authority: Authority, identity: tuple[Path, Path], kind: str, scheme: str
    ) -> None:
        def converse(secure: ssl.SSLSocket) -> None:
            secure.recv(1)
            with below(secure) as sock:
                sock.sendall(b"\x17\x03\x03" + len(PLAIN).to_bytes(2, "big") + PLAIN)
                until_left(sock)

        self.is_lost(authority, identity, converse, kind, scheme, "TLS failed: cannot decrypt")

    @pytest.mark.parametrize(
        ("scheme", "said"),
        [
            ("tls", PLAIN[:-1]),
            ("tls", b""),
            ("https", b"HTTP/1.1 200 OK\r\nContent-Type: application/x-thrift\r\n\r\n" + PLAIN[4:]),
            ("https", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + PLAIN[4:]),
        ],
        ids=["within a frame", "before a frame", "where a body would end", "within a body"],
    )
    @kinds
    def test_a_reply_that_is_cut_off_is_none(
        self, authority: Authority, identity: tuple[Path, Path], kind: str, scheme: str, said: bytes
    ) -> None:
        def converse(secure: ssl.SSLSocket) -> None:
            secure.recv(1 << 16)
            secure.sendall(said)
            # Without an alert, and so that what was sent arrives.
            with below(secure) as sock:
                sock.shutdown(socket.SHUT_WR)
                until_left(sock)

        self.is_lost(authority, identity, converse, kind, scheme, "without the peer's saying so in TLS")

    @kinds
    def test_the_next_call_has_a_connection_of_its_own(
        self, authority: Authority, identity: tuple[Path, Path], kind: str
    ) -> None:
        connections = [0]

        def converse(secure: ssl.SSLSocket) -> None:
            connections[0] += 1
            while request := secure.recv(1 << 16):
                if connections[0] < 3:
                    secure.sendall(PLAIN[:7])
                    below(secure).close()
                    return
                secure.sendall(frame(message("add", int.from_bytes(request[15:19], "big"), 42)))

        with (
            serving(shaken(identity, converse)) as place,
            connect(kind, f"tls://{place}", authority.file) as client,
        ):
            for _ in range(2):
                ends(client, TTransportException, by=LATE)
            assert client.add(20, 22) == 42

    @kinds
    def test_an_alert_in_place_of_a_reply_says_why(
        self, authority: Authority, identity: tuple[Path, Path], kind: str
    ) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*identity)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority.file)

        def converse(sock: socket.socket) -> None:
            context.wrap_socket(sock, server_side=True).close()

        with serving(converse) as place:
            start = time.monotonic()
            with (
                pytest.raises(TTransportException, match="requires a client certificate"),
                connect(kind, f"tls://{place}", authority.file) as client,
            ):
                client.add(1, 2)
            assert time.monotonic() - start < LATE

    @kinds
    def test_a_server_that_says_nothing_after_the_handshake_costs_the_time_of_the_call(
        self, authority: Authority, identity: tuple[Path, Path], kind: str
    ) -> None:
        with (
            serving(shaken(identity, until_left)) as place,
            connect(kind, f"tls://{place}", authority.file, timeout=TIMEOUT) as client,
        ):
            ends(client, TransportTimeout, by=TIMEOUT + LATE)

    @kinds
    def test_a_server_that_never_reads_costs_the_time_of_the_call(
        self, authority: Authority, identity: tuple[Path, Path], kind: str
    ) -> None:
        over = threading.Event()

        def converse(secure: ssl.SSLSocket) -> None:
            with below(secure):
                over.wait(2 * PATIENCE)

        with serving(shaken(identity, converse)) as place:
            with connect(kind, f"tls://{place}", authority.file, timeout=TIMEOUT) as client:
                for _ in range(2):
                    start = time.monotonic()
                    with pytest.raises(TransportTimeout):
                        client.refuse("x" * (LIMIT // 4))
                    assert time.monotonic() - start < TIMEOUT + LATE
            over.set()

    @staticmethod
    def is_lost(
        authority: Authority,
        identity: tuple[Path, Path],
        converse: Callable[[ssl.SSLSocket], None],
        kind: str,
        scheme: str,
        told: str,
    ) -> None:
        with (
            serving(shaken(identity, converse)) as place,
            connect(kind, f"{scheme}://{place}", authority.file) as client,
        ):
            ends(client, ConnectionLost, told, by=LATE)
