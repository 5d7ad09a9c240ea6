"""The Header transport against Apache's Python library: the same bytes, and conversations over sockets both ways."""

from __future__ import annotations

import contextlib
import socket
import threading
import zlib
from collections.abc import Iterator
from typing import Any

import fastthrift
import pytest
from fastthrift import TApplicationException, _core
from thrift.protocol.THeaderProtocol import THeaderProtocol
from thrift.Thrift import TApplicationException as ApacheException
from thrift.Thrift import TMessageType, TType
from thrift.transport.THeaderTransport import THeaderClientType, THeaderSubprotocolID, THeaderTransformID
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TMemoryBuffer

Text = fastthrift.loads("struct Text { 1: string text }").Text
SUBPROTOCOLS = {"binary": THeaderSubprotocolID.BINARY, "compact": THeaderSubprotocolID.COMPACT}
HEADERS = {"trace": "00-4bf9", "empty": "", "name in ü": "价值"}
PATIENCE = 20.0

pytestmark = [
    pytest.mark.parametrize("protocol", SUBPROTOCOLS),
    pytest.mark.parametrize("transforms", [[], ["zlib"], ["zlib", "zlib"]], ids=["plain", "zlib", "zlib twice"]),
]


class Apache:
    """Apache's protocol over one of its transports, for messages whose struct has one text."""

    def __init__(self, transport: Any, protocol: str, transforms: list[str]) -> None:
        self.protocol = THeaderProtocol(transport, (THeaderClientType.HEADERS,), SUBPROTOCOLS[protocol])
        for _ in transforms:
            self.protocol.add_transform(THeaderTransformID.ZLIB)

    def send(self, name: str, kind: int, number: int, text: str, headers: dict[str, str]) -> None:
        protocol = self.protocol
        for key, value in headers.items():
            protocol.set_header(key.encode(), value.encode())
        protocol.writeMessageBegin(name, kind, number)
        protocol.writeStructBegin("Text")
        protocol.writeFieldBegin("text", TType.STRING, 1)
        protocol.writeString(text)
        protocol.writeFieldEnd()
        protocol.writeFieldStop()
        protocol.writeStructEnd()
        protocol.writeMessageEnd()
        protocol.trans.flush()

    def receive(self) -> tuple[str, int, int, str, dict[str, str]]:
        """Return a message's name, type, sequence id, text and headers; raise what is an exception."""
        protocol = self.protocol
        name, kind, number = protocol.readMessageBegin()
        if kind == TMessageType.EXCEPTION:
            error = ApacheException()
            error.read(protocol)
            raise error
        text = ""
        protocol.readStructBegin()
        while (field := protocol.readFieldBegin())[1] != TType.STOP:
            assert field[1:] == (TType.STRING, 1)
            text = protocol.readString()
            protocol.readFieldEnd()
        protocol.readStructEnd()
        protocol.readMessageEnd()
        assert protocol.trans.sequence_id == number, "a frame has the sequence id of its message"
        headers = {key.decode(): value.decode() for key, value in protocol.get_headers().items()}
        return name, kind, number, text, headers


def body(text: str, protocol: str) -> bytes:
    return fastthrift.serialize(Text(text), protocol)


def written_by_apache(protocol: str, transforms: list[str], *message: Any) -> bytes:
    memory = TMemoryBuffer()
    Apache(memory, protocol, transforms).send(*message)
    return bytes(memory.getvalue())


def unpacked(frame: bytes, transforms: list[str]) -> tuple[bytes, bytes]:
    """Return what of a frame is not compressed, its length aside, and what is, restored."""
    payload = 14 + 4 * int.from_bytes(frame[12:14], "big")
    content = frame[payload:]
    assert len(frame) == 4 + int.from_bytes(frame[:4], "big")
    for _ in transforms:
        content = zlib.decompress(content)
    return frame[4:payload], content


@pytest.mark.parametrize("headers", [{}, {"k": "v"}, {"ab": "c", "d": "efg"}, HEADERS], ids=len)
def test_calls_are_the_bytes_that_apache_writes(protocol: str, transforms: list[str], headers: dict[str, str]) -> None:
    client = _core.ClientConnection(protocol, "header", transforms=transforms, first_sequence_id=77)
    client.call("echo", body("hello" * 50, protocol), headers=headers)
    theirs = written_by_apache(protocol, transforms, "echo", TMessageType.CALL, 77, "hello" * 50, headers)
    ours = client.take_outbound()
    assert unpacked(ours, transforms) == unpacked(theirs, transforms)
    assert ours == theirs or transforms


def test_replies_are_the_bytes_that_apache_writes(protocol: str, transforms: list[str]) -> None:
    server = _core.ServerConnection()
    server.receive(written_by_apache(protocol, transforms, "echo", TMessageType.CALL, -5, "hello", HEADERS))
    request = server.poll_event()
    assert request is not None
    assert request[1:] == (None, b"echo", body("hello", protocol), False)
    assert server.request_headers() == HEADERS
    server.reply(request[0], body("hello" * 50, protocol), headers={"k": "v"})
    theirs = written_by_apache(protocol, transforms, "echo", TMessageType.REPLY, -5, "hello" * 50, {"k": "v"})
    assert unpacked(server.take_outbound(), transforms) == unpacked(theirs, transforms)


@contextlib.contextmanager
def running(target: Any) -> Iterator[socket.socket]:
    """Run a server on one end of a socket in a thread, and give the other end."""
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=target, args=(theirs,))
    with ours, theirs:
        for end in (ours, theirs):
            end.settimeout(PATIENCE)
        thread.start()
        try:
            yield ours
        finally:
            ours.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE)
            assert not thread.is_alive()


def apache_over(end: socket.socket, protocol: str, transforms: list[str]) -> Apache:
    transport = TSocket()
    transport.setHandle(end)
    return Apache(transport, protocol, transforms)


def test_our_client_calls_apaches_server(protocol: str, transforms: list[str]) -> None:
    def serve(end: socket.socket) -> None:
        apache = apache_over(end, protocol, transforms)
        for _ in range(3):
            name, kind, number, text, headers = apache.receive()
            if kind == TMessageType.CALL:
                apache.send(name, TMessageType.REPLY, number, text.upper(), {**headers, "served-by": "apache"})

    with running(serve) as end:
        client = _core.ClientConnection(protocol, "header", transforms=transforms)
        client.call("log", body("oneway", protocol), oneway=True)
        for text, headers in (("hello", HEADERS), ("x" * 100_000, {})):
            call = client.call("echo", body(text, protocol), headers=headers)
            end.sendall(client.take_outbound())
            while (event := client.poll_event(0.0)) is None:
                client.receive(end.recv(1000))
            assert event == (call, body(text.upper(), protocol))
            assert client.reply_headers() == {**headers, "served-by": "apache"}


def serve_echoes(end: socket.socket) -> None:
    """Serve what comes with our connection: echoes, and an exception for anything else."""
    server = _core.ServerConnection()
    with contextlib.suppress(fastthrift.TTransportException):
        while not server.is_finished():
            while request := server.poll_event():
                identity, _, function, arguments, is_oneway = request
                if is_oneway:
                    server.finish_oneway(identity)
                elif function == b"echo":
                    server.reply(identity, arguments, headers={**server.request_headers(), "served-by": "us"})
                else:
                    server.reply_exception(identity, TApplicationException.UNKNOWN_METHOD, "no such function")
            end.sendall(server.take_outbound())
            if received := end.recv(1000):
                server.receive(received)
            else:
                server.receive_eof()
    with contextlib.suppress(OSError):
        end.sendall(server.take_outbound())


def test_apaches_client_calls_our_server(protocol: str, transforms: list[str]) -> None:
    with running(serve_echoes) as end:
        apache = apache_over(end, protocol, transforms)
        apache.send("log", TMessageType.ONEWAY, 1, "oneway", {})
        for number, (text, headers) in enumerate([("hello", HEADERS), ("x" * 100_000, {}), ("", {})], -1):
            apache.send("echo", TMessageType.CALL, number, text, headers)
            reply = ("echo", TMessageType.REPLY, number, text, {**headers, "served-by": "us"})
            assert apache.receive() == reply
        apache.send("nothing", TMessageType.CALL, 5, "", {})
        with pytest.raises(ApacheException, match="no such function"):
            apache.receive()


def test_apache_is_told_of_a_transform_that_is_unknown(protocol: str, transforms: list[str]) -> None:
    call = bytearray(written_by_apache(protocol, ["zlib", *transforms], "echo", TMessageType.CALL, 9, "hello", {}))
    call[16] = 4
    with running(serve_echoes) as end:
        apache = apache_over(end, protocol, transforms)
        end.sendall(call)
        with pytest.raises(ApacheException, match="the transform with the number 4 is not known") as caught:
            apache.receive()
        assert caught.value.type == ApacheException.INVALID_TRANSFORM
        assert apache.protocol.trans.sequence_id == 9
