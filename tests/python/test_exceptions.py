"""Exceptions of an IDL file are Python exceptions."""

from __future__ import annotations

import copy
import logging
import traceback

import fastthrift
import pytest

m = fastthrift.loads(
    """
    enum Code { LOW = 1 }
    /** Somebody asked for what is not there. */
    exception NotFound { 1: required string message, 2: Code code = Code.LOW, 3: list<string> tried = [] }
    exception Silent { 1: i32 code }
    exception Odd { 1: i32 args, 2: string with_traceback }
    struct Report { 1: NotFound error }
    """,
    name="exceptions.thrift",
)


def test_exceptions_are_raised_and_caught() -> None:
    with pytest.raises(m.NotFound) as caught:
        raise m.NotFound("no such row", tried=["a"])
    error = caught.value
    assert (error.message, error.code, error.tried) == ("no such row", m.Code.LOW, ["a"])
    for base in (fastthrift.ThriftException, fastthrift.TException, Exception):
        assert isinstance(error, base)


def test_the_text_is_the_message_if_there_is_one() -> None:
    assert str(m.NotFound("no such row")) == "no such row"
    assert str(m.NotFound()) == "NotFound(code=<Code.LOW: 1>, tried=[])"
    assert str(m.Silent(4)) == "Silent(code=4)"
    assert repr(m.NotFound("x", tried=["y"])) == "NotFound(message='x', code=<Code.LOW: 1>, tried=['y'])"


def test_tracebacks_show_the_text() -> None:
    try:
        try:
            raise m.Silent(4)
        except m.Silent as inner:
            raise m.NotFound("no such row") from inner
    except m.NotFound as error:
        text = "".join(traceback.format_exception(error))
    assert "exceptions_thrift.NotFound: no such row" in text
    assert "exceptions_thrift.Silent: Silent(code=4)" in text


def test_logging_takes_them(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise m.NotFound("no such row")
    except m.NotFound:
        logging.getLogger("test").exception("failed")
    assert "no such row" in caplog.text


def test_each_exception_is_itself_alone() -> None:
    one, other = m.NotFound("x"), m.NotFound("x")
    assert one == one
    assert one != other
    assert len({one, other}) == 2


def test_fields_and_other_attributes_can_be_set() -> None:
    error = m.NotFound("x")
    error.message = "y"
    error.retry = True
    assert (str(error), error.retry, error.args) == ("y", True, ())
    twin = copy.copy(error)
    assert (twin.message, twin.retry) == ("y", True)
    assert error.__replace__(message="z").message == "z"


def test_they_travel_like_structs(protocol: str) -> None:
    data = fastthrift.serialize(m.NotFound("x", tried=["a"]), protocol)
    error = fastthrift.deserialize(m.NotFound, data, protocol)
    assert (type(error), error.message, error.tried) == (m.NotFound, "x", ["a"])
    held = fastthrift.deserialize(m.Report, fastthrift.serialize(m.Report(error), protocol), protocol)
    assert held.error.message == "x"
    with pytest.raises(fastthrift.EncodeError, match="required field 'message' of 'NotFound' is not set"):
        fastthrift.serialize(m.NotFound(), protocol)


def test_fields_may_go_by_the_names_that_exceptions_have(protocol: str) -> None:
    odd = m.Odd(4, "x")
    assert (odd.args, odd.with_traceback) == (4, "x")
    read = fastthrift.deserialize(m.Odd, fastthrift.serialize(odd, protocol), protocol)
    assert read.args == 4
    with pytest.raises(m.Odd, match=r"Odd\(args=4, with_traceback='x'\)"):
        raise odd


def test_match_and_documentation_are_those_of_structs() -> None:
    match m.NotFound("x"):
        case m.NotFound(message, m.Code.LOW):
            assert message == "x"
        case _:
            pytest.fail("no case matched")
    assert m.NotFound.__doc__ == "Somebody asked for what is not there."


def test_groups_and_notes_work_where_python_has_them() -> None:
    error = m.NotFound("x")
    if not hasattr(error, "add_note"):
        pytest.skip("notes came with Python 3.11")
    error.add_note("seen twice")
    assert "seen twice" in "".join(traceback.format_exception(error))


def test_the_packages_own_exceptions_say_what_they_are() -> None:
    error = fastthrift.TApplicationException(fastthrift.TApplicationException.UNKNOWN_METHOD, "no 'f'")
    assert (error.type, error.message, str(error)) == (1, "no 'f'", "no 'f'")
    assert str(fastthrift.TApplicationException(6)) == "internal error"
    assert str(fastthrift.TApplicationException(99)) == "type 99"
    assert issubclass(fastthrift.TransportTimeout, TimeoutError)
    for name in ("ConnectError", "ConnectionLost", "PeerError", "TransportTimeout"):
        assert issubclass(getattr(fastthrift, name), fastthrift.TTransportException)
    for kind in (fastthrift.ConnectError, fastthrift.ConnectionLost):
        assert issubclass(kind, ConnectionError)
    for kind in (fastthrift.DecodeError, fastthrift.EncodeError):
        assert issubclass(kind, fastthrift.TProtocolException)
        assert issubclass(kind, ValueError)
