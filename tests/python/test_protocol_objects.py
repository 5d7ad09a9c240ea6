"""Protocols with options: `Binary`, `Compact`, `Limits`."""

from __future__ import annotations

import contextlib
import copy
import pickle
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

import fastthrift
import pytest
from fastthrift import JSON, Binary, Compact, Limits, SimpleJSON

m = fastthrift.loads(
    """
    struct Item { 1: string name, 2: list<string> tags, 3: map<string, i32> counts, 4: binary data, 5: Item inner }
    service Shop { Item echo(1: Item item) }
    """,
    name="protocol_objects.thrift",
)
CLASSES = {"binary": Binary, "compact": Compact, "json": JSON, "simplejson": SimpleJSON}
ITEM = m.Item("é", ["a"], {"k": 1}, b"d", m.Item("inner"))
OBJECTS = [
    Binary(),
    Binary(strict=True),
    Binary(old=True),
    Binary(utf8="bytes"),
    Binary(limits=Limits(depth=3)),
    Binary(limits=Limits(depth=4)),
    Compact(),
    Compact(utf8="bytes", limits=Limits(string=5, memory=6)),
    JSON(),
    SimpleJSON(utf8="bytes"),
]
LIMITS = [Limits(), Limits(message=1), Limits(string=1), Limits(container=1), Limits(depth=1), Limits(memory=1)]


def not_utf8(protocol: str) -> bytes:
    """Return an item whose name, tag and key are not UTF-8, beside others that are."""
    text = fastthrift.serialize(m.Item("1234", ["5678", "ok"], {"9abc": 1, "fine": 2}), protocol)
    for digits in (b"1234", b"5678", b"9abc"):
        text = text.replace(digits, b"\xff" + digits[1:])
    return text


@contextlib.contextmanager
def shop(accepted: Any, spoken: Any = "binary", transport: Any = "framed") -> Iterator[Any]:
    """Open a client that speaks a protocol to a server that accepts one."""
    with (
        fastthrift.Server(Echo(), "tcp://127.0.0.1:0", protocol=accepted) as server,
        fastthrift.connect(m.Shop, server.url, protocol=spoken, transport=transport, timeout=10) as client,
    ):
        yield client


class Echo(m.Shop):  # type: ignore[name-defined, misc]
    def echo(self, item: Any) -> Any:
        return item


def test_a_protocol_without_options_is_the_one_of_its_name(protocol: str) -> None:
    data = fastthrift.serialize(ITEM, protocol)
    options = CLASSES[protocol]()
    assert options.name == protocol
    assert fastthrift.serialize(ITEM, options) == data
    assert fastthrift.deserialize(m.Item, data, options) == ITEM
    assert fastthrift.deserialize(cls=m.Item, data=data, protocol=options) == ITEM


@pytest.mark.parametrize("objects", [OBJECTS, LIMITS])
def test_objects_are_equal_when_their_options_are(objects: list[Any]) -> None:
    for place, left in enumerate(objects):
        for other_place, right in enumerate(objects):
            assert (left == right) is (place == other_place)
    assert len(set(objects)) == len(objects)
    assert Binary() != "binary"


@pytest.mark.parametrize("value", OBJECTS + LIMITS, ids=repr)
def test_objects_come_back_from_a_pickle_a_copy_and_their_repr(value: Any) -> None:
    names = {each.__name__: each for each in (Binary, Compact, JSON, SimpleJSON, Limits)}
    others = [copy.copy(value), copy.deepcopy(value), eval(repr(value), names)]
    others += [pickle.loads(pickle.dumps(value, number)) for number in range(2, pickle.HIGHEST_PROTOCOL + 1)]
    for other in others:
        assert other == value
        assert hash(other) == hash(value)
        assert type(other) is type(value)


def test_a_repr_shows_what_was_given() -> None:
    assert repr(Binary()) == "Binary()"
    assert repr(Compact(utf8="bytes")) == "Compact(utf8='bytes')"
    shown = "Binary(strict=True, old=True, limits=Limits(message=10, depth=3))"
    assert repr(Binary(strict=True, old=True, limits=Limits(depth=3, message=10))) == shown


@pytest.mark.parametrize("value", [Binary(), Limits()])
def test_objects_cannot_be_changed_or_extended(value: Any) -> None:
    for name in ("limits", "depth", "other"):
        with pytest.raises(AttributeError):
            setattr(value, name, 1)
    with pytest.raises(TypeError):
        type("Other", (type(value),), {})


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: Binary(True), TypeError),  # type: ignore[call-arg]
        (lambda: Binary(strict="yes"), TypeError),  # type: ignore[arg-type]
        (lambda: Binary(utf8="replace"), ValueError),  # type: ignore[arg-type]
        (lambda: Binary(utf8=None), TypeError),  # type: ignore[arg-type]
        (lambda: Binary(limits=5), TypeError),  # type: ignore[arg-type]
        (lambda: Compact(strict=True), TypeError),  # type: ignore[call-arg]
        (lambda: Limits(5), TypeError),  # type: ignore[call-arg]
        (lambda: Limits(depth="5"), TypeError),  # type: ignore[arg-type]
        (lambda: Limits(depth=0), ValueError),
        (lambda: Limits(depth=513), ValueError),
        (lambda: Limits(depth=2**40), ValueError),
        (lambda: Limits(message=-1), ValueError),
        (lambda: Limits(memory=2**64), ValueError),
        (lambda: Limits(container=1.5), TypeError),  # type: ignore[arg-type]
    ],
)
def test_options_that_cannot_be_are_refused(make: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        make()


@pytest.mark.parametrize("value", [5, None, b"binary", Binary, Limits(), object()])
def test_what_is_no_protocol_is_a_type_error(value: Any) -> None:
    for call in (
        lambda: fastthrift.serialize(ITEM, value),
        lambda: fastthrift.deserialize(m.Item, b"\0", value),
        lambda: fastthrift.iter_structs(m.Item, b"\0", value),
    ):
        with pytest.raises(TypeError):
            call()


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        (Limits(string=1), "size 2 is over the limit of 1 for a string"),
        (Limits(container=1), None),
        (Limits(depth=1), "nesting is deeper than the limit of 1"),
        (Limits(memory=50), "is over the limit of 50 for a decoded message"),
        (Limits(message=10), "size 11 is over the limit of 10 for a message (at byte 10)"),
    ],
    ids=repr,
)
def test_limits_bound_what_is_read(limits: Limits, text: str | None, protocol: str) -> None:
    data = fastthrift.serialize(ITEM, protocol)
    if text is None:
        assert fastthrift.deserialize(m.Item, data, CLASSES[protocol](limits=limits)) == ITEM
        data = fastthrift.serialize(m.Item(tags=["a", "b"]), protocol)
        text = "size 2 is over the limit of 1 for a container"
    with pytest.raises(fastthrift.DecodeError) as caught:
        fastthrift.deserialize(m.Item, data, CLASSES[protocol](limits=limits))
    assert text in str(caught.value)


def test_the_limit_of_a_message_is_for_the_struct_alone(protocol: str) -> None:
    data = fastthrift.serialize(ITEM, protocol)
    limited = CLASSES[protocol](limits=Limits(message=len(data)))
    for buffer in (data + bytes(1000), bytearray(data + bytes(1000))):
        assert fastthrift.deserialize(m.Item, buffer, limited) == ITEM
        assert list(fastthrift.iter_structs(m.Item, data * 3, limited)) == [ITEM] * 3


def test_the_limit_of_depth_bounds_what_is_written_too(protocol: str) -> None:
    options = CLASSES[protocol]
    assert fastthrift.serialize(ITEM, options(limits=Limits(depth=2)))
    with pytest.raises(fastthrift.EncodeError, match="nesting is deeper than the limit of 1"):
        fastthrift.serialize(ITEM, options(limits=Limits(depth=1)))
    deep = m.Item()
    for _ in range(300):
        deep = m.Item(inner=deep)
    deeper = options(limits=Limits(depth=512))
    data = fastthrift.serialize(deep, deeper)
    # Not compared as values: how deep those may be is bounded by the stack, of which some builds take much for each.
    assert fastthrift.serialize(fastthrift.deserialize(m.Item, data, deeper), deeper) == data


def test_text_that_is_not_utf8_comes_as_bytes_where_that_is_asked_for(protocol: str) -> None:
    data = not_utf8(protocol)
    with pytest.raises(fastthrift.DecodeError, match="not valid UTF-8"):
        fastthrift.deserialize(m.Item, data, protocol)
    lenient = CLASSES[protocol](utf8="bytes")
    read = fastthrift.deserialize(m.Item, data, lenient)
    assert read == m.Item(b"\xff234", [b"\xff678", "ok"], {b"\xffabc": 1, "fine": 2})
    if "json" in protocol:
        with pytest.raises(fastthrift.EncodeError, match="not valid UTF-8, which"):
            fastthrift.serialize(read, lenient)
    else:
        assert fastthrift.serialize(read, lenient) == data
    assert fastthrift.deserialize(m.Item, fastthrift.serialize(ITEM, lenient), lenient) == ITEM


def test_bytes_read_as_a_key_are_not_taken_for_one_that_is_text(protocol: str) -> None:
    data = not_utf8(protocol)
    lenient = CLASSES[protocol](utf8="bytes")
    for _ in range(3):
        fastthrift.deserialize(m.Item, data, lenient)
        with pytest.raises(fastthrift.DecodeError, match="not valid UTF-8"):
            fastthrift.deserialize(m.Item, data, protocol, fields=["counts"])


@pytest.mark.parametrize("value", [b"name", bytearray(b"name"), memoryview(b"name")])
def test_bytes_are_written_as_text_only_where_that_is_asked_for(value: Any, protocol: str) -> None:
    expected = fastthrift.serialize(m.Item("name"), protocol)
    assert fastthrift.serialize(m.Item(value), CLASSES[protocol](utf8="bytes")) == expected
    with pytest.raises(fastthrift.EncodeError, match=r"Item\.name: expected str, got"):
        fastthrift.serialize(m.Item(value), CLASSES[protocol]())
    with pytest.raises(fastthrift.EncodeError, match=r"Item\.name: expected str, got int"):
        fastthrift.serialize(m.Item(5), CLASSES[protocol](utf8="bytes"))


@pytest.mark.parametrize("options", [Binary(), Compact(), JSON(), SimpleJSON(), Binary(old=True)], ids=repr)
@pytest.mark.parametrize("accepted", [None, "binary", Binary(utf8="bytes"), Compact(), "json", SimpleJSON()], ids=repr)
def test_a_call_goes_through_where_the_protocols_agree(options: Any, accepted: Any, transport: Any) -> None:
    with shop(accepted, options, transport) as client:
        if accepted is None or options.name == getattr(accepted, "name", accepted):
            assert client.echo(ITEM) == ITEM
        else:
            with pytest.raises(fastthrift.TTransportException):
                client.echo(ITEM)


def test_a_strict_server_refuses_messages_without_a_version(transport: Any) -> None:
    with shop(Binary(strict=True), "binary", transport) as client:
        assert client.echo(ITEM) == ITEM
    with (
        shop(Binary(strict=True), Binary(old=True), transport) as client,
        pytest.raises(fastthrift.TTransportException),
    ):
        client.echo(ITEM)


def reply_to_one_call(listener: socket.socket, message: bytes, requests: list[bytes]) -> None:
    connection, _ = listener.accept()
    with connection:
        requests.append(connection.recv(1000))
        connection.sendall(struct.pack("!i", len(message)) + message)
        connection.recv(1000)


def test_json_with_field_names_has_options() -> None:
    options = SimpleJSON(utf8="bytes", limits=Limits(depth=2))
    data = fastthrift.serialize(ITEM, options)
    assert fastthrift.deserialize(m.Item, data, options, fields=["inner.name"]) == m.Item(inner=m.Item("inner"))
    with pytest.raises(fastthrift.DecodeError, match="limit of 1"):
        fastthrift.deserialize(m.Item, data, SimpleJSON(limits=Limits(depth=1)))
    with shop(options, options) as client:
        assert client.echo(m.Item("é")) == m.Item("é")
        with pytest.raises(fastthrift.EncodeError, match="deeper than the limit of 2"):
            client.echo(m.Item(inner=m.Item("inner")))


def test_an_unknown_protocol_is_refused_with_all_names() -> None:
    text = 'unknown protocol "xml", expected one of binary, compact, json, simplejson'
    spoken: Any = "xml"
    for call in (
        lambda: fastthrift.serialize(ITEM, spoken),
        lambda: fastthrift.connect(m.Shop, "tcp://127.0.0.1:1", protocol=spoken),
        lambda: fastthrift.Server(Echo(), "tcp://127.0.0.1:0", protocol=spoken),
    ):
        with pytest.raises(ValueError, match=text):
            call()


@pytest.mark.parametrize("strict", [False, True])
def test_an_old_client_writes_no_version_and_a_strict_one_wants_one(strict: bool) -> None:
    result = b"\x0c\0\0" + fastthrift.serialize(ITEM) + b"\0"
    reply = struct.pack("!i", 4) + b"echo" + b"\x02" + struct.pack("!i", 1) + result
    requests: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=reply_to_one_call, args=(listener, reply, requests))
        thread.start()
        url = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        with fastthrift.connect(m.Shop, url, protocol=Binary(old=True, strict=strict), timeout=10) as client:
            if strict:
                with pytest.raises(fastthrift.TTransportException, match="no message starts with"):
                    client.echo(ITEM)
            else:
                assert client.echo(ITEM) == ITEM
        thread.join()
    assert requests[0][4:].startswith(b"\0\0\0\x04echo\x01\0\0\0\x01")


def test_the_limits_of_a_protocol_bound_a_clients_replies() -> None:
    limited = Binary(limits=Limits(container=1))
    text = "over the limit of 1 for a container"
    with shop(None, limited) as client, pytest.raises(fastthrift.DecodeError, match=text):
        client.echo(m.Item(tags=["a", "b"]))


def test_the_limits_of_a_protocol_bound_a_servers_requests() -> None:
    with shop(Binary(limits=Limits(container=1, depth=3))) as client:
        assert client.echo(m.Item(tags=["a"])) == m.Item(tags=["a"])
        with pytest.raises(fastthrift.TException, match="limit of 1 for a container"):
            client.echo(m.Item(tags=["a", "b"]))


def test_a_server_bounds_texts_in_each_protocol(protocol: str) -> None:
    options: Any = {"protocol": protocol, "timeout": 10}
    with (
        fastthrift.Server(Echo(), "tcp://127.0.0.1:0", max_string_size=5) as server,
        fastthrift.connect(m.Shop, server.url, **options) as client,
    ):
        assert client.echo(m.Item(tags=["12345"])) == m.Item(tags=["12345"])
        with pytest.raises(fastthrift.TException, match="limit of 5 for a string"):
            client.echo(m.Item(tags=["123456"]))


@pytest.mark.parametrize(
    ("bound", "argument"),
    [
        ("message", "max_message_size"),
        ("string", "max_string_size"),
        ("container", "max_container_size"),
        ("depth", "max_depth"),
        ("memory", "max_decoded_size"),
    ],
)
def test_a_server_is_told_of_a_bound_once(bound: str, argument: str) -> None:
    protocol = Compact(limits=Limits(**{bound: 100}))
    with pytest.raises(ValueError, match=f"{argument} and the protocol's limits .{bound}. bound the same"):
        fastthrift.Server(Echo(), "tcp://127.0.0.1:0", protocol=protocol, **{argument: 100})  # type: ignore[arg-type]
    fastthrift.Server(Echo(), "tcp://127.0.0.1:0", protocol=Compact(), **{argument: 100})  # type: ignore[arg-type]


def test_a_server_and_a_client_may_pass_text_on_as_bytes() -> None:
    lenient = Compact(utf8="bytes")
    with shop(lenient, lenient) as client:
        assert client.echo(m.Item(b"\xff")) == m.Item(b"\xff")
    with shop(lenient, Compact()) as client:
        with pytest.raises(fastthrift.EncodeError):
            client.echo(m.Item(b"\xff"))
        assert client.echo(ITEM) == ITEM
