"""Calls a server with fastthrift, and checks every reply."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import checks
import fastthrift
import fastthrift.aio
from fastthrift import sasl

parser = argparse.ArgumentParser()
parser.add_argument("--engine", choices=["blocking", "asyncio"], required=True)
for name in ("url", "transport", "protocol", "idl"):
    parser.add_argument(f"--{name}", required=True)
for name in ("ca", "only"):
    parser.add_argument(f"--{name}")
asked = parser.parse_args()
types = fastthrift.load(Path(asked.idl))
loop = asyncio.new_event_loop()


def options(multiplexed: str | None) -> dict[str, Any]:
    """Return what to connect with, of either engine."""
    return {
        "protocol": asked.protocol,
        "transport": None if asked.url.startswith("http") or asked.transport == "sasl" else asked.transport,
        "timeout": 10.0,
        "service_name": multiplexed,
        **({"sasl": sasl.Plain(checks.USERNAME, checks.PASSWORD)} if asked.transport == "sasl" else {}),
        **({"tls": fastthrift.ClientTLS(ca_file=asked.ca)} if asked.url.startswith(("tls:", "https:")) else {}),
    }


class Waiting:
    """A client on an event loop with the face of a blocking one: it runs the loop until the reply is there."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, function: str) -> Callable[..., Any]:
        async def call(*arguments: Any) -> Any:
            return await getattr(self._client, function)(*arguments)

        return lambda *arguments: loop.run_until_complete(call(*arguments))


@contextmanager
def connect_blocking(service: str = "Conformance", multiplexed: str | None = None) -> Iterator[Any]:
    with fastthrift.connect(getattr(types, service), asked.url, **options(multiplexed)) as client:
        yield client


@contextmanager
def connect_asyncio(service: str = "Conformance", multiplexed: str | None = None) -> Iterator[Any]:
    connecting = fastthrift.aio.connect(getattr(types, service), asked.url, **options(multiplexed))
    client = loop.run_until_complete(connecting.__aenter__())
    try:
        yield Waiting(client)
    finally:
        loop.run_until_complete(connecting.__aexit__(None, None, None))


connect = connect_blocking if asked.engine == "blocking" else connect_asyncio
sys.exit(checks.run(checks.Setting(connect, types, fastthrift.TApplicationException), asked.only))
