"""JSON with field names: `to_json`, `from_json`, and the protocol as Apache's library writes it."""

from __future__ import annotations

import json
import math
import socket
import threading
import uuid
from collections.abc import Callable
from struct import pack
from typing import Any

import fastthrift
import pytest
from hypothesis import given
from hypothesis import strategies as st
from thrift.protocol.TJSONProtocol import TSimpleJSONProtocol
from thrift.Thrift import TMessageType, TType
from thrift.transport.TTransport import TMemoryBuffer

from tests.python.apache import Type, same
from tests.python.test_properties import Schema, instances, schemas

IDL = """
enum Color { RED = 1, GREEN = 2 }
struct Person { 1: required i32 id; 2: optional string from; 3: Color color = Color.RED }
union Contact { 1: Person person; 2: string mail }
exception Refused { 1: string why; 2: bool final }
struct Book {
  1: list<Person> people; 2: map<Person, i32> ages; 3: set<string> tags; 4: map<i32, bool> flags; 5: binary blob;
  6: uuid key; 7: Contact contact; 8: double score; 9: Book next; 10: map<Color, list<Color>> colors
}
"""
MODULE: Any = fastthrift.loads(IDL, name="json.thrift")
BOOK = MODULE.Book(
    people=[MODULE.Person(1, "ann"), MODULE.Person(2, color=MODULE.Color(7))],
    ages={MODULE.Person(3): 40},
    tags={"é😀\n"},
    flags={1: True},
    blob=b"\x00\xff",
    key=uuid.UUID(int=5),
    contact=MODULE.Contact(mail="a@b"),
    score=1e22,
    colors={MODULE.Color.GREEN: [MODULE.Color.RED]},
)
TEXT = (
    '{"people":[{"id":1,"from":"ann","color":"RED"},{"id":2,"color":7}],"ages":[[{"id":3,"color":"RED"},40]],'
    '"tags":["é😀\\n"],"flags":{"1":true},"blob":"AP8=","key":"00000000-0000-0000-0000-000000000005",'
    '"contact":{"mail":"a@b"},"score":1e+22,"colors":{"GREEN":["RED"]}}'
)


def failure(text: str | bytes, cls: Any = MODULE.Book) -> fastthrift.DecodeError:
    """Return why a text is no such struct."""
    with pytest.raises(fastthrift.DecodeError) as raised:
        fastthrift.from_json(cls, text)
    return raised.value


def test_a_struct_is_written_with_names_and_read_back() -> None:
    assert fastthrift.to_json(BOOK) == TEXT
    assert same(fastthrift.from_json(MODULE.Book, TEXT), BOOK)


def test_indented_text_is_what_the_json_module_writes() -> None:
    for indent in (0, 1, 2, 8):
        indented = fastthrift.to_json(BOOK, indent=indent)
        assert indented == json.dumps(json.loads(TEXT), indent=indent, ensure_ascii=False)
        assert same(fastthrift.from_json(MODULE.Book, indented), BOOK)


def test_enums_are_names_or_numbers() -> None:
    person = MODULE.Person(1, color=MODULE.Color.GREEN)
    assert fastthrift.to_json(person, enums="number") == '{"id":1,"color":2}'
    for value in ("2", '"GREEN"', '"2"'):
        assert fastthrift.from_json(MODULE.Person, f'{{"id":1,"color":{value}}}') == person


@pytest.mark.parametrize(
    "make", [str, str.encode, lambda text: bytearray(text.encode()), lambda text: memoryview(text.encode())]
)
def test_text_is_a_str_or_any_buffer(make: Any) -> None:
    assert same(fastthrift.from_json(MODULE.Book, make(TEXT)), BOOK)


def test_unions_exceptions_and_subclasses_are_taken() -> None:
    class Friend(MODULE.Person):  # type: ignore[misc]
        """A subclass."""

    friend = fastthrift.from_json(Friend, '{"from":null,"id":5,"unknown":[{}]}')
    assert (type(friend), friend.id, fastthrift.to_json(friend)) == (Friend, 5, '{"id":5,"color":"RED"}')
    refused = fastthrift.from_json(MODULE.Refused, '{"why":"no","final":1}')
    assert (refused.why, refused.final) == ("no", True)
    assert fastthrift.to_json(refused) == '{"why":"no","final":true}'
    assert fastthrift.to_json(fastthrift.from_json(MODULE.Contact, '{"mail":"x"}')) == '{"mail":"x"}'


def test_what_json_has_no_numbers_for_is_text() -> None:
    for value, text in [(math.inf, "Infinity"), (-math.inf, "-Infinity")]:
        assert fastthrift.to_json(MODULE.Book(score=value)) == f'{{"score":"{text}"}}'
        assert fastthrift.from_json(MODULE.Book, f'{{"score":"{text}"}}').score == value
    assert math.isnan(fastthrift.from_json(MODULE.Book, fastthrift.to_json(MODULE.Book(score=math.nan))).score)


@pytest.mark.parametrize(
    ("text", "message", "offset"),
    [
        ('{"people":[{"id":1},{"id":"x"}]}', "Book.people[1].id: expected an integer", 27),
        ('{"people":[{}]}', "Book.people[0]: required field 'id' of", None),
        ('{"people":[{"id":1,"color":"BLUE"}]}', "Book.people[0].color: enum 'Color' has no value 'BLUE'", 28),
        ('{"flags":{"x":true}}', "Book.flags[key 0]: expected an integer", 11),
        ('{"flags":{"1":2}}', "Book.flags[value 0]: 2 is outside the range", None),
        ('{"contact":{}}', "Book.contact: union 'Contact' holds no member", None),
        ('{"score":1} {}', "Book: expected the end of the text", 12),
        ('{"tags":["\\ud800"]}', "Book.tags[0]: expected", None),
        ("\ud800", "Book: string is not valid UTF-8", 0),
        (b'{"tags":["\xff"]}', "Book.tags[0]: string is not valid UTF-8", 10),
        ("[" * 100_000, "Book: expected '{'", 0),
        ('{"next":' * 100_000, "nesting is deeper than the limit of 64", None),
        ('{"x":' + "[" * 100_000, "Book: nesting is deeper than the limit of 64", None),
    ],
)
def test_errors_name_path_and_offset(text: str | bytes, message: str, offset: int | None) -> None:
    error = failure(text)
    assert message.replace(" of", "") in str(error).replace(" of", "")
    if offset is not None:
        assert error.offset == offset


def test_no_prefix_is_a_struct() -> None:
    encoded = TEXT.encode()
    for end in range(len(encoded)):
        error = failure(encoded[:end])
        assert error.offset is not None
        assert error.offset <= end


def test_a_value_that_the_idl_does_not_allow_is_not_written() -> None:
    for book, message in [
        (MODULE.Book(people=[MODULE.Person(2**31)]), "Book.people[0].id: 2147483648 is outside the range of i32"),
        (MODULE.Book(people=[MODULE.Person()]), "Book.people[0]: required field 'id' of 'Person' is not set"),
        (MODULE.Book(contact=MODULE.Contact()), "Book.contact: union 'Contact' holds no member"),
        (MODULE.Book(tags={"\ud800"}), "Book.tags[0]: text holds a lone surrogate"),
    ]:
        with pytest.raises(fastthrift.EncodeError, match="^" + message.replace("[", r"\[").replace("]", r"\]")):
            fastthrift.to_json(book)
    book = MODULE.Book()
    book.next = book
    with pytest.raises(fastthrift.EncodeError, match="nesting is deeper than the limit of 64"):
        fastthrift.to_json(book)


def test_arguments_are_checked() -> None:
    for indent in (-1, 33, 2**40):
        with pytest.raises(ValueError, match="indent must be from 0 to 32"):
            fastthrift.to_json(BOOK, indent=indent)
    with pytest.raises(ValueError, match="enums must be one of 'name', 'number', got \"x\""):
        fastthrift.to_json(BOOK, enums="x")  # type: ignore[arg-type]
    for wrong in (5, None, ["{}"]):
        with pytest.raises(TypeError, match="text must be a str or a bytes-like object"):
            fastthrift.from_json(MODULE.Book, wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected a class of a loaded IDL file"):
        fastthrift.from_json(int, "{}")  # type: ignore[type-var]
    with pytest.raises(TypeError, match="expected a class of a loaded IDL file"):
        fastthrift.to_json(5)  # type: ignore[arg-type]


@given(st.data())
def test_any_value_comes_back_and_any_prefix_is_an_error(data: st.DataObject) -> None:
    schema = data.draw(schemas())
    for struct in schema.structs:
        value = data.draw(instances(schema, struct))
        text = fastthrift.to_json(value, indent=data.draw(st.sampled_from([None, 2])), enums=data.draw(ENUMS))
        json.loads(text)
        assert same(fastthrift.from_json(type(value), text), value)
        cut = text.encode()[: data.draw(st.integers(0, len(text.encode()) - 1))]
        with pytest.raises(fastthrift.DecodeError):
            fastthrift.from_json(type(value), cut)


ENUMS: Any = st.sampled_from(["name", "number"])
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "value", "1", "x1"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.data(), st.dictionaries(st.sampled_from(["a", "value", "from_", "x1", "Z", "?"]), JUNK, max_size=4))
def test_any_json_gives_a_value_or_a_typed_error(data: st.DataObject, junk: dict[str, Any]) -> None:
    schema = data.draw(schemas())
    text = json.dumps(junk)
    for struct in schema.structs:
        cls = getattr(schema.module, struct.name)
        try:
            read = fastthrift.from_json(cls, text)
        except fastthrift.DecodeError as error:
            assert error.offset is not None  # noqa: PT017
            assert 0 <= error.offset <= len(text)  # noqa: PT017
        else:
            assert isinstance(read, cls)


def apaches(schema: Schema, name: str, value: Any) -> bytes | None:
    """Return what Apache's library writes, where that is JSON."""
    buffer = TMemoryBuffer()
    schema.oracle._write(TSimpleJSONProtocol(buffer), Type("struct", name), value)
    written = bytes(buffer.getvalue())
    try:
        json.loads(written)
    except ValueError:
        return None
    return written


@given(st.data())
def test_the_protocol_is_what_apache_writes_where_that_is_json(data: st.DataObject) -> None:
    schema = data.draw(schemas())
    for struct in schema.structs:
        value = data.draw(instances(schema, struct))
        encoded = fastthrift.serialize(value, "simplejson")
        assert encoded == (apaches(schema, struct.name, value) or encoded)
        assert same(fastthrift.deserialize(type(value), encoded, "simplejson"), value)
        assert same(fastthrift.from_json(type(value), encoded), value)


def test_apaches_text_is_written_for_numbers_and_keys_of_every_kind() -> None:
    schema = fastthrift.loads(
        "struct S { 1: list<double> d; 2: map<double, bool> m; 3: map<bool, i64> b; 4: map<list<i32>, i8> l }"
    )
    value = schema.S(d=[1e16, 1e15, 1e-5, 0.0001, -0.0, 0.1, 5e-324], m={float("inf"): True}, b={True: -1}, l={})
    text = b'{"d":[1e+16,1000000000000000.0,1e-05,0.0001,-0.0,0.1,5e-324],"m":{"inf":1},"b":{"1":-1},"l":{}}'
    assert fastthrift.serialize(value, "simplejson") == text
    assert fastthrift.deserialize(schema.S, text + b" more", "simplejson") == value


def test_lines_of_json_are_iterated() -> None:
    people = [MODULE.Person(number, "x" * number) for number in range(5)]
    lines = b"\n".join(fastthrift.serialize(person, "simplejson") for person in people) + b"\n"
    assert list(fastthrift.iter_structs(MODULE.Person, lines, "simplejson")) == people
    assert fastthrift.deserialize_from(MODULE.Person, lines, "simplejson", 0) == (people[0], lines.index(b"\n"))
    assert fastthrift.deserialize(MODULE.Book, TEXT.encode(), "simplejson", fields=["score"]) == MODULE.Book(score=1e22)


SERVICE: Any = fastthrift.loads(
    """
    exception Refused { 1: string why }
    struct Pair { 1: string left, 2: map<i64, bool> right }
    service Pairs {
      Pair swap(1: Pair pair, 2: optional string note) throws (1: Refused refused)
      void check(1: i32 number)
      oneway void log(1: string text)
    }
    """,
    name="pairs.thrift",
)


class Pairs(SERVICE.Pairs):  # type: ignore[name-defined, misc]
    def __init__(self) -> None:
        self.logged: list[str] = []

    def swap(self, pair: Any, note: str | None) -> Any:
        if note == "refuse":
            raise SERVICE.Refused("\n")
        return SERVICE.Pair(pair.left[::-1], {-key: not value for key, value in pair.right.items()})

    def check(self, number: int) -> None:
        assert number > 0

    def log(self, text: str) -> None:
        self.logged.append(text)


def message(name: str, kind: int, write: Callable[[Any], None]) -> bytes:
    """Return a message in a frame: its header as Apache's Java library writes it, its body by the Python library.

    The latter leaves the header out.
    """
    buffer = TMemoryBuffer()
    output = TSimpleJSONProtocol(buffer)
    output.writeStructBegin(name)
    write(output)
    output.writeFieldStop()
    output.writeStructEnd()
    data = f'["{name}",{kind},1,'.encode() + buffer.getvalue() + b"]"
    return pack(">i", len(data)) + data


def write_pair(output: Any, name: str, left: str, right: dict[int, bool]) -> None:
    """Write a field that is a `Pair`."""
    output.writeFieldBegin(name, TType.STRUCT, 1)
    output.writeStructBegin("Pair")
    output.writeFieldBegin("left", TType.STRING, 1)
    output.writeString(left)
    output.writeFieldEnd()
    output.writeFieldBegin("right", TType.MAP, 2)
    output.writeMapBegin(TType.I64, TType.BOOL, len(right))
    for key, value in right.items():
        output.writeI64(key)
        output.writeBool(value)
    output.writeMapEnd()
    output.writeFieldEnd()
    output.writeFieldStop()
    output.writeStructEnd()
    output.writeFieldEnd()


def test_a_call_and_its_reply_are_what_apache_writes() -> None:
    call = message("Pairs:swap", TMessageType.CALL, lambda out: write_pair(out, "pair", "ab", {7: True}))
    reply = message("swap", TMessageType.REPLY, lambda out: write_pair(out, "success", "ba", {-7: False}))
    with (
        fastthrift.Server({"Pairs": Pairs()}, "tcp://127.0.0.1:0") as server,
        socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as peer,
    ):
        peer.sendall(call)
        assert peer.recv(1000) == reply
    with socket.create_server(("127.0.0.1", 0)) as listener:
        requests: list[bytes] = []

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                requests.append(connection.recv(1000))
                connection.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        with fastthrift.connect(SERVICE.Pairs, url, protocol="simplejson", service_name="Pairs", timeout=10) as client:
            assert client.swap(SERVICE.Pair("ab", {7: True}), None) == SERVICE.Pair("ba", {-7: False})
        thread.join()
    assert requests == [call]


def test_each_kind_of_call_goes_through(transport: Any) -> None:
    handler = Pairs()
    with (
        fastthrift.Server({"Pairs": handler}, "tcp://127.0.0.1:0") as server,
        fastthrift.connect(
            SERVICE.Pairs, server.url, protocol="simplejson", transport=transport, service_name="Pairs", timeout=10
        ) as client,
    ):
        client.log(']}"é')
        assert client.check(1) is None
        assert handler.logged == [']}"é']
        with pytest.raises(SERVICE.Refused) as refused:
            client.swap(SERVICE.Pair("ab", {}), "refuse")
        assert refused.value.why == "\n"
        with pytest.raises(fastthrift.TApplicationException) as failed:
            client.check(0)
        assert failed.value.type == fastthrift.TApplicationException.INTERNAL_ERROR
        assert client.swap(SERVICE.Pair("x" * 300_000, {1: False}), None).right == {-1: True}


def test_arguments_that_cannot_be_read_are_answered_with_their_path(transport: Any) -> None:
    with (
        fastthrift.Server(Pairs(), "tcp://127.0.0.1:0") as server,
        socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as peer,
    ):
        text = b'["check",1,5,{"number":"five"}]'
        peer.sendall(pack(">i", len(text)) + text if transport == "framed" else text)
        answer = peer.recv(1000)
        name, kind, number, body = json.loads(answer[answer.index(b"[") :])
        assert (name, kind, number, body["type"]) == ("check", 3, 5, 7)
        assert "number" in body["message"]


def test_limits_bound_what_from_json_reads() -> None:
    limits = fastthrift.Limits(string=3, container=2, depth=2, message=len(TEXT.encode()))
    book = MODULE.Book(tags={"abc", "d"}, people=[])
    assert fastthrift.from_json(MODULE.Book, fastthrift.to_json(book), limits=limits) == book
    for wrong, text in [
        (MODULE.Book(tags={"abcd"}), "over the limit of 3 for a string"),
        (MODULE.Book(tags={"a", "b", "c"}), "over the limit of 2 for a container"),
        (MODULE.Book(next=MODULE.Book(next=MODULE.Book())), "deeper than the limit of 2"),
    ]:
        with pytest.raises(fastthrift.DecodeError, match=text):
            fastthrift.from_json(MODULE.Book, fastthrift.to_json(wrong), limits=limits)
    for longer in (TEXT + " ", (TEXT + " ").encode(), bytearray((TEXT + " ").encode())):
        size = len(TEXT.encode())
        with pytest.raises(fastthrift.DecodeError, match=f"size {size + 1} is over the limit of {size} for a message"):
            fastthrift.from_json(MODULE.Book, longer, limits=limits)
    with pytest.raises(fastthrift.DecodeError, match="for a decoded message") as caught:
        fastthrift.from_json(MODULE.Book, TEXT, limits=fastthrift.Limits(memory=400))
    assert caught.value.offset is not None
    assert 0 <= caught.value.offset <= len(TEXT.encode())
    with pytest.raises(TypeError):
        fastthrift.from_json(MODULE.Book, TEXT, limits=5)  # type: ignore[arg-type]


def test_names_of_fields_are_not_bound_as_strings_are() -> None:
    limits = fastthrift.Limits(string=1)
    person = MODULE.Person(1, "x")
    assert fastthrift.from_json(MODULE.Person, '{"id":1,"from":"x","other":{"longer":1}}', limits=limits) == person
