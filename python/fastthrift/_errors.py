"""The exceptions of fastthrift.

The names that Thrift users know are the bases, so that ``except`` clauses written for other libraries hold::

    TException
    ├── ThriftException             what an IDL file declares
    ├── TApplicationException       the peer could not carry the call out
    ├── TProtocolException
    │   ├── DecodeError             bytes are not what the IDL says
    │   └── EncodeError             a value is not what the IDL says
    └── TTransportException         the connection failed
        ├── ConnectError            no connection could be made; a ConnectionError, too
        ├── ConnectionLost          the connection broke; a ConnectionError, too
        ├── PeerError               the peer broke the protocol
        └── TransportTimeout        a deadline passed; a TimeoutError, too

Each `TTransportException` says whether any of the request was sent: where nothing was, the call was surely not carried
out. `ThriftSyntaxError`, which says that an IDL file is not right, stands apart: it is a `SyntaxError`.
"""


class TException(Exception):
    """Base of all exceptions of Thrift."""


def _check_kind(name: str, type: object, message: object) -> None:  # noqa: A002 (the wire's own name)
    if not isinstance(type, int) or not (message is None or isinstance(message, str)):
        raise TypeError(
            f"a {name} takes its type, an int, and then its message, a str, got {type!r:.40}, {message!r:.40}"
        )


class TApplicationException(TException):
    """A call could not be carried out, says the peer, or its answer is not one.

    Attributes:
        type: One of the constants of this class.
        message: What happened.

    Raises:
        TypeError: The type is no int, or the message no text: Apache's order is the type first.
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
    LOADSHEDDING = 11
    TIMEOUT = 12

    def __init__(self, type: int = UNKNOWN, message: str | None = None) -> None:  # noqa: A002 (the wire's own name)
        _check_kind("TApplicationException", type, message)
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
        message: What happened.
        was_sent: Whether any byte of the request may have left; False says that the peer surely did not carry it out.
    """

    UNKNOWN = 0
    NOT_OPEN = 1
    ALREADY_OPEN = 2
    TIMED_OUT = 3
    END_OF_FILE = 4

    def __init__(
        self,
        type: int = UNKNOWN,  # noqa: A002 (Thrift's own name)
        message: str | None = None,
        was_sent: bool = True,
    ) -> None:
        _check_kind("TTransportException", type, message)
        super().__init__(message or "")
        self.type = type
        self.message = message
        self.was_sent = was_sent

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.type, self.message, self.was_sent), vars(self)


class ConnectError(TTransportException, ConnectionError):
    """No connection could be made, so nothing was sent; `type` is NOT_OPEN."""


class ConnectionLost(TTransportException, ConnectionError):
    """The connection broke before a reply came: where `was_sent`, nobody knows whether the call was carried out.

    `type` is END_OF_FILE when the peer closed the connection, else UNKNOWN.
    """


class PeerError(TTransportException):
    """The peer broke the protocol, or speaks another one; whether the call was carried out is not known."""


class TransportTimeout(TTransportException, TimeoutError):
    """A call did not end before its deadline; where `was_sent`, it may have been carried out nevertheless."""
