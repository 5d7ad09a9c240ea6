"""The URLs that say where a service is reached."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import fastthrift
import pytest

from tests.python.modes import Mode

module = fastthrift.loads("service Echo { string echo(1: string text) }", name="echo.thrift")


class Handler(module.Echo):  # type: ignore[misc, name-defined]
    def echo(self, text: str) -> str:
        return text


def refusal(url: str) -> str:
    """Return why neither a client nor a server takes this URL."""
    with pytest.raises(ValueError, match="URL") as of_client:
        fastthrift.connect(module.Echo, url, timeout=1.0)
    with pytest.raises(ValueError, match="URL") as of_server:
        fastthrift.Server(Handler(), url)
    assert str(of_client.value) == str(of_server.value)
    return str(of_client.value)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "expected tcp://host:port, tls://"),
        ("127.0.0.1:9090", "expected tcp://host:port, tls://"),
        ("ftp://127.0.0.1:1", "expected tcp://host:port, tls://"),
        ("TCP://127.0.0.1:1", "expected tcp://host:port, tls://"),
        ("tcp://127.0.0.1", "expected tcp://host:port with a port of 0 to 65535"),
        ("tcp://:1", "expected tcp://host:port with a port"),
        ("tcp://a:65536", "with a port of 0 to 65535"),
        ("tcp://a:+1", "with a port of 0 to 65535"),
        ("tcp://a:", "with a port of 0 to 65535"),
        ("tcp://a:1/path", "expected tcp://host:port"),
        ("tcp://::1:9090", "expected tcp://host:port"),
        ("tcp://[::1:9090", "expected tcp://host:port"),
        ("tcp://[::1]9090", "expected tcp://host:port"),
        ("tcp://two words:1", "expected tcp://host:port"),
        ("tls://a", "expected tls://host:port"),
        ("unix://", "has no path, expected unix:///path"),
        ("memory://", "has no name, expected memory://name"),
        ("memory://a/b", "holds a slash"),
        ("http://:80/", "expected http://host[:port]/path"),
        ("http:///path", "expected http://host[:port]/path"),
        ("http://a:b/", "expected http://host[:port]/path"),
        ("http://a/path#part", "has a fragment"),
        ("http://a/two words", "percent-encode"),
        ("http://a/x\r\nHost: b", "percent-encode"),
        ("http://a/ü", "percent-encode"),
        ("tcp://" + "a" * 9000 + ":1", "is over the limit"),
    ],
)
def test_a_url_that_cannot_be_says_what_is_expected(url: str, told: str) -> None:
    assert told in refusal(url)


@pytest.mark.parametrize("scheme", ["tcp", "tls", "http", "https"])
def test_a_password_in_a_url_is_refused_and_not_repeated(scheme: str) -> None:
    text = refusal(f"{scheme}://user:swordfish@host:1")
    assert "user's name or password" in text
    assert "swordfish" not in text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("tcp://localhost:0", "tcp://localhost:0"),
        ("tcp://[::1]:9090/", "tcp://[::1]:9090"),
        ("unix:///a/b", "unix:///a/b"),
    ],
)
def test_a_server_shows_where_it_is_to_listen(url: str, shown: str) -> None:
    server: Any = fastthrift.Server(Handler(), url)
    assert server.url == shown


def connect(url: str, **options: Any) -> Any:
    return fastthrift.connect(module.Echo, url, timeout=10.0, **options)


class TestSeveral:
    def test_a_server_listens_at_each_of_its_urls(self, tmp_path: Path) -> None:
        urls = ["tcp://127.0.0.1:0", f"unix://{tmp_path}/s", "memory://several", "tcp://127.0.0.1:0"]
        with fastthrift.Server(Handler(), urls) as server:
            assert server.url == server.urls[0]
            assert len(set(server.urls)) == 4
            for url in server.urls:
                with connect(url) as client:
                    assert client.echo(url) == url
            assert repr(server) == f"<Server at {', '.join(server.urls)}>"

    def test_where_one_cannot_be_listened_on_none_is(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            urls = [f"unix://{tmp_path}/s", "memory://none", f"tcp://127.0.0.1:{taken.getsockname()[1]}"]
            server = fastthrift.Server(Handler(), urls)
            with pytest.raises(OSError, match=r"cannot listen on tcp://127\.0\.0\.1:\d+"):
                server.start()
        assert not (tmp_path / "s").exists()
        with pytest.raises(fastthrift.ConnectError):
            connect("memory://none")

    def test_a_server_without_a_url_is_refused(self) -> None:
        with pytest.raises(ValueError, match="needs a URL"):
            fastthrift.Server(Handler(), [])

    def test_each_address_of_a_host_is_listened_on_at_one_port(self) -> None:
        found = {info[4][0] for info in socket.getaddrinfo("localhost", 0, type=socket.SOCK_STREAM)}
        with fastthrift.Server(Handler(), "tcp://localhost:0") as server:
            port = int(server.url.rsplit(":", 1)[1])
            for address in found:
                host = f"[{address}]" if ":" in str(address) else address
                with connect(f"tcp://{host}:{port}") as client:
                    assert client.echo("a") == "a"

    @pytest.mark.parametrize("address", ["127.0.0.1", "[::1]"])
    def test_a_client_finds_the_address_that_is_listened_on(self, mode: Mode, address: str) -> None:
        families = {info[0] for info in socket.getaddrinfo("localhost", 0, type=socket.SOCK_STREAM)}
        if address == "[::1]" and socket.AF_INET6 not in families:
            pytest.skip("localhost has no address of IPv6 here")
        with fastthrift.Server(Handler(), f"tcp://{address}:0") as server:
            port = int(server.url.rsplit(":", 1)[1])
            with mode.connect(module.Echo, f"tcp://localhost:{port}", timeout=5.0) as client:
                assert client.echo("a") == "a"

    def test_a_crowd_at_one_url_does_not_shut_the_others(self) -> None:
        with fastthrift.Server(Handler(), ["tcp://127.0.0.1:0", "memory://quiet"]) as server:
            crowd = [connect(server.urls[0]) for _ in range(100)]
            with connect(server.urls[1]) as client:
                assert client.echo("a") == "a"
            for client in crowd:
                assert client.echo("b") == "b"
                client.close()


class TestMemory:
    def test_a_name_is_served_once_and_free_again_afterwards(self) -> None:
        for _ in range(3):
            with fastthrift.Server(Handler(), "memory://once") as server, connect("memory://once") as client:
                assert server.url == "memory://once"
                assert client.echo("a") == "a"
                other = fastthrift.Server(Handler(), "memory://once")
                with pytest.raises(OSError, match="another server of this process has that name"):
                    other.start()
            with pytest.raises(fastthrift.ConnectError, match="no server of this process has that name"):
                connect("memory://once")

    def test_many_clients_at_once_are_all_accepted(self) -> None:
        failures: list[BaseException] = []

        def call(number: int) -> None:
            try:
                for more in range(20):
                    with connect("memory://busy") as client:
                        assert client.echo(f"{number} {more}") == f"{number} {more}"
            except BaseException as error:  # noqa: BLE001 (told below)
                failures.append(error)

        with fastthrift.Server(Handler(), "memory://busy"):
            threads = [threading.Thread(target=call, args=(number,)) for number in range(16)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert failures == []

    def test_a_client_that_nobody_accepts_has_its_deadline(self) -> None:
        with fastthrift.Server(Handler(), "memory://full", max_connections=1), connect("memory://full") as first:
            assert first.echo("a") == "a"
            with (
                fastthrift.connect(module.Echo, "memory://full", timeout=0.2) as second,
                pytest.raises(fastthrift.TransportTimeout),
            ):
                second.echo("b")


FORKING = """
import os, sys, fastthrift
m = fastthrift.loads("service Calculator { i64 add(1: i64 a, 2: i64 b) }")
class Handler(m.Calculator):
    def add(self, a, b):
        return a + b
def child_of(work):
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException as error:
            print(error, file=sys.stderr)
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
def refused():
    try:
        fastthrift.connect(m.Calculator, "memory://m", timeout=2.0)
    except fastthrift.ConnectError as error:
        assert "no server of this process" in str(error), error
    else:
        raise AssertionError("the parent's server took a connection of the child")
def serves_itself():
    server.stop()  # changes nothing: it is the parent's
    with fastthrift.Server(Handler(), ["memory://m", "tcp://127.0.0.1:0"]) as own:
        for url in own.urls:
            with fastthrift.connect(m.Calculator, url, timeout=5.0) as client:
                assert client.add(20, 22) == 42
def closes_the_parents():
    for client in clients:
        client.close()
with fastthrift.Server(Handler(), ["memory://m", "tcp://127.0.0.1:0", f"unix://{sys.argv[1]}"]) as server:
    clients = [fastthrift.connect(m.Calculator, url, timeout=5.0) for url in server.urls]
    for work in (refused, serves_itself, closes_the_parents):
        child_of(work)
        assert [client.add(1, 2) for client in clients] == [3, 3, 3]
        for url in server.urls:
            with fastthrift.connect(m.Calculator, url, timeout=5.0) as client:
                assert client.add(2, 3) == 5
"""


def test_a_forked_process_leaves_the_parents_connections_and_servers_alone(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING, str(tmp_path / "s")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
