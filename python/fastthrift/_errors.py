"""The exceptions of fastthrift.

The names that Thrift users know are the bases, so that ``except`` clauses written for other libraries hold::

    TException
    ├── ThriftException             what an IDL file declares
    ├── TApplicationException       the peer could not carry the call out
    ├── TProtocolException
    │   ├── DecodeError             bytes are not what the IDL says
    │   └── EncodeError             a value is not what the IDL says
    └── TTransportException         the connection failed
        └── TransportTimeout        a deadline passed; a TimeoutError, too
    ThriftSyntaxError               an IDL file is not right; a SyntaxError
"""

from __future__ import annotations

import sys


class TException(Exception):
    """Base of all exceptions of Thrift."""


class TApplicationException(TException):
    """A call could not be carried out, says the peer, or its answer is not one.

    Attributes:
        type: One of the constants of this class.
        message: What happened.
    """

    UNKNOWN = 0
    UNKNOWN_METHOD = 1
    INVALID_MESSAGE_TYPE = 2
    WRONG_METHOD_NAME = 3
    BAD_SEQUENCE_ID = 4
    MISSING_RESULT = 5
    INTERNAL_ERROR = 6
    PROTOCOL_ERROR = 7
    INVALID_TRANSFORM = 8
    INVALID_PROTOCOL = 9
    UNSUPPORTED_CLIENT_TYPE = 10

    def __init__(self, type: int = UNKNOWN, message: str | None = None) -> None:  # noqa: A002 (the wire's own name)
        super().__init__(type, message)
        self.type = type
        self.message = message

    def __str__(self) -> str:
        if self.message:
            return self.message
        names = {value: name for name, value in vars(TApplicationException).items() if isinstance(value, int)}
        return names.get(self.type, f"type {self.type}").replace("_", " ").lower()


class TProtocolException(TException):
    """A value or its bytes are not what they should be."""

    UNKNOWN = 0
    INVALID_DATA = 1
    NEGATIVE_SIZE = 2
    SIZE_LIMIT = 3
    BAD_VERSION = 4


class DecodeError(TProtocolException, ValueError):
    """Bytes are not what the IDL says.

    Attributes:
        offset: Where, in bytes from the start of the data; None when it is not known.
    """

    def __init__(self, message: str, offset: int | None = None) -> None:
        super().__init__(message)
        self.offset = offset


class EncodeError(TProtocolException, ValueError):
    """A value is not what the IDL says; the text names the path to it."""


class TTransportException(TException):
    """A connection could not be made, or broke.

    Attributes:
        type: One of the constants of this class.
    """

    UNKNOWN = 0
    NOT_OPEN = 1
    ALREADY_OPEN = 2
    TIMED_OUT = 3
    END_OF_FILE = 4

    def __init__(self, type: int = UNKNOWN, message: str | None = None) -> None:  # noqa: A002 (Thrift's own name)
        super().__init__(message or "")
        self.type = type
        self.message = message

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.type, self.message)


class TransportTimeout(TTransportException, TimeoutError):
    """A call did not end before its deadline."""


class Diagnostic:
    """One finding about an IDL file.

    Attributes:
        code: The stable code, such as ``E0301``.
        name: The code in words, such as ``unknown-type``.
        severity: ``error`` or ``warning``.
        message: What was expected, and what came.
        filename: The file.
        line: The line, from 1.
        column: The column, from 1, in code points.
        end_line: The line of the end.
        end_column: The column behind the last character.
        source_line: The line's text.
        hint: What would help, or None.
        related: Other places: (filename, line, column, text) each.
        text: All of it as the command line shows it.
    """

    # A plain class: `typing` would cost more time than all the rest of the import.
    __slots__ = (
        "code",
        "column",
        "end_column",
        "end_line",
        "filename",
        "hint",
        "line",
        "message",
        "name",
        "related",
        "severity",
        "source_line",
        "text",
    )

    code: str
    name: str
    severity: str
    message: str
    filename: str
    line: int
    column: int
    end_line: int
    end_column: int
    source_line: str
    hint: str | None
    related: tuple[tuple[str, int, int, str], ...]
    text: str

    def __init__(self, **values: object) -> None:
        for name in self.__slots__:
            setattr(self, name, values[name])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Diagnostic):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __hash__(self) -> int:
        return hash((self.code, self.filename, self.line, self.column))

    def __repr__(self) -> str:
        return f"<{self.severity}[{self.code}] {self.filename}:{self.line}:{self.column}: {self.message}>"

    def __str__(self) -> str:
        return self.text


class ThriftSyntaxError(SyntaxError):
    """An IDL file is not right.

    ``filename``, ``lineno``, ``offset`` and ``text`` say where the first error is, as for Python's own files. Where
    there are more errors, the report is a note of the exception (from Python 3.11 on), so that a traceback has it.

    Attributes:
        diagnostics: All findings of the run, warnings too.
        report: All errors as text, as the command line shows them, and how many errors and warnings there are.
    """

    def __init__(self, first: Diagnostic, diagnostics: list[Diagnostic], report: str) -> None:
        place = (first.filename, first.line, first.column, first.source_line, first.end_line, first.end_column)
        super().__init__(f"{first.message} [{first.code}]", place)
        self.diagnostics = diagnostics
        self.report = report
        self._first = first
        if sum(diagnostic.severity == "error" for diagnostic in diagnostics) > 1 and sys.version_info >= (3, 11):
            self.add_note(report)

    def __str__(self) -> str:
        return self.report

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self._first, self.diagnostics, self.report)
