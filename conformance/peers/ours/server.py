"""Serves with fastthrift, and prints where."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from pathlib import Path
from typing import Any

import fastthrift
import fastthrift.aio
from checks import MULTIPLEXED_NAME, PASSWORD, USERNAME
from handler import Handler

parser = argparse.ArgumentParser()
parser.add_argument("--engine", choices=["blocking", "asyncio"], required=True)
for name in ("url", "idl"):
    parser.add_argument(f"--{name}", required=True)
for name in ("cert", "key", "transport"):
    parser.add_argument(f"--{name}")
asked, _ = (
    parser.parse_known_args()
)  # How a client speaks, the server finds out; but it has to be told to ask who calls.

logging.getLogger("fastthrift").addHandler(logging.NullHandler())
types = fastthrift.load(Path(asked.idl))
handlers = {MULTIPLEXED_NAME: Handler(types), "": Handler(types)}


def tls() -> fastthrift.ServerTLS | None:
    """Return who the server is, where the URL says TLS."""
    return fastthrift.ServerTLS(asked.cert, asked.key) if asked.url.startswith(("tls:", "https:")) else None


def is_known(username: str, password: str, authorization: str) -> bool:
    return (username, password, authorization) == (USERNAME, PASSWORD, "")


options: dict[str, Any] = {"service": types.Conformance, "tls": tls()}
if asked.transport == "sasl":
    options["sasl"] = {"PLAIN": is_known}


def serve_blocking() -> None:
    with fastthrift.Server(handlers, asked.url, **options) as server:
        print(f"listening {server.url}", flush=True)
        signal.pause()


async def serve_asyncio() -> None:
    async with fastthrift.aio.Server(handlers, asked.url, **options) as server:
        print(f"listening {server.url}", flush=True)
        await asyncio.Event().wait()


if asked.engine == "blocking":
    serve_blocking()
else:
    asyncio.run(serve_asyncio())
