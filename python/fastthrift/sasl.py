"""How clients say who they are before their first call (RFC 4422), in the frames that Hive and Impala speak.

A mechanism is an object that has a ``name``, and whose ``start()`` and ``step(challenge)`` return bytes. Each
connection works with a copy of it, made by ``copy.copy``; an attribute ``host`` that is None becomes the host of the
URL there.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    class Mechanism(Protocol):
        """What `fastthrift.connect` takes as ``sasl``."""

        @property
        def name(self) -> str:
            """The name that SASL knows the mechanism by."""
            ...

        def start(self) -> bytes:
            """Begin with a connection and return what the peer is to hear first."""
            ...

        def step(self, challenge: bytes, /) -> bytes:
            """Return what to answer to the peer's challenge; raise to refuse what it says."""
            ...


__all__ = ["GSSAPI", "Plain"]


class Plain:
    """A username and a password, as they are (RFC 4616): without TLS, whoever is on the way reads them.

    Args:
        username: Who this side is.
        password: What proves it.
        authorization: Whom to act for, where that is somebody else.

    Raises:
        ValueError: One of them holds a zero byte, or there is no username or no password.
    """

    name = "PLAIN"

    def __init__(self, username: str, password: str, authorization: str = "") -> None:
        if "\0" in username + password + authorization:
            raise ValueError("a username, a password and an authorization cannot hold a zero byte")
        if not username or not password:
            raise ValueError("PLAIN needs a username and a password")
        self._initial = f"{authorization}\0{username}\0{password}".encode()
        self._username = username

    def start(self) -> bytes:
        """Return the credentials."""
        return self._initial

    def step(self, challenge: bytes, /) -> bytes:
        """Refuse: a server of PLAIN asks nothing more."""
        raise ValueError("the server asks for more than PLAIN has to say")

    def __repr__(self) -> str:
        return f"Plain({self._username!r}, ...)"


class GSSAPI:
    """Kerberos (RFC 4752), by the package ``gssapi``: ``pip install fastthrift[gssapi]``.

    The credentials are those of the process, as ``kinit`` leaves them. The connection is not protected further: use TLS
    for that.

    Args:
        service: The first part of the server's principal, such as "hive" or "impala".
        host: The second part; None is the host of the URL.

    Raises:
        ImportError: The package ``gssapi`` is not there.
    """

    name = "GSSAPI"
    _NO_PROTECTION = 1

    def __init__(self, service: str, host: str | None = None) -> None:
        gssapi: Any = __import__("gssapi")

        self._gssapi = gssapi
        self._context: Any = None
        self.service = service
        self.host = host

    def start(self) -> bytes:
        """Begin a context and return its first token."""
        if self.host is None:
            raise ValueError("GSSAPI needs the host that the server's principal is for")
        gssapi = self._gssapi
        principal = gssapi.Name(f"{self.service}@{self.host}", gssapi.NameType.hostbased_service)
        self._context = gssapi.SecurityContext(name=principal, usage="initiate")
        return bytes(self._context.step() or b"")

    def step(self, challenge: bytes, /) -> bytes:
        """Answer with the next token, or at the end with the choice of no further protection."""
        if not self._context.complete:
            return bytes(self._context.step(challenge) or b"")
        offer = self._context.unwrap(challenge).message
        if len(offer) != 4 or not offer[0] & self._NO_PROTECTION:
            raise ValueError("the server insists on a protection of messages that is not spoken here: use TLS")
        return bytes(self._context.wrap(bytes([self._NO_PROTECTION, 0, 0, 0]), False).message)

    def __repr__(self) -> str:
        return f"GSSAPI({self.service!r}, {self.host!r})"
