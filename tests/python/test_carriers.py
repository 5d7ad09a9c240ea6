"""Messages in compressed streams, over HTTP and behind SASL, with Apache's library at the other end."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any

import pytest
from fastthrift import TTransportException, _core
from thrift.protocol.TBinaryProtocol import TBinaryProtocol, TBinaryProtocolFactory
from thrift.server.THttpServer import THttpServer
from thrift.Thrift import TMessageType, TType
from thrift.transport.THttpClient import THttpClient
from thrift.transport.TTransport import TMemoryBuffer, TSaslClientTransport
from thrift.transport.TTransport import TTransportException as ApacheTransportException
from thrift.transport.TZlibTransport import TZlibTransport

PATIENCE = 20.0


def text_struct(text: str) -> bytes:
    """A struct whose only field, number 1, is this text."""
    data = text.encode()
    return b"\x0b\x00\x01" + len(data).to_bytes(4, "big") + data + b"\x00"


def write(protocol: TBinaryProtocol, kind: int, name: str, sequence_id: int, text: str) -> None:
    protocol.writeMessageBegin(name, kind, sequence_id)
    protocol.writeStructBegin("args")
    protocol.writeFieldBegin("text", TType.STRING, 1)
    protocol.writeString(text)
    protocol.writeFieldEnd()
    protocol.writeFieldStop()
    protocol.writeStructEnd()
    protocol.writeMessageEnd()
    protocol.trans.flush()


def read(protocol: TBinaryProtocol) -> tuple[str, int, int, str]:
    name, kind, sequence_id = protocol.readMessageBegin()
    protocol.readStructBegin()
    _, field_type, field = protocol.readFieldBegin()
    assert (field_type, field) == (TType.STRING, 1)
    text = protocol.readString()
    protocol.readFieldEnd()
    assert protocol.readFieldBegin()[1] == TType.STOP
    protocol.readStructEnd()
    protocol.readMessageEnd()
    return name, kind, sequence_id, text


class Wire(TMemoryBuffer):
    """What Apache's transport writes, and what it is given to read."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.unread = b""

    def write(self, buf: bytes) -> None:
        self.sent += buf

    def read(self, sz: int) -> bytes:
        data, self.unread = self.unread[:sz], self.unread[sz:]
        return data

    def take(self) -> bytes:
        data, self.sent = self.sent, b""
        return data


def echo(server: Any) -> int:
    """Serve all that came; how many requests that were."""
    count = 0
    while (request := server.poll_event()) is not None:
        number, _, _, body, is_oneway = request
        server.finish_oneway(number) if is_oneway else server.reply(number, body)
        count += 1
    return count


@pytest.mark.parametrize("level", [0, 1, 9])
def test_apache_calls_through_a_compressed_stream(level: int) -> None:
    wire, server = Wire(), _core.ServerConnection()
    protocol = TBinaryProtocol(TZlibTransport(wire, compresslevel=level))
    for sequence_id in range(1, 6):
        text = f"call {sequence_id} " + "x" * 50_000
        write(protocol, TMessageType.CALL, "echo", sequence_id, text)
        for byte_or_more in [wire.sent[:1], wire.sent[1:]]:
            server.receive(byte_or_more)
        wire.take()
        assert echo(server) == 1
        wire.unread = server.take_outbound()
        assert len(wire.unread) < 1000
        assert read(protocol) == ("echo", TMessageType.REPLY, sequence_id, text)


def test_calls_through_a_compressed_stream_reach_apache() -> None:
    wire, client = Wire(), _core.ClientConnection("binary", "zlib")
    protocol = TBinaryProtocol(TZlibTransport(wire))
    for turn in range(1, 6):
        call = client.call("echo", text_struct(f"round {turn}"))
        wire.unread += client.take_outbound()
        name, kind, sequence_id, text = read(protocol)
        assert (name, kind, text) == ("echo", TMessageType.CALL, f"round {turn}")
        write(protocol, TMessageType.REPLY, name, sequence_id, text)
        client.receive(wire.take())
        assert client.poll_event(0.0) == (call, text_struct(f"round {turn}"))


@contextmanager
def served_over_http(**options: Any) -> Iterator[int]:
    """A port at which calls are echoed over HTTP, by one thread."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                end, _ = listener.accept()
                with end:
                    end.settimeout(PATIENCE)
                    serve_one(end, _core.ServerConnection(carrier="http", **options))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(PATIENCE)


def serve_one(end: socket.socket, server: Any) -> None:
    while not server.is_finished():
        if data := end.recv(4096):
            server.receive(data)
        else:
            server.receive_eof()
        with suppress(TTransportException):
            echo(server)
        end.sendall(server.take_outbound())


def test_apache_calls_over_http() -> None:
    with served_over_http(path="/rpc") as port:
        transport = THttpClient(f"http://127.0.0.1:{port}/rpc?a=b")
        transport.setTimeout(PATIENCE * 1000)
        protocol = TBinaryProtocol(transport)
        for sequence_id in range(1, 4):
            write(protocol, TMessageType.CALL, "echo", sequence_id, "hello")
            assert (transport.code, transport.headers["Content-Type"]) == (200, "application/x-thrift")
            assert read(protocol) == ("echo", TMessageType.REPLY, sequence_id, "hello")
        write(protocol, TMessageType.ONEWAY, "log", 4, "hello")
        assert (transport.code, transport.headers["Content-Length"]) == (200, "0")
        transport.close()
        elsewhere = THttpClient(f"http://127.0.0.1:{port}/elsewhere")
        write(TBinaryProtocol(elsewhere), TMessageType.CALL, "echo", 1, "hello")
        assert elsewhere.code == 404
        elsewhere.close()


class Processor:
    """Echoes, and knows that a function is oneway, as what Apache generates does."""

    def on_message_begin(self, notify: Any) -> None:
        self.notify = notify

    def process(self, incoming: TBinaryProtocol, outgoing: TBinaryProtocol) -> None:
        name, kind, sequence_id, text = read(incoming)
        self.notify(name, kind, sequence_id)
        if kind == TMessageType.CALL:
            write(outgoing, TMessageType.REPLY, name, sequence_id, text)


@contextmanager
def apache_over_http() -> Iterator[int]:
    server = THttpServer(Processor(), ("127.0.0.1", 0), TBinaryProtocolFactory())
    server.httpd.RequestHandlerClass.log_message = lambda *_: None
    thread = threading.Thread(target=server.httpd.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.httpd.server_address[1]
    finally:
        server.httpd.shutdown()
        thread.join(PATIENCE)
        server.httpd.server_close()


@pytest.mark.parametrize("oneway", [False, True])
def test_calls_over_http_reach_apache(oneway: bool) -> None:
    with apache_over_http() as port:
        for turn in range(3):
            client = _core.ClientConnection("binary", "http", http=(f"127.0.0.1:{port}", "/rpc"))
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as end:
                call = client.call("echo", text_struct(f"round {turn}"), oneway=oneway)
                end.sendall(client.take_outbound())
                event = None
                while data := end.recv(7):
                    client.receive(data)
                    event = event or client.poll_event(0.0)
                client.receive_eof()
                if oneway:
                    assert event is None
                else:
                    assert event == (call, text_struct(f"round {turn}"))
                # It says HTTP 1.0, and closes.
                with pytest.raises(TTransportException, match=r"the peer closed the connection$"):
                    client.poll_event(0.0)


def test_what_apache_refuses_is_an_error_with_its_status() -> None:
    with apache_over_http() as port, socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as end:
        end.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b""
        while data := end.recv(4096):
            answer += data
    client = _core.ClientConnection("binary", "http")
    client.call("echo", text_struct("hello"))
    client.take_outbound()
    client.receive(answer)
    with pytest.raises(TTransportException, match="the peer answered with the HTTP status 501 Unsupported method"):
        client.poll_event(0.0)


class PlainClient:
    """The mechanism PLAIN, in the place of the library that Apache's transport expects."""

    mechanism = "PLAIN"

    def __init__(self, host: str, service: str, mechanism: str, *, username: str, password: str) -> None:
        assert mechanism == self.mechanism
        self.response = f"\0{username}\0{password}".encode()
        self.complete = False

    def process(self, challenge: bytes | None = None) -> bytes:
        self.complete = True
        return self.response

    def wrap(self, data: bytes) -> bytes:
        return data

    unwrap = wrap


class Linked(Wire):
    """A server that judges what it is told and echoes calls, in the place of a socket."""

    def __init__(self, server: Any) -> None:
        super().__init__()
        self.server = server

    def flush(self) -> None:
        self.server.receive(self.take())
        with suppress(TTransportException):
            echo(self.server)
            if (credentials := self.server.credentials()) is not None:
                if credentials == ("PLAIN", b"\0user\0secret"):
                    self.server.accept_peer("user", b"")
                else:
                    self.server.refuse_peer("there is no such user")
        self.unread += self.server.take_outbound()


@pytest.fixture
def plain_client(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("puresasl.client")
    module.SASLClient = PlainClient  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "puresasl", ModuleType("puresasl"))
    monkeypatch.setitem(sys.modules, "puresasl.client", module)


def apache_behind_sasl(server: Any, password: str) -> TSaslClientTransport:
    return TSaslClientTransport(Linked(server), "host", "service", "PLAIN", username="user", password=password)


@pytest.mark.usefixtures("plain_client")
def test_apache_says_who_it_is_and_calls() -> None:
    server = _core.ServerConnection(sasl=["PLAIN"])
    transport = apache_behind_sasl(server, "secret")
    transport.open()
    assert server.peer_identity() == "user"
    protocol = TBinaryProtocol(transport)
    for sequence_id in range(1, 4):
        write(protocol, TMessageType.CALL, "echo", sequence_id, "hello")
        assert read(protocol) == ("echo", TMessageType.REPLY, sequence_id, "hello")


@pytest.mark.usefixtures("plain_client")
def test_apache_is_told_that_it_is_refused() -> None:
    server = _core.ServerConnection(sasl=["PLAIN"])
    with pytest.raises(ApacheTransportException, match=r"Bad SASL negotiation status: 3 \(b'there is no such user'\)"):
        apache_behind_sasl(server, "guess").open()
    assert server.is_finished()


def test_a_mechanism_of_several_steps_is_led_from_python() -> None:
    client = _core.ClientConnection("binary", "framed", sasl=("GSSAPI", b"first"))
    server = _core.ServerConnection(sasl=["GSSAPI"])
    call = client.call("echo", text_struct("hello"))
    answers = []
    for step in range(3):
        server.receive(client.take_outbound())
        assert server.poll_event() is None
        answers.append(server.credentials())
        server.accept_peer("user", b"done") if step == 2 else server.challenge_peer(b"next")
        client.receive(server.take_outbound())
        assert client.poll_event(0.0) is None
        assert client.challenge() == (b"done" if step == 2 else b"next")
        client.respond(b"answer")
    assert answers == [("GSSAPI", b"first"), ("GSSAPI", b"answer"), ("GSSAPI", b"answer")]
    assert not client.is_handshaking()
    server.receive(client.take_outbound())
    assert echo(server) == 1
    client.receive(server.take_outbound())
    assert client.poll_event(0.0) == (call, text_struct("hello"))
    with pytest.raises(ValueError, match="there is no such mechanism"):
        _core.ClientConnection("binary", "framed", sasl=("gss", b""))
