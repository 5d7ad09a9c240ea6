"""Clients and servers that know each other by Kerberos, in a realm of their own with a real KDC."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import fastthrift
import pytest
from fastthrift import ClientTLS, ConnectError, ServerTLS, TransportTimeout, aio, sasl

from tests.python import kdc
from tests.python.certificates import Authority
from tests.python.modes import Mode, with_options

gssapi: Any = pytest.importorskip("gssapi", reason="no package gssapi, or no Kerberos library", exc_type=ImportError)
pytestmark = pytest.mark.skipif(bool(kdc.missing()), reason=f"no KDC can be started without {kdc.missing()}")

module = fastthrift.loads("service Echo { string echo(1: string text) string whoami() }", name="kerberos_echo.thrift")
ADA = f"ada@{kdc.REALM}"
HIVE = "hive/localhost"


class Handler(module.Echo):  # type: ignore[misc, name-defined]
    def echo(self, text: str) -> str:
        return text

    def whoami(self) -> str:
        call = fastthrift.current_call()
        return (call and call.user) or "nobody"


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[kdc.Realm]:
    realm = kdc.Realm(tmp_path_factory.mktemp("realm"), ["ada", "bob"], [HIVE, "other/localhost"])
    yield realm
    realm.stop()


@pytest.fixture
def realm(founded: kdc.Realm, monkeypatch: pytest.MonkeyPatch) -> kdc.Realm:
    """The realm, in which this process lives as Ada."""
    for name, value in {**founded.environment, "KRB5CCNAME": founded.cache("ada")}.items():
        monkeypatch.setenv(name, value)
    return founded


def server(realm: kdc.Realm, url: str = "tcp://localhost:0", **options: Any) -> fastthrift.Server:
    tls = options.pop("tls", None)
    judge = options.pop("judge", None) or sasl.GSSAPIServer("hive", keytab=realm.keytab(HIVE), **options)
    return fastthrift.Server(Handler(), url, sasl={"GSSAPI": judge}, tls=tls)


Connect = Callable[..., Any]


@pytest.fixture
def connect(mode: Mode) -> Connect:
    def connect(url: str, mechanism: Any | None = None, **options: Any) -> Any:
        mechanism = mechanism or sasl.GSSAPI("hive", "localhost")
        return mode.connect(module.Echo, url, sasl=mechanism, timeout=30.0, **options)

    return connect


def test_a_client_with_a_ticket_is_let_in_and_the_handler_knows_it(
    realm: kdc.Realm, protocol: Any, connect: Connect
) -> None:
    with server(realm) as running, connect(running.url, sasl.GSSAPI("hive"), protocol=protocol) as client:
        assert client.whoami() == ADA
        for text in ("a", "b" * 200_000):
            assert client.echo(text) == text


def test_a_server_on_an_event_loop_lets_in_who_has_a_ticket_and_nobody_else(realm: kdc.Realm) -> None:
    def blocking(url: str) -> str:
        with fastthrift.connect(module.Echo, url, sasl=sasl.GSSAPI("hive", "localhost"), timeout=30.0) as client:
            return str(client.whoami())

    async def main() -> None:
        judge = sasl.GSSAPIServer("hive", keytab=realm.keytab(HIVE))
        async with aio.Server(Handler(), "tcp://localhost:0", sasl={"GSSAPI": judge}) as running:
            mechanism = sasl.GSSAPI("hive", "localhost")
            async with aio.connect(module.Echo, running.url, sasl=mechanism, timeout=30.0) as client:
                assert await asyncio.gather(*(client.whoami() for _ in range(20))) == [ADA] * 20
                assert await client.echo("b" * 200_000) == "b" * 200_000
            assert await asyncio.to_thread(blocking, running.url) == ADA
            with pytest.raises(fastthrift.TTransportException):
                await aio.connect(module.Echo, running.url, sasl=sasl.Plain("ada", "x"), timeout=30.0)
            with pytest.raises(fastthrift.TApplicationException, match="expected a SASL handshake"):
                async with aio.connect(module.Echo, running.url, timeout=30.0) as client:
                    await client.whoami()

    asyncio.run(main())


def test_kerberos_goes_within_tls(realm: kdc.Realm, tmp_path: Path, connect: Connect) -> None:
    authority = Authority(tmp_path)
    with (
        server(realm, "tls://localhost:0", tls=ServerTLS(*authority.issue("server"))) as running,
        connect(running.url, tls=ClientTLS(ca_file=authority.file)) as client,
    ):
        assert client.whoami() == ADA


def test_connections_are_made_at_the_same_time(realm: kdc.Realm, connect: Connect) -> None:
    with server(realm) as running, connect(running.url, pool=fastthrift.Pool(4)) as client:
        heard: list[str] = []
        together = threading.Barrier(4)

        def call() -> None:
            together.wait(30)
            heard.extend(client.whoami() for _ in range(20))

        threads = [threading.Thread(target=call) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert heard == [ADA] * 80


@pytest.mark.parametrize("host", ["localhost", None])
def test_the_key_is_found_with_a_host_and_without(realm: kdc.Realm, host: str | None, connect: Connect) -> None:
    with server(realm, host=host) as running, connect(running.url) as client:
        assert client.whoami() == ADA


def test_the_keytab_of_the_process_will_do(realm: kdc.Realm, monkeypatch: pytest.MonkeyPatch, connect: Connect) -> None:
    monkeypatch.setenv("KRB5_KTNAME", str(realm.keytab(HIVE)))
    with server(realm, judge=sasl.GSSAPIServer()) as running, connect(running.url) as client:
        assert client.whoami() == ADA


def test_a_client_acts_for_another_where_it_may(realm: kdc.Realm, connect: Connect) -> None:
    asked: list[tuple[str, str]] = []

    def authorize(principal: str, authorization: str) -> bool:
        asked.append((principal, authorization))
        return authorization == "bob"

    with server(realm, authorize=authorize) as running:
        with connect(running.url, sasl.GSSAPI("hive", "localhost", authorization="bob")) as client:
            assert client.whoami() == "bob"
        with pytest.raises(ConnectError, match=f"{ADA} may not act for eve"):
            connect(running.url, sasl.GSSAPI("hive", "localhost", authorization="eve"))
    assert asked == [(ADA, "bob"), (ADA, "eve")]


def test_by_default_a_client_acts_for_itself_alone(realm: kdc.Realm, connect: Connect) -> None:
    with server(realm) as running:
        with connect(running.url, sasl.GSSAPI("hive", "localhost", authorization=ADA)) as client:
            assert client.whoami() == ADA
        with pytest.raises(ConnectError, match=f"{ADA} may not act for bob"):
            connect(running.url, sasl.GSSAPI("hive", "localhost", authorization="bob"))


def test_a_principal_that_is_not_there_is_an_error_that_says_so(realm: kdc.Realm, connect: Connect) -> None:
    with server(realm) as running:
        with pytest.raises(ConnectError, match="not found in Kerberos database") as caught:
            connect(running.url, sasl.GSSAPI("impala", "localhost"))
        assert not caught.value.was_sent
        assert isinstance(caught.value.__cause__, gssapi.exceptions.GSSError)


def test_a_ticket_for_another_service_is_refused(
    realm: kdc.Realm, caplog: pytest.LogCaptureFixture, connect: Connect
) -> None:
    with server(realm) as running:
        with pytest.raises(ConnectError, match="ticket isn't for us") as caught:
            connect(running.url, sasl.GSSAPI("other", "localhost"))
        assert not caught.value.was_sent
        with connect(running.url) as client:
            assert client.whoami() == ADA
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "a client's Kerberos is refused" in caplog.text


def test_a_client_that_was_told_of_an_error_is_not_listened_to_again(realm: kdc.Realm, connect: Connect) -> None:
    class Stubborn(sasl.GSSAPI):
        def step(self, challenge: bytes, /) -> bytes:
            return b"anything"

    with server(realm) as running, pytest.raises(ConnectError, match="the credentials were refused"):
        connect(running.url, Stubborn("other", "localhost"))


def test_without_a_ticket_there_is_an_error_that_says_so(
    realm: kdc.Realm, monkeypatch: pytest.MonkeyPatch, connect: Connect
) -> None:
    monkeypatch.setenv("KRB5CCNAME", realm.environment["KRB5CCNAME"])
    with server(realm) as running:
        with pytest.raises(ConnectError, match=r"No credentials were supplied|No Kerberos credentials") as caught:
            connect(running.url, retry=fastthrift.Retry(attempts=3))
        assert not isinstance(caught.value, TransportTimeout)
        assert not caught.value.was_sent
        assert isinstance(caught.value.__cause__, gssapi.exceptions.GSSError)


def test_a_server_without_its_key_is_not_made(realm: kdc.Realm, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no key for any principal"):
        sasl.GSSAPIServer(keytab=tmp_path / "none.keytab")
    with pytest.raises(ValueError, match="has no key for impala"):
        sasl.GSSAPIServer("impala", "localhost", keytab=realm.keytab(HIVE))
    with pytest.raises(ValueError, match="a host needs the service"):
        sasl.GSSAPIServer(host="localhost")


class Crooked(sasl.GSSAPI):
    """Says something wrong, of one's choice, once its context is complete."""

    def __init__(self, early: bytes = b"", choice: bytes = b"\1\0\0\0", *, is_sealed: bool = True) -> None:
        super().__init__("hive", "localhost")
        self.early = early
        self.choice = choice
        self.is_sealed = is_sealed

    def step(self, challenge: bytes, /) -> bytes:
        if not self._context.complete:
            return super().step(challenge) + self.early
        offer = self._context.unwrap(challenge).message
        assert offer == b"\1\0\0\0"
        return bytes(self._context.wrap(self.choice, False).message) if self.is_sealed else self.choice


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"choice": b"\2\0\xff\xff"}, "the quality of protection has to be 'auth'"),
        ({"choice": b"\4\0\xff\xff"}, "the quality of protection has to be 'auth'"),
        ({"choice": b"\0\0\0\0"}, "the quality of protection has to be 'auth'"),
        ({"choice": b"\1\0"}, "the quality of protection has to be 'auth'"),
        ({"choice": b"\1\0\0\0\xff"}, "no UTF-8"),
        ({"is_sealed": False}, "the credentials were refused"),
        ({"early": b"more"}, "none of GSSAPI's"),
    ],
)
def test_a_client_that_breaks_off_the_rules_is_refused(
    realm: kdc.Realm, wrong: dict[str, Any], told: str, connect: Connect
) -> None:
    with server(realm) as running:
        with pytest.raises(ConnectError, match=told):
            connect(running.url, Crooked(**wrong))
        with connect(running.url) as client:
            assert client.whoami() == ADA


class Garbage:
    name = "GSSAPI"

    def start(self) -> bytes:
        return b"\x60\x82\xff\xff" + bytes(range(256)) * 16

    def step(self, challenge: bytes) -> bytes:
        raise AssertionError(challenge)


def test_garbage_is_refused(realm: kdc.Realm, caplog: pytest.LogCaptureFixture, connect: Connect) -> None:
    caplog.set_level(logging.WARNING, "fastthrift.server")
    with server(realm) as running:
        with pytest.raises(ConnectError, match="refused"):
            connect(running.url, Garbage())
        with connect(running.url) as client:
            assert client.whoami() == ADA
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_connection_that_is_lost_is_made_again_with_a_ticket(
    realm: kdc.Realm, tmp_path: Path, connect: Connect
) -> None:
    with (
        server(realm, f"unix://{tmp_path}/server.sock") as running,
        connect(running.url, retry=fastthrift.Retry(attempts=3)) as client,
    ):
        assert client.whoami() == ADA
        running.stop()
        running.start()
        assert with_options(client, idempotent=True).whoami() == ADA


@pytest.mark.skipif(find_spec("kerberos") is None, reason="the package kerberos is not there, which impyla needs")
def test_impyla_reads_a_table_by_kerberos(realm: kdc.Realm) -> None:
    from tests.python.impyla import read_table, warehouse

    judge = sasl.GSSAPIServer("hive", keytab=realm.keytab(HIVE))
    with warehouse({"GSSAPI": judge}) as (running, users):
        read_table(running.url, auth_mechanism="GSSAPI", kerberos_service_name="hive")
    assert users == {ADA}
