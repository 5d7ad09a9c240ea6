"""TLS between real sockets, with certificates made on the spot; the other side is often Python's own."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import fastthrift
import pytest
from fastthrift import (
    ClientTLS,
    ConnectError,
    ConnectionLost,
    PeerError,
    ServerTLS,
    TransportTimeout,
    TTransportException,
)

from tests.python.certificates import Authority
from tests.python.engines import CLIENTS, SERVERS, serving
from tests.python.timing import LATE

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command to make certificates with")

module = fastthrift.loads("service Echo { string echo(1: string text) }", name="echo.thrift")
CALL = b"\x80\x01\0\x01\0\0\0\x04echo\0\0\0\x07\x0b\0\x01\0\0\0\x02hi\0"
FRAMED = len(CALL).to_bytes(4, "big") + CALL


class Handler(module.Echo):  # type: ignore[misc, name-defined]
    def echo(self, text: str) -> str:
        return text


@contextmanager
def server(tls: ServerTLS, url: str = "tls://127.0.0.1:0", **options: Any) -> Iterator[fastthrift.Server]:
    with fastthrift.Server(Handler(), url, tls=tls, **options) as running:
        yield running


def connect(url: str, tls: ClientTLS | None, timeout: float = 10.0, **options: Any) -> Any:
    return fastthrift.connect(module.Echo, url, tls=tls, timeout=timeout, **options)


def port_of(running: fastthrift.Server) -> int:
    return int(running.url.rsplit(":", 1)[1])


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_calls_of_every_size_go_both_ways(
    identity: tuple[Path, Path], trusting: ClientTLS, protocol: Any, transport: Any, host: str
) -> None:
    with (
        server(ServerTLS(*identity), f"tls://{host}:0") as running,
        connect(running.url, trusting, protocol=protocol, transport=transport) as client,
    ):
        for size in (0, 1, 16_383, 16_384, 16_385, 70_000, 3_000_000):
            assert client.echo("x" * size) == "x" * size


def test_a_client_that_pauses_takes_no_message_of_tls_for_a_reply(
    identity: tuple[Path, Path], trusting: ClientTLS
) -> None:
    with server(ServerTLS(*identity)) as running, connect(running.url, trusting) as client:
        for _ in range(3):
            time.sleep(0.02)  # then the connection is looked at before it is used
            assert client.echo("a") == "a"


class TestTrust:
    @pytest.mark.parametrize(
        ("names", "days", "told"),
        [
            ("DNS:elsewhere.example", 10, "not valid for name"),
            ("DNS:localhost,IP:127.0.0.1", 0, "expired"),
        ],
        ids=["wrong host", "expired"],
    )
    def test_a_certificate_that_is_not_right_is_refused_and_the_server_told(
        self,
        authority: Authority,
        trusting: ClientTLS,
        caplog: pytest.LogCaptureFixture,
        names: str,
        days: int,
        told: str,
    ) -> None:
        caplog.set_level("DEBUG", "fastthrift.server")
        bad = authority.issue(f"bad{days}", names, days=days)
        with server(ServerTLS(*bad)) as running, pytest.raises(ConnectError, match=told) as caught:
            connect(running.url, trusting)
        assert not caught.value.was_sent
        assert "the peer refused TLS" in caplog.text

    def test_a_host_name_is_not_taken_for_its_address(self, authority: Authority, trusting: ClientTLS) -> None:
        named = authority.issue("named", "DNS:localhost")
        with server(ServerTLS(*named)) as running:
            with pytest.raises(ConnectError, match="not valid for name"):
                connect(running.url, trusting)
            by_name = ClientTLS(ca_file=authority.file, server_name="localhost")
            with connect(running.url, by_name) as client:
                assert client.echo("a") == "a"

    def test_an_unknown_authority_is_refused(self, identity: tuple[Path, Path], tmp_path: Path) -> None:
        other = Authority(tmp_path, "other")
        with server(ServerTLS(*identity)) as running:
            for tls in (ClientTLS(ca_file=other.file), None):
                with pytest.raises(ConnectError, match="UnknownIssuer"):
                    connect(running.url, tls)

    def test_an_insecure_client_takes_any_certificate_and_says_so(self, authority: Authority) -> None:
        bad = authority.issue("worse", "DNS:elsewhere.example", days=0)
        tls = ClientTLS(insecure=True)
        assert repr(tls) == "<ClientTLS, insecure>"
        with server(ServerTLS(*bad)) as running, connect(running.url, tls) as client:
            assert client.echo("a") == "a"

    def test_a_servers_certificate_is_no_clients(self, authority: Authority, identity: tuple[Path, Path]) -> None:
        both = ServerTLS(*identity, client_ca_file=authority.file)
        tls = ClientTLS(ca_file=authority.file, cert_file=identity[0], key_file=identity[1])
        with server(both) as running, pytest.raises(TTransportException, match=r"refused TLS|certificate"):
            connect(running.url, tls).echo("a")


class TestMutual:
    @pytest.fixture
    def running(self, authority: Authority, identity: tuple[Path, Path]) -> Iterator[fastthrift.Server]:
        with server(ServerTLS(*identity, client_ca_file=authority.file)) as running:
            yield running

    def test_a_client_with_a_certificate_is_let_in(self, running: fastthrift.Server, authority: Authority) -> None:
        certificate, key = authority.issue("client", usage="clientAuth")
        tls = ClientTLS(ca_file=authority.file, cert_file=certificate, key_file=key)
        with connect(running.url, tls) as client:
            assert client.echo("a") == "a"

    def test_a_client_without_one_is_told(self, running: fastthrift.Server, trusting: ClientTLS) -> None:
        with pytest.raises(TTransportException, match="requires a client certificate"):
            connect(running.url, trusting).echo("a")

    def test_one_of_another_authority_is_refused(
        self, running: fastthrift.Server, authority: Authority, tmp_path: Path
    ) -> None:
        certificate, key = Authority(tmp_path, "other").issue("client", usage="clientAuth")
        tls = ClientTLS(ca_file=authority.file, cert_file=certificate, key_file=key)
        with pytest.raises(TTransportException, match="does not trust the issuer"):
            connect(running.url, tls).echo("a")


class TestReload:
    @staticmethod
    def copy(pair: tuple[Path, Path], folder: Path) -> tuple[Path, Path]:
        return Path(shutil.copy(pair[0], folder / "live.pem")), Path(shutil.copy(pair[1], folder / "live.key"))

    @staticmethod
    def serial(running: fastthrift.Server) -> bytes:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", port_of(running)), 5) as plain,
            context.wrap_socket(plain) as secure,
        ):
            return secure.getpeercert(binary_form=True) or b""

    def test_new_files_are_for_new_connections_and_none_is_dropped(
        self, authority: Authority, identity: tuple[Path, Path], trusting: ClientTLS, tmp_path: Path
    ) -> None:
        live = self.copy(identity, tmp_path)
        tls = ServerTLS(*live)
        ended = threading.Event()
        failures: list[BaseException] = []
        with server(tls) as running:

            def call() -> None:
                try:
                    with connect(running.url, trusting) as client:
                        while not ended.is_set():
                            assert client.echo("abc") == "abc"
                except BaseException as error:  # noqa: BLE001 (told below)
                    failures.append(error)

            threads = [threading.Thread(target=call) for _ in range(3)]
            for thread in threads:
                thread.start()
            before = self.serial(running)
            self.copy(authority.issue("second"), tmp_path)
            assert self.serial(running) == before
            for _ in range(20):
                tls.reload()
            after = self.serial(running)
            with connect(running.url, trusting) as client:
                assert client.echo("new") == "new"
            ended.set()
            for thread in threads:
                thread.join()
        assert failures == []
        assert after != before

    @pytest.mark.parametrize("broken", ["certificate", "key", "missing", "mismatch"])
    def test_files_that_are_broken_change_nothing(
        self, authority: Authority, identity: tuple[Path, Path], trusting: ClientTLS, tmp_path: Path, broken: str
    ) -> None:
        certificate, key = self.copy(identity, tmp_path)
        tls = ServerTLS(certificate, key)
        with server(tls) as running:
            before = self.serial(running)
            if broken == "certificate":
                certificate.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
            elif broken == "key":
                key.write_text("not a key")
            elif broken == "missing":
                certificate.unlink()
            else:
                shutil.copy(authority.issue("another")[1], key)
            with pytest.raises((ValueError, OSError), match=r"live\.(pem|key)"):
                tls.reload()
            assert self.serial(running) == before
            with connect(running.url, trusting) as client:
                assert client.echo("a") == "a"


class TestPlaintext:
    def test_a_plaintext_client_is_told_at_once_and_the_server_knows(
        self, identity: tuple[Path, Path], caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG", "fastthrift.server")
        with server(ServerTLS(*identity)) as running:
            start = time.monotonic()
            with (
                fastthrift.connect(module.Echo, f"tcp://127.0.0.1:{port_of(running)}", timeout=10) as client,
                pytest.raises(PeerError, match="the peer speaks TLS"),
            ):
                client.echo("secret")
            assert time.monotonic() - start < 2
        assert "the peer does not speak TLS" in caplog.text

    @pytest.mark.parametrize("transport", ["framed", "unframed"])
    def test_a_tls_client_of_a_plaintext_server_fails_at_once(self, trusting: ClientTLS, transport: Any) -> None:
        with fastthrift.Server(Handler(), "tcp://127.0.0.1:0", transport=transport) as running:
            start = time.monotonic()
            with pytest.raises(ConnectError, match="speak TLS"):
                connect(f"tls://127.0.0.1:{port_of(running)}", trusting)
            assert time.monotonic() - start < 2

    @pytest.mark.parametrize("server_kind", SERVERS)
    @pytest.mark.parametrize("kind", CLIENTS)
    def test_both_engines_tell_tls_from_plaintext_on_every_port(
        self, identity: tuple[Path, Path], trusting: ClientTLS, kind: str, server_kind: str
    ) -> None:
        names = [None, "unframed", "header", "zlib"]
        urls = ["tcp://127.0.0.1:0", "tls://127.0.0.1:0", "http://127.0.0.1:0/", "https://127.0.0.1:0/"]
        with serving(server_kind, Handler(), urls, tls=ServerTLS(*identity)) as found:
            ports = {urlsplit(url).scheme: urlsplit(url).port for url in found}
            for secure, plain in (("tls", "tcp"), ("https", "http")):
                for scheme in ("tcp", "http"):
                    url = f"{scheme}://127.0.0.1:{ports[secure]}"
                    for transport in names if scheme == "tcp" else [None]:
                        with (
                            CLIENTS[kind](module.Echo, url, timeout=10, transport=transport) as client,
                            pytest.raises(
                                PeerError, match="speaks TLS, which this side does not: use tls:// or https://"
                            ),
                        ):
                            client.echo("secret")
                for scheme in ("tls", "https"):
                    url = f"{scheme}://127.0.0.1:{ports[plain]}"
                    with pytest.raises(ConnectError, match=r"not speak TLS.*tcp://.*http://") as caught:
                        CLIENTS[kind](module.Echo, url, timeout=10, tls=trusting)
                    assert not caught.value.was_sent

    @pytest.mark.parametrize("url", ["tcp://127.0.0.1:1", "unix:///nowhere", "memory://nobody"])
    def test_tls_that_a_url_does_not_say_is_refused(
        self, identity: tuple[Path, Path], trusting: ClientTLS, url: str
    ) -> None:
        with pytest.raises(ValueError, match="is plaintext: "):
            connect(url, trusting)
        with pytest.raises(ValueError, match="is plaintext: "):
            fastthrift.Server(Handler(), url, tls=ServerTLS(*identity))

    def test_a_server_of_tls_needs_a_certificate(self) -> None:
        with pytest.raises(ValueError, match="needs a certificate"):
            fastthrift.Server(Handler(), "tls://127.0.0.1:0")

    def test_the_sides_are_not_mixed_up(self, identity: tuple[Path, Path], trusting: ClientTLS) -> None:
        wrong: Any = ServerTLS(*identity)
        with pytest.raises(TypeError, match=r"must be a fastthrift\.ClientTLS"):
            connect("tls://127.0.0.1:1", wrong)
        wrong = trusting
        with pytest.raises(TypeError, match=r"must be a fastthrift\.ServerTLS"):
            fastthrift.Server(Handler(), "tls://127.0.0.1:1", tls=wrong)


class TestHostilePeers:
    @pytest.mark.parametrize("first", [b"", b"\x16\x03\x01\x02\x00\x01"], ids=["silent", "trickling"])
    def test_a_handshake_ends_with_the_time_for_a_message(
        self, identity: tuple[Path, Path], trusting: ClientTLS, first: bytes
    ) -> None:
        with (
            server(ServerTLS(*identity), message_timeout=0.3) as running,
            socket.create_connection(("127.0.0.1", port_of(running)), 5) as peer,
        ):
            start = time.monotonic()
            ended = False
            while not ended and time.monotonic() - start < 5:
                try:
                    peer.sendall(first[:1])
                    peer.settimeout(0.05)
                    ended = peer.recv(100) == b""
                except TimeoutError:
                    first = first[1:] or first
                except OSError:
                    ended = True
            assert ended
            assert 0.25 < time.monotonic() - start < 2
            with connect(running.url, trusting) as client:
                assert client.echo("a") == "a"

    def test_a_server_that_says_nothing_gains_no_time(self, trusting: ClientTLS) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            start = time.monotonic()
            with pytest.raises(TransportTimeout):
                connect(f"tls://127.0.0.1:{silent.getsockname()[1]}", trusting, timeout=0.3)
            assert 0.25 < time.monotonic() - start < 2

    @staticmethod
    @contextmanager
    def python_client(
        running: fastthrift.Server, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ) -> Iterator[ssl.SSLSocket]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = context.maximum_version = version
        with (
            socket.create_connection(("127.0.0.1", port_of(running)), 5) as plain,
            context.wrap_socket(plain) as secure,
        ):
            yield secure

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def test_both_versions_are_spoken_byte_by_byte_and_pipelined(
        self, identity: tuple[Path, Path], version: ssl.TLSVersion
    ) -> None:
        with server(ServerTLS(*identity)) as running, self.python_client(running, version) as secure:
            for byte in FRAMED:
                secure.sendall(bytes([byte]))
            one = self.exactly(secure, len(FRAMED) + 3)  # the result's field, and the answer's type
            secure.sendall(FRAMED * 200)
            assert self.exactly(secure, 200 * len(one)) == one * 200

    @staticmethod
    def exactly(secure: ssl.SSLSocket, count: int) -> bytes:
        # An answer is as long as the call: a field of one string in both.
        data = b""
        while len(data) < 4:
            data += secure.recv(4 - len(data))
        size = 4 + int.from_bytes(data, "big")
        count = size if count < 2 * size else count
        while len(data) < count:
            data += secure.recv(count - len(data))
        return data

    def test_the_end_is_announced_by_both_sides(self, identity: tuple[Path, Path]) -> None:
        with server(ServerTLS(*identity)) as running, self.python_client(running) as secure:
            secure.sendall(FRAMED)
            self.exactly(secure, len(FRAMED))
            secure.unwrap()  # raises where the server's close_notify does not come


@contextmanager
def python_server(identity: tuple[Path, Path], conversation: Callable[[ssl.SSLSocket], None]) -> Iterator[str]:
    """Serve one client with Python's own TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*identity)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            plain = listening.accept()[0]
            with plain, context.wrap_socket(plain, server_side=True) as secure:
                conversation(secure)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"tls://127.0.0.1:{listening.getsockname()[1]}"
        thread.join(10)


class TestPythonsServer:
    @staticmethod
    def reply(secure: ssl.SSLSocket) -> bytes:
        while not secure.recv(65536):
            pass
        body = b"\x80\x01\0\x02\0\0\0\x04echo\0\0\0\x01\x0b\0\0\0\0\0\x02hi\0"
        return len(body).to_bytes(4, "big") + body

    def test_a_reply_may_come_in_many_records(self, identity: tuple[Path, Path], trusting: ClientTLS) -> None:
        def converse(secure: ssl.SSLSocket) -> None:
            for byte in self.reply(secure):
                secure.sendall(bytes([byte]))
            secure.recv(1)

        with python_server(identity, converse) as url, connect(url, trusting) as client:
            assert client.echo("hi") == "hi"

    def test_a_reply_that_is_cut_off_is_an_error(self, identity: tuple[Path, Path], trusting: ClientTLS) -> None:
        def converse(secure: ssl.SSLSocket) -> None:
            secure.sendall(self.reply(secure)[:-1])
            socket.socket(fileno=secure.detach()).close()

        with (
            python_server(identity, converse) as url,
            connect(url, trusting) as client,
            pytest.raises(ConnectionLost) as caught,
        ):
            client.echo("hi")
        assert caught.value.was_sent

    def test_a_slow_trickle_of_a_record_gains_no_time(self, identity: tuple[Path, Path], trusting: ClientTLS) -> None:
        def converse(secure: ssl.SSLSocket) -> None:
            secure.recv(65536)
            # The start of a record of 200 bytes, whose bytes then come one by one.
            plain = socket.socket(fileno=secure.detach())
            with plain:
                try:
                    plain.sendall(b"\x17\x03\x03\0\xc8")
                    for _ in range(60):
                        plain.sendall(b"\0")
                        time.sleep(0.05)
                except OSError:
                    pass

        with python_server(identity, converse) as url, connect(url, trusting, timeout=0.4) as client:
            start = time.monotonic()
            with pytest.raises(TransportTimeout):
                client.echo("hi")
            assert 0.35 < time.monotonic() - start < LATE


class TestFiles:
    def test_what_cannot_be_used_is_an_error_that_names_it(
        self, authority: Authority, identity: tuple[Path, Path], tmp_path: Path
    ) -> None:
        empty = tmp_path / "empty.pem"
        empty.write_text("")
        with pytest.raises(FileNotFoundError):
            ServerTLS(tmp_path / "nothing.pem", identity[1])
        with pytest.raises(ValueError, match=r"empty\.pem holds no certificate"):
            ServerTLS(empty, identity[1])
        with pytest.raises(ValueError, match=r"empty\.pem holds no usable key"):
            ServerTLS(identity[0], empty)
        with pytest.raises(ValueError, match=r"server\.pem"):
            ServerTLS(identity[0], authority.issue("foreign")[1])
        with pytest.raises(ValueError, match=r"empty\.pem holds no certificate"):
            ClientTLS(ca_file=empty)
        with pytest.raises(ValueError, match="go together"):
            ClientTLS(cert_file=identity[0])
        with pytest.raises(ValueError, match="must be a name that a certificate can be for"):
            ClientTLS(server_name="two words")
        with pytest.raises(ValueError, match="without effect"):
            ClientTLS(insecure=True, ca_file=authority.file)


FORKING = """
import os, sys, fastthrift
certificate, key, ca = sys.argv[1:]
m = fastthrift.loads("service Calculator { i64 add(1: i64 a, 2: i64 b) }")
class Handler(m.Calculator):
    def add(self, a, b):
        return a + b
tls = fastthrift.ServerTLS(certificate, key)
with fastthrift.Server(Handler(), "tls://127.0.0.1:0", tls=tls) as server:
    client = fastthrift.connect(m.Calculator, server.url, timeout=5.0, tls=fastthrift.ClientTLS(ca_file=ca))
    assert client.add(1, 2) == 3
    silent = os.fork()
    if not silent:
        client.close()  # says nothing to the server: the connection is the parent's
        del client
        sys.exit(0)
    assert os.waitpid(silent, 0)[1] == 0
    assert client.add(2, 3) == 5
    child = os.fork()
    number = 1000 if child else 2000
    right = all(client.add(number, more) == number + more for more in range(300))
    if not child:
        os._exit(0 if right else 1)
    assert right
    assert os.waitpid(child, 0)[1] == 0
"""


def test_a_forked_process_never_writes_into_the_parents_connection(
    authority: Authority, identity: tuple[Path, Path]
) -> None:
    command = [
        sys.executable,
        "-W",
        "ignore::DeprecationWarning",
        "-c",
        FORKING,
        *map(str, identity),
        str(authority.file),
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
