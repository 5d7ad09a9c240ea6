"""The URLs that say where a service is reached."""

from __future__ import annotations

from typing import Any

import fastthrift
import pytest

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
