"""Our client and our server over every kind of URL, transport and protocol; what makes no sense is refused."""

from __future__ import annotations

import http.client
import http.server
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fastthrift
import pytest

module = fastthrift.loads(
    """
exception Denied { 1: string why }
service Base { void ping() }
service Echo extends Base {
  string echo(1: string text) throws (1: Denied denied)
  oneway void note(1: string text)
}
""",
    name="echo.thrift",
)

URLS = ["tcp://127.0.0.1:0", "tls://localhost:0", "unix://{folder}/s", "memory://m"]
TRANSPORTS: list[Any] = ["framed", "unframed", "header", "header+zlib", "header+zstd", "zlib", "zlib+framed"]
SECURE = ("tls://", "https://")
ONEWAY = 4


class Handler(module.Echo):  # type: ignore[misc, name-defined]
    notes: list[str]

    def __init__(self) -> None:
        self.notes = []

    def ping(self) -> None:
        return None

    def echo(self, text: str) -> str:
        if text == "denied":
            raise module.Denied(why="as asked")
        return text

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(params=URLS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """A URL to serve at, and the TLS of the server and of the client there."""
    url = request.param.format(folder=tmp_path)
    if url.startswith(SECURE):
        yield (
            url,
            {"tls": fastthrift.ServerTLS(*request.getfixturevalue("identity"))},
            {"tls": request.getfixturevalue("trusting")},
        )
    else:
        yield url, {}, {}


HTTP = ["http://127.0.0.1:0/", "http://localhost:0/api/echo", "https://localhost:0/api?of=mine"]


def converse(client: Any, handler: Handler) -> None:
    """Make calls of every kind and size."""
    assert client.ping() is None
    assert client.echo("zoë") == "zoë"
    client.note("heard")
    for size in (0, 1, 100, 70_000, 200_000):
        text = os.urandom(size // 2).hex()
        assert client.echo(text) == text
    with pytest.raises(module.Denied, match="as asked"):
        client.echo("denied")
    assert client.echo("after") == "after"
    assert handler.notes == ["heard"]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_each_transport_goes_over_each_kind_of_url(
    place: tuple[str, dict[str, Any], dict[str, Any]], transport: Any, protocol: Any
) -> None:
    url, of_server, of_client = place
    handler = Handler()
    with (
        fastthrift.Server(handler, url, **of_server) as server,
        fastthrift.connect(
            module.Echo, server.url, timeout=20.0, transport=transport, protocol=protocol, **of_client
        ) as client,
    ):
        converse(client, handler)


@pytest.mark.parametrize("transport", ["framed", "unframed", "header", "zlib", "zlib+framed"])
def test_a_server_may_accept_one_transport_alone(transport: Any, protocol: Any) -> None:
    handler = Handler()
    options: dict[str, Any] = {"transport": transport, "protocol": protocol}
    with fastthrift.Server(handler, "tcp://127.0.0.1:0", **options) as server:
        with fastthrift.connect(module.Echo, server.url, timeout=20.0, **options) as client:
            converse(client, handler)
        other: Any = "unframed" if transport == "framed" else "framed"
        with (
            fastthrift.connect(module.Echo, server.url, timeout=20.0, transport=other, protocol=protocol) as client,
            pytest.raises((fastthrift.TTransportException, fastthrift.TApplicationException)),
        ):
            client.echo("a")
        with fastthrift.connect(module.Echo, server.url, timeout=20.0, **options) as client:
            assert client.echo("still there") == "still there"


def test_clients_of_all_transports_share_a_server_of_all_urls(
    identity: tuple[Path, Path], trusting: fastthrift.ClientTLS, tmp_path: Path
) -> None:
    handler = Handler()
    urls = [url.format(folder=tmp_path) for url in URLS]
    with fastthrift.Server(handler, urls, tls=fastthrift.ServerTLS(*identity)) as server:
        assert len(server.urls) == len(urls)
        assert server.url == server.urls[0]
        clients = [
            fastthrift.connect(
                module.Echo,
                url,
                timeout=20.0,
                transport=transport,
                tls=trusting if url.startswith(SECURE) else None,
            )
            for url in server.urls
            for transport in TRANSPORTS
        ]
        for number in range(3):
            for place, client in enumerate(clients):
                assert client.echo(f"{number} {place}") == f"{number} {place}"
        for client in clients:
            client.close()


@pytest.mark.parametrize(
    ("transport", "told"),
    [
        ("xml", "expected 'framed', 'unframed', 'header'"),
        ("", "expected 'framed', 'unframed', 'header'"),
        ("http", "chosen by the URL: use http://"),
        ("tls", "no transport but a kind of URL"),
    ],
)
def test_a_name_that_is_no_transport_is_refused(transport: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        fastthrift.connect(module.Echo, "tcp://127.0.0.1:1", transport=transport)
    with pytest.raises(ValueError, match=told):
        fastthrift.Server(Handler(), "tcp://127.0.0.1:0", transport=transport)


@pytest.mark.parametrize("transport", ["header+zlib", "header+zstd"])
def test_a_server_does_not_choose_transforms(transport: Any) -> None:
    with pytest.raises(ValueError, match="transforms that its clients choose: use 'header'"):
        fastthrift.Server(Handler(), "tcp://127.0.0.1:0", transport=transport)


class Ponging(http.server.BaseHTTPRequestHandler):
    """Python's own server of HTTP, which answers each call of a void function in Binary."""

    protocol_version = "HTTP/1.1"
    extra = ("X-Extra", "none")

    def do_POST(self) -> None:
        request = self.rfile.read(int(self.headers["Content-Length"]))
        reply = request[:3] + b"\x02" + request[4:16] + b"\0"
        self.send_response(200)
        self.send_header("Content-Length", str(len(reply)))
        self.send_header(*self.extra)
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's name)
        """Say nothing."""


@contextmanager
def pythons_server(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    """Run Python's own server and yield its URL."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


class TestHttp:
    @pytest.fixture(params=HTTP)
    def url(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture
    def tls(self, url: str, request: pytest.FixtureRequest) -> tuple[Any, Any]:
        """The TLS of the server and of the client."""
        if url.startswith(SECURE):
            identity, trusting = map(request.getfixturevalue, ("identity", "trusting"))
            return fastthrift.ServerTLS(*identity), trusting
        return None, None

    @pytest.mark.parametrize("transport", [None, "unframed"])
    def test_calls_go_over_http(self, url: str, tls: tuple[Any, Any], protocol: Any, transport: Any) -> None:
        handler = Handler()
        path, _, query = url.partition("?")
        with fastthrift.Server(handler, path, protocol=protocol, transport=transport, tls=tls[0]) as server:
            asked = f"{server.url}?{query}" if query else server.url
            with fastthrift.connect(
                module.Echo, asked, timeout=20.0, protocol=protocol, transport=transport, tls=tls[1]
            ) as client:
                converse(client, handler)
                for number in range(20):
                    client.note(str(number))
                    assert client.echo(str(number)) == str(number)

    def test_a_oneway_whose_response_ends_the_connection_is_done(self) -> None:
        class Ending(Ponging):
            protocol_version = "HTTP/1.0"
            notes = 0

            def do_POST(self) -> None:
                request = self.rfile.read(int(self.headers["Content-Length"]))
                type(self).notes += request[3] == ONEWAY
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

        with pythons_server(Ending) as url, fastthrift.connect(module.Echo, url, timeout=20.0) as client:
            for _ in range(3):
                assert client.note("heard") is None
        assert Ending.notes == 3

    def test_a_oneway_that_has_no_response_is_not_known_to_be_done(self) -> None:
        class Leaving(Ponging):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.close_connection = True

        with (
            pythons_server(Leaving) as url,
            fastthrift.connect(module.Echo, url, timeout=20.0) as client,
            pytest.raises(fastthrift.ConnectionLost),
        ):
            client.note("perhaps")

    def test_a_oneway_that_a_server_never_responds_to_holds_up_nothing(self) -> None:
        done = threading.Event()

        class Silent(Ponging):
            notes = 0

            def do_POST(self) -> None:
                request = self.rfile.read(int(self.headers["Content-Length"]))
                type(self).notes += request[3] == ONEWAY
                # As some servers of other libraries do: the connection stays open, and nothing comes.
                done.wait(20.0)
                self.close_connection = True

        # Without a time-out of the client's own.
        with pythons_server(Silent) as url, fastthrift.connect(module.Echo, url) as client:
            start = time.monotonic()
            for _ in range(2):
                assert client.note("heard") is None
            assert time.monotonic() - start < 5.0
            assert Silent.notes == 2
            done.set()

    def test_headers_go_out_with_each_call_and_come_with_each_reply(self) -> None:
        seen: list[dict[str, str]] = []
        found: list[str | None] = []

        class Answering(Ponging):
            extra = ("X-Answer", "42")

            def do_POST(self) -> None:
                seen.append({name.lower(): value for name, value in self.headers.items()})
                super().do_POST()

        def watch(call: Any, proceed: Any) -> Any:
            call.headers["X-Watched"] = "yes"
            result = proceed()
            found.extend(value for name, value in call.reply_headers.items() if name.lower() == "x-answer")
            return result

        with pythons_server(Answering) as url:
            headers = {"X-Team": "blue", "User-Agent": "tests/1"}
            with fastthrift.connect(module.Echo, url, timeout=20.0, headers=headers, interceptors=[watch]) as client:
                client.ping()
                fastthrift.with_options(client, headers={"X-Team": "red"}).ping()
        assert [each["x-team"] for each in seen] == ["blue", "red"]
        assert {each["x-watched"] for each in seen} == {"yes"}
        assert {each["user-agent"] for each in seen} == {"tests/1"}
        assert {each["host"] for each in seen} == {url.split("/")[2]}
        assert all(0 < int(each["client-timeout"]) <= 20_000 for each in seen)
        assert found == ["42", "42"]

    @pytest.mark.parametrize("transport", ["framed", "header", "header+zstd", "zlib", "zlib+framed"])
    def test_other_transports_are_refused_over_http(self, transport: Any) -> None:
        with pytest.raises(ValueError, match="leave the transport out"):
            fastthrift.connect(module.Echo, "http://127.0.0.1:1/", transport=transport)
        with pytest.raises(ValueError, match="leave the transport out"):
            fastthrift.Server(Handler(), "http://127.0.0.1:1/", transport=transport)

    def test_pythons_own_client_gets_status_codes_and_health(self) -> None:
        with fastthrift.Server(Handler(), "http://127.0.0.1:0/api") as server:
            connection = http.client.HTTPConnection("127.0.0.1", int(server.url.split(":")[2].split("/")[0]), timeout=5)
            statuses = []
            for method, path in [
                ("GET", "/healthz"),
                ("GET", "/readyz"),
                ("GET", "/api"),
                ("POST", "/elsewhere"),
                ("POST", "/api"),
            ]:
                body = b"\x80\x01\0\x01\0\0\0\x04ping\0\0\0\x07\0" if method == "POST" else None
                connection.request(method, path, body)
                response = connection.getresponse()
                statuses.append(response.status)
                last = response.read()
                if response.will_close:
                    connection.close()
            connection.close()
        assert statuses == [200, 200, 405, 404, 200]
        assert last == b"\x80\x01\0\x02\0\0\0\x04ping\0\0\0\x07\0"

    def test_a_path_that_is_not_served_is_an_error_with_its_status(self) -> None:
        with (
            fastthrift.Server(Handler(), "http://127.0.0.1:0/api") as server,
            fastthrift.connect(module.Echo, server.url + "/other", timeout=5.0) as client,
        ):
            for _ in range(2):
                with pytest.raises(fastthrift.TTransportException, match="404"):
                    client.echo("a")

    def test_a_server_that_closes_after_each_response_is_connected_to_anew(self) -> None:
        class Closing(Ponging):
            extra = ("Connection", "close")

        with pythons_server(Closing) as url, fastthrift.connect(module.Echo, url, timeout=5.0) as client:
            for _ in range(5):
                assert client.ping() is None

    @pytest.mark.parametrize("headers", [{"X": "a\r\nY: b"}, {"X Y": "a"}, {"Host": "b"}, {"Content-Length": "1"}])
    def test_headers_that_would_be_more_than_one_are_refused(self, headers: dict[str, str]) -> None:
        with pytest.raises(ValueError, match="header"):
            fastthrift.connect(module.Echo, "http://127.0.0.1:1/", headers=headers)

    def test_headers_need_a_transport_that_carries_them(self) -> None:
        with fastthrift.Server(Handler(), "tcp://127.0.0.1:0") as server:
            with pytest.raises(ValueError, match="carries no headers"):
                fastthrift.connect(module.Echo, server.url, headers={"X": "a"}, timeout=5.0)
            with fastthrift.connect(
                module.Echo, server.url, headers={"X": "a"}, timeout=5.0, transport="header"
            ) as client:
                assert client.echo("a") == "a"

    def test_a_query_is_none_of_a_servers(self) -> None:
        with pytest.raises(ValueError, match="whatever their query"):
            fastthrift.Server(Handler(), "http://127.0.0.1:0/?a=b")
