"""The conversations that the Rust drivers pass, under asyncio."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest

from tests.python.drivers.aio import ClientProtocol, Request, ServerProtocol
from tests.python.drivers.conversation import Held, Scenario, scenarios

PATIENCE = 20.0
SCENARIOS = scenarios()


class Pair:
    """A client and a server on the two ends of a socket, both on one event loop."""

    def __init__(self, client: ClientProtocol, server: ServerProtocol) -> None:
        self._client, self._server = client, server
        self.client, self.server = client.connection, server.connection
        self.call, self.cancel = client.call, client.cancel

    async def event(self) -> tuple[int, Any, dict[str, str]]:
        return await self._next(self._client.events)

    async def request(self) -> Request | None:
        return await self._next(self._server.requests)

    def answer(self, answer: Callable[..., None], *arguments: Any, **options: Any) -> None:
        answer(*arguments, **options)
        self._server.pump()

    def send_to_client(self, data: bytes) -> None:
        self._server.transport.write(data)

    def send_to_server(self, data: bytes) -> None:
        self._client.transport.write(data)

    def close_client(self) -> None:
        self._client.transport.write_eof()

    def close_server(self) -> None:
        self._server.transport.write_eof()

    async def _next(self, queue: asyncio.Queue[Any]) -> Any:
        found = await asyncio.wait_for(queue.get(), PATIENCE)
        if isinstance(found, Exception):
            raise found
        return found


async def hold(scenario: Scenario, protocol: str, transport: str) -> None:
    ends = socket.socketpair()
    loop = asyncio.get_running_loop()
    config = {"protocol": protocol, "transport": transport, **scenario.client}
    client_transport, client = await loop.create_connection(lambda: ClientProtocol(**config), sock=ends[0])
    server_transport, server = await loop.connect_accepted_socket(lambda: ServerProtocol(**scenario.server), ends[1])
    try:
        await Held(Pair(client, server), protocol, transport).hold(scenario)
    finally:
        client_transport.close()
        server_transport.close()


@pytest.mark.parametrize("transport", ["framed", "unframed", "header"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=[scenario.name for scenario in SCENARIOS])
def test_under_asyncio(scenario: Scenario, protocol: str, transport: str) -> None:
    asyncio.run(hold(scenario, protocol, transport))


def test_there_are_conversations() -> None:
    assert len(SCENARIOS) > 25
