"""Our client and our server over every kind of URL, transport and protocol; what makes no sense is refused."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastthrift
import pytest

from tests.python.certificates import Authority

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

URLS = [
    "tcp://127.0.0.1:0",
    "tcp://[::1]:0",
    "tcp://localhost:0",
    "tls://localhost:0",
    "unix://{folder}/s",
    "memory://m",
]
TRANSPORTS: list[Any] = ["framed", "unframed", "buffered", "header", "header+zlib", "header+zstd", "zlib"]
TRANSPORTS.append("zlib+framed")
SECURE = ("tls://", "https://")


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


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl command to make certificates with")
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server_tls(authority: Authority) -> fastthrift.ServerTLS:
    return fastthrift.ServerTLS(*authority.issue("server"))


@pytest.fixture(scope="module")
def client_tls(authority: Authority) -> fastthrift.ClientTLS:
    return fastthrift.ClientTLS(ca_file=authority.file)


@pytest.fixture(params=URLS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """A URL to serve at, and the TLS of the server and of the client there."""
    url = request.param.format(folder=tmp_path)
    if url.startswith(SECURE):
        yield (
            url,
            {"tls": request.getfixturevalue("server_tls")},
            {"tls": request.getfixturevalue("client_tls")},
        )
    else:
        yield url, {}, {}


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
        other = "unframed" if transport == "framed" else "framed"
        with (
            fastthrift.connect(module.Echo, server.url, timeout=20.0, transport=other, protocol=protocol) as client,
            pytest.raises((fastthrift.TTransportException, fastthrift.TApplicationException)),
        ):
            client.echo("a")
        with fastthrift.connect(module.Echo, server.url, timeout=20.0, **options) as client:
            assert client.echo("still there") == "still there"


def test_clients_of_all_transports_share_a_server_of_all_urls(
    server_tls: fastthrift.ServerTLS, client_tls: fastthrift.ClientTLS, tmp_path: Path
) -> None:
    handler = Handler()
    urls = [url.format(folder=tmp_path) for url in URLS]
    with fastthrift.Server(handler, urls, tls=server_tls) as server:
        assert len(server.urls) == len(urls)
        assert server.url == server.urls[0]
        clients = [
            fastthrift.connect(
                module.Echo,
                url,
                timeout=20.0,
                transport=transport,
                tls=client_tls if url.startswith(SECURE) else None,
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
