"""The conversations of `tests/conversations`, held over a driver that is written in Python."""

from __future__ import annotations

import re
import shlex
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import fastthrift
import pytest
from fastthrift import TApplicationException, TransportTimeout, TTransportException

FOLDER = Path(__file__).parents[2] / "conversations"
TYPES = {"call": 1, "reply": 2}
Text = fastthrift.loads("struct Text { 1: string text }").Text


class Step(NamedTuple):
    """A line of a conversation."""

    framing: str | None
    words: list[str]


class Scenario(NamedTuple):
    """One conversation: the settings of both sides and what happens."""

    name: str
    client: dict[str, Any]
    server: dict[str, Any]
    steps: list[Step]


class Driver(Protocol):
    """What carries the bytes between a client's and a server's connection."""

    client: Any
    """The client's `_core.ClientConnection`."""
    server: Any
    """The server's `_core.ServerConnection`."""

    def call(self, function: str, body: bytes, **options: Any) -> int: ...
    def cancel(self, call: int) -> bool: ...
    async def event(self) -> tuple[int, Any, dict[str, str]]: ...
    async def request(self) -> tuple[Any, ...] | None: ...
    def answer(self, answer: Callable[..., None], *arguments: Any, **options: Any) -> None: ...
    def send_to_client(self, data: bytes) -> None: ...
    def send_to_server(self, data: bytes) -> None: ...
    def close_client(self) -> None: ...
    def close_server(self) -> None: ...


def scenarios() -> list[Scenario]:
    """Read all conversations."""
    found: list[Scenario] = []
    for file in sorted(FOLDER.glob("*.txt")):
        for line in file.read_text().splitlines():
            if line.startswith("== "):
                found.append(Scenario(line[3:], {}, {}, []))
            elif line and not line.startswith("#"):
                add_line(found[-1], split(line))
    return found


def add_line(scenario: Scenario, words: list[str]) -> None:
    match words:
        case ["client" | "server" as side, setting, value] if setting != "fails":
            number = re.fullmatch(r"-?\d+", value)
            names = value.split(",") if setting == "transforms" else value
            getattr(scenario, side)[setting] = int(value) if number else names
        case ["framed" | "unframed" | "header" as framing, *rest]:
            scenario.steps.append(Step(framing, rest))
        case _:
            scenario.steps.append(Step(None, words))


def split(line: str) -> list[str]:
    """Split a line at spaces that are not in quotes; `3*"x"` becomes `xxx`."""
    repeated = re.sub(r'(\d+)\*"([^"]*)"', lambda match: f'"{match[2] * int(match[1])}"', line)
    lexer = shlex.shlex(repeated, posix=True)
    lexer.whitespace_split, lexer.quotes, lexer.escape, lexer.commenters = True, '"', "", ""
    return list(lexer)


class Held:
    """A conversation that is held, and the names that it gave so far."""

    def __init__(self, driver: Driver, protocol: str, framing: str) -> None:
        self._driver, self._protocol, self._framing = driver, protocol, framing
        self._calls: dict[str, int] = {}
        self._requests: dict[str, int] = {}

    async def hold(self, scenario: Scenario) -> None:
        for framing, words in scenario.steps:
            if framing in (None, self._framing):
                print(*words)  # pytest shows it when a step fails
                await self._step(words)

    async def _step(self, words: list[str]) -> None:
        match words[0]:
            case "call" | "oneway" | "cancel" | "sequence":
                self._client_speaks(words)
            case "request" | "no":
                await self._expect_request(words)
            case "reply" | "raise" | "finish":
                self._server_speaks(words)
            case "result" | "exception" | "timeout" | "client" | "server":
                await self._expect(words)
            case _:
                self._interfere(words)

    def _client_speaks(self, words: list[str]) -> None:
        match words:
            case ["call", "refused", function, text, error]:
                expect_refusal(error, self._driver.call, function, self._body(text))
            case ["call", "refused", function, text, "headed", header, value, error]:
                expect_refusal(error, self._driver.call, function, self._body(text), headers={header: value})
            case ["call", name, function, text, "headed", header, value]:
                self._calls[name] = self._driver.call(function, self._body(text), headers={header: value})
            case ["call", name, function, text]:
                self._calls[name] = self._driver.call(function, self._body(text))
            case ["call", name, function, text, "of", service]:
                self._calls[name] = self._driver.call(function, self._body(text), service=service)
            case ["call", name, function, text, "within", timeout, "ms"]:
                self._calls[name] = self._driver.call(function, self._body(text), timeout=int(timeout) / 1e3)
            case ["oneway", function, text]:
                self._driver.call(function, self._body(text), oneway=True)
            case ["cancel", name]:
                assert self._driver.cancel(self._calls[name])
            case ["cancel", name, "in", "vain"]:
                assert not self._driver.cancel(self._calls[name])
            case ["sequence", name, number]:
                assert sequence_id(self._calls[name]) == int(number)
            case _:
                raise no_such_step(words)

    async def _expect_request(self, words: list[str]) -> None:
        service, is_oneway, headers, timeout = None, False, {}, None
        match words:
            case ["no", "request"]:
                assert await self._driver.request() is None
                return
            case ["request", name, function, text]:
                pass
            case ["request", name, function, text, "oneway"]:
                is_oneway = True
            case ["request", name, function, text, "of", of]:
                service = of.encode()
            case ["request", name, function, text, "within", milliseconds, "ms"]:
                timeout = int(milliseconds) / 1e3
            case ["request", name, function, text, "headed", header, value]:
                headers = {header: value}
            case _:
                raise no_such_step(words)
        request = await self._driver.request()
        assert request is not None
        identity, *parts, found_headers, found_timeout = request
        assert parts == [service, function.encode(), self._body(text), is_oneway]
        found_headers.pop("client_timeout", None)
        assert found_headers == self._arriving(headers)
        assert timeout is None or self._framing != "header" or found_timeout == timeout
        self._requests[name] = identity

    def _arriving(self, headers: dict[str, str]) -> dict[str, str]:
        """Return the headers that arrive: those that were sent, where any travel."""
        return headers if self._framing == "header" else {}

    def _server_speaks(self, words: list[str]) -> None:
        driver, server = self._driver, self._driver.server
        match words:
            case ["reply", name, "refused", error, "with", text]:
                expect_refusal(error, driver.answer, server.reply, self._requests[name], self._body(text))
            case ["reply", name, "refused", error, "headed", header, value]:
                request, headers = self._requests[name], {header: value}
                expect_refusal(error, driver.answer, server.reply, request, b"", headers=headers)
            case ["reply", name, text, "headed", header, value]:
                driver.answer(server.reply, self._requests[name], self._body(text), headers={header: value})
            case ["reply", name, text]:
                driver.answer(server.reply, self._requests[name], self._body(text))
            case ["raise", name, "refused", error]:
                expect_refusal(error, driver.answer, server.reply_exception, self._requests[name], 0, "")
            case ["raise", name, kind, text]:
                number = getattr(TApplicationException, kind)
                driver.answer(server.reply_exception, self._requests[name], number, text)
            case ["finish", name]:
                driver.answer(server.finish_oneway, self._requests[name])
            case ["finish", name, "refused", error]:
                expect_refusal(error, driver.answer, server.finish_oneway, self._requests[name])
            case _:
                raise no_such_step(words)

    async def _expect(self, words: list[str]) -> None:
        match words:
            case ["result", name, text]:
                assert await self._driver.event() == (self._calls[name], self._body(text), {})
            case ["result", name, text, "headed", header, value]:
                headers = self._arriving({header: value})
                assert await self._driver.event() == (self._calls[name], self._body(text), headers)
            case ["exception", name, kind, text]:
                call, error, _ = await self._driver.event()
                assert call == self._calls[name]
                assert isinstance(error, TApplicationException)
                assert error.type == getattr(TApplicationException, kind)
                assert text in str(error)
            case ["timeout", name]:
                call, error, _ = await self._driver.event()
                assert call == self._calls[name]
                assert isinstance(error, TransportTimeout)
            case ["client", "fails", by, text, *calls]:
                await self._expect_client_failure(by, text, [self._calls[name] for name in calls])
            case ["server", "fails", text]:
                expect_failure(await failure_of(self._driver.request), "peer", text)
            case _:
                raise no_such_step(words)

    async def _expect_client_failure(self, by: str, text: str, calls: list[int]) -> None:
        expect_failure(await failure_of(self._driver.event), by, text)
        client = self._driver.client
        assert (client.drain_failed(), client.drain_failed()) == (calls, [])
        with pytest.raises(TTransportException):  # a failure is final
            self._driver.call("after", self._body(""))

    def _interfere(self, words: list[str]) -> None:
        other = "framed" if self._framing == "unframed" else "unframed"
        match words:
            case ["send", "client", "cut", count, *message]:
                self._driver.send_to_client(self._message(self._framing, message)[: -int(count)])
            case ["send", "client", "foreign", *message]:
                self._driver.send_to_client(self._message(other, message))
            case ["send", "client", *message]:
                self._driver.send_to_client(self._message(self._framing, message))
            case ["send", "server", "bytes", data]:
                self._driver.send_to_server(bytes.fromhex(data))
            case ["send", "server", *message]:
                self._driver.send_to_server(self._message(self._framing, message))
            case ["close", "client"]:
                self._driver.close_client()
            case ["close", "server"]:
                self._driver.close_server()
            case _:
                raise no_such_step(words)

    def _body(self, text: str) -> bytes:
        if text == "nothing":
            return b"{}" if "json" in self._protocol else b"\0"
        return fastthrift.serialize(Text(text), self._protocol)

    def _message(self, framing: str, words: list[str]) -> bytes:
        """Write a message by hand: its type, function, sequence id and text."""
        kind, function, number, text = words
        name, _, distance = number.partition("+")
        known = self._calls.get(name)
        identity = int(number) if known is None else sequence_id(known) + int(distance or 0)
        end = b""
        if self._protocol == "json":
            header, end = f'[1,"{function}",{TYPES[kind]},{identity},'.encode(), b"]"
        elif self._protocol == "simplejson":
            header, end = f'["{function}",{TYPES[kind]},{identity},'.encode(), b"]"
        elif self._protocol == "binary":
            header = struct.pack(">BBBBi", 0x80, 1, 0, TYPES[kind], len(function)) + function.encode()
            header += struct.pack(">i", identity)
        else:
            header = bytes([0x82, TYPES[kind] << 5 | 1, identity, len(function)]) + function.encode()
        message = header + self._body(text) + end
        if framing == "header":
            number = {"binary": 0, "json": 1, "compact": 2, "simplejson": 5}[self._protocol]
            message = struct.pack(">HHiHBBBB", 0x0FFF, 0, identity, 1, number, 0, 0, 0) + message
        return message if framing == "unframed" else struct.pack(">i", len(message)) + message


def sequence_id(call: int) -> int:
    """Return a call's number on the wire: the lower half of its own."""
    return struct.unpack(">i", struct.pack(">Q", call)[4:])[0]


def no_such_step(words: list[str]) -> AssertionError:
    return AssertionError(f"there is no such step: {words}")


def expect_refusal(error: str, command: Callable[..., Any], *arguments: Any, **options: Any) -> None:
    with pytest.raises(ValueError, match=re.escape(error)):
        command(*arguments, **options)


async def failure_of(wait: Callable[[], Awaitable[Any]]) -> TTransportException:
    with pytest.raises(TTransportException) as caught:
        await wait()
    return caught.value


def expect_failure(error: TTransportException, by: str, text: str) -> None:
    assert text in str(error)
    assert (error.type == TTransportException.END_OF_FILE) == (by == "network")
