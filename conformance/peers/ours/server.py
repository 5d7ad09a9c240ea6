"""Serves with fastthrift, and prints where."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from pathlib import Path

import fastthrift
import fastthrift.aio
from checks import MULTIPLEXED_NAME
from handler import Handler

parser = argparse.ArgumentParser()
parser.add_argument("--engine", choices=["blocking", "asyncio"], required=True)
for name in ("url", "idl"):
    parser.add_argument(f"--{name}", required=True)
for name in ("cert", "key"):
    parser.add_argument(f"--{name}")
asked, _ = parser.parse_known_args()  # How a client speaks, the server finds out.

logging.getLogger("fastthrift").addHandler(logging.NullHandler())
types = fastthrift.load(Path(asked.idl))
handlers = {MULTIPLEXED_NAME: Handler(types), "": Handler(types)}


def tls() -> fastthrift.ServerTLS | None:
    """Return who the server is, where the URL says TLS."""
    return fastthrift.ServerTLS(asked.cert, asked.key) if asked.url.startswith(("tls:", "https:")) else None


def serve_blocking() -> None:
    with fastthrift.Server(handlers, asked.url, service=types.Conformance, tls=tls()) as server:
        print(f"listening {server.url}", flush=True)
        signal.pause()


async def serve_asyncio() -> None:
    async with fastthrift.aio.Server(handlers, asked.url, service=types.Conformance, tls=tls()) as server:
        print(f"listening {server.url}", flush=True)
        await asyncio.Event().wait()


if asked.engine == "blocking":
    serve_blocking()
else:
    asyncio.run(serve_asyncio())
