"""How clients say who they are before their first call (RFC 4422), in the frames that Hive and Impala speak.

A client's mechanism is an object that has a ``name``, and whose ``start()`` and ``step(challenge)`` return bytes. A
server's is one whose ``step(response)`` returns bytes to ask further, the name of the client to let it in, or None to
refuse it. Each connection works with a copy of it, made by ``copy.copy``; a client's attribute ``host`` that is None
becomes the host of the URL there.
"""

from __future__ import annotations

import logging
import os

from fastthrift import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
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

    class ServerMechanism(Protocol):
        """What `fastthrift.Server` takes in ``sasl`` for mechanisms of several steps."""

        def step(self, response: bytes, /) -> bytes | str | tuple[str, bytes] | None:
            """Judge what the client said.

            Returns:
                What to ask it next, as bytes; who it is, as text, to let it in, or that with what its mechanism is to
                hear at last; or None to refuse it.

            Raises:
                Refused: To refuse it with a text.
            """
            ...


__all__ = ["GSSAPI", "GSSAPIServer", "Plain", "Refused"]

_NO_PROTECTION = 1
"""The bit of RFC 4752 that stands for messages as they are; the others are integrity and confidentiality."""


class Refused(Exception):
    """Raised by what judges clients on a server: the client is refused, and gets the text, its first 1,024 bytes."""


class Plain:
    """A username and a password, as they are (RFC 4616): without TLS, whoever is on the way reads them.

    Args:
        username: Who this side is.
        password: What proves it.
        authorization: Whom to act for, where that is somebody else.

    Raises:
        TypeError: One of them is no text.
        ValueError: One of them holds a zero byte, or there is no username or no password.
    """

    name = "PLAIN"

    def __init__(self, username: str, password: str, authorization: str = "") -> None:
        for name, text in (("username", username), ("password", password), ("authorization", authorization)):
            _core.given_text(name, text)
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

    The credentials are those of the process, as ``kinit`` leaves them. The server proves who it is, too. The connection
    is not protected further: use TLS for that.

    Args:
        service: The first part of the server's principal, such as "hive" or "impala".
        host: The second part; None is the host of the URL.
        authorization: Whom to act for, where that is somebody else.

    Raises:
        ImportError: The package ``gssapi`` is not there.
    """

    name = "GSSAPI"

    def __init__(self, service: str, host: str | None = None, *, authorization: str = "") -> None:
        _core.given_text("service", service)
        _core.given_text("authorization", authorization)
        if host is not None:
            _core.given_text("host", host)
        self._gssapi = _gssapi()
        self._context: Any = None
        self.service = service
        self.host = host
        self._authorization = authorization.encode()

    def start(self) -> bytes:
        """Begin a context and return its first token."""
        if self.host is None:
            raise ValueError("GSSAPI needs the host that the server's principal is for")
        gssapi = self._gssapi
        principal = gssapi.Name(f"{self.service}@{self.host}", gssapi.NameType.hostbased_service)
        flag = gssapi.RequirementFlag
        flags = flag.mutual_authentication | flag.integrity | flag.out_of_sequence_detection
        self._context = gssapi.SecurityContext(name=principal, usage="initiate", flags=flags)
        return bytes(self._context.step() or b"")

    def step(self, challenge: bytes, /) -> bytes:
        """Answer with the next token, or at the end with the choice of no further protection."""
        context = self._context
        if not context.complete:
            return bytes(context.step(challenge) or b"")
        if not context.actual_flags & self._gssapi.RequirementFlag.mutual_authentication:
            raise ValueError("the server did not prove who it is")
        offer = context.unwrap(challenge).message
        if len(offer) != 4 or not offer[0] & _NO_PROTECTION:
            raise ValueError("the server insists on a protection of messages that is not spoken here: use TLS")
        return bytes(context.wrap(bytes([_NO_PROTECTION, 0, 0, 0]) + self._authorization, False).message)

    def __repr__(self) -> str:
        return f"GSSAPI({self.service!r}, {self.host!r})"


class GSSAPIServer:
    """The server's side of Kerberos (RFC 4752), by the package ``gssapi``: ``pip install fastthrift[gssapi]``.

    For ``sasl={"GSSAPI": GSSAPIServer("hive")}`` of a `fastthrift.Server`. A client is let in as the principal that its
    ticket is for, such as ``ada@EXAMPLE.COM``, or as the one that it asks to act for, where it may;
    ``fastthrift.current_call().user`` tells handlers. Messages are not protected further, and a client that insists on
    that is refused: use TLS. Why a client was refused is logged to ``fastthrift.server``, as a warning.

    Args:
        service: The first part of the server's principal, such as "hive" or "impala"; None for any key of the keytab.
        host: The second part; None for any.
        keytab: The file with the keys; None for the process's own, which ``KRB5_KTNAME`` names.
        authorize: Is called with the client's principal and the name that it asks to act for, which is mostly empty,
            and returns True if it may. By default it may act as itself alone.

    Raises:
        ImportError: The package ``gssapi`` is not there.
        TypeError: A name is no text, or `authorize` is no plain function.
        ValueError: There is a host without a service, or no key for the principal.
    """

    def __init__(
        self,
        service: str | None = None,
        host: str | None = None,
        *,
        keytab: str | os.PathLike[str] | None = None,
        authorize: Callable[[str, str], bool] | None = None,
    ) -> None:
        for name, text in (("service", service), ("host", host)):
            if text is not None:
                _core.given_text(name, text)
        if keytab is not None:
            keytab = _core.given_path("keytab", keytab)
        if authorize is not None:
            _core.given_function("authorize", authorize)
        if host is not None and service is None:
            raise ValueError("a host needs the service that the principal begins with")
        gssapi = self._gssapi = _gssapi()
        principal = None
        if service is not None:
            name = service if host is None else f"{service}@{host}"
            principal = gssapi.Name(name, gssapi.NameType.hostbased_service)
        store = None if keytab is None else {b"keytab": f"FILE:{os.path.abspath(keytab)}".encode()}
        try:
            self._credentials = gssapi.Credentials(name=principal, usage="accept", store=store)
        except gssapi.exceptions.GSSError as error:
            where = "the keytab" if keytab is None else str(keytab)
            whom = "any principal" if principal is None else str(principal)
            raise ValueError(f"{where} has no key for {whom}: {error}") from error
        self._authorize = authorize or _is_oneself
        self._context: Any = None
        self._has_offered = False
        self._has_failed = False

    def step(self, response: bytes, /) -> bytes | str | None:
        """Take the client's next token, and then its choice of protection and whom it acts for."""
        if self._has_failed:
            return None
        try:
            return self._judge(response)
        except self._gssapi.exceptions.GSSError as error:
            # It is the client's word that is bad, or the clock, or the keytab: nothing that a traceback could tell.
            logging.getLogger("fastthrift.server").warning("a client's Kerberos is refused: %s", error)
            self._has_failed = True
            # Kerberos has a message that tells the client why, where it came so far.
            return error.token or None

    def _judge(self, response: bytes) -> bytes | str | None:
        if self._context is None:
            self._context = self._gssapi.SecurityContext(creds=self._credentials, usage="accept")
            self._context.__DEFER_STEP_ERRORS__ = False
        if self._has_offered:
            return self._admit(self._context.unwrap(response).message)
        if not self._context.complete:
            token = self._context.step(response)
            if token or not self._context.complete:
                return bytes(token or b"")
        elif response:
            raise Refused("a message came that is none of GSSAPI's")
        self._has_offered = True
        return bytes(self._context.wrap(bytes([_NO_PROTECTION, 0, 0, 0]), False).message)

    def _admit(self, choice: bytes) -> str:
        """Return whom the client acts for, who chose its protection so."""
        if len(choice) < 4 or choice[0] != _NO_PROTECTION:
            raise Refused("messages are not protected here but by TLS: the quality of protection has to be 'auth'")
        principal = str(self._context.initiator_name)
        try:
            authorization = choice[4:].decode()
        except UnicodeDecodeError:
            raise Refused("the name to act for is no UTF-8") from None
        if not _core.given_flag("what authorize returns", self._authorize(principal, authorization)):
            raise Refused(f"{principal} may not act for {authorization or 'itself'}")
        return authorization or principal


def _is_oneself(principal: str, authorization: str) -> bool:
    return authorization in ("", principal)


def _gssapi() -> Any:
    try:
        return __import__("gssapi")
    except ImportError as error:
        raise ImportError("GSSAPI needs the package gssapi: pip install fastthrift[gssapi]") from error
