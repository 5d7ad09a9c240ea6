"""Clients and servers on an event loop: asyncio's own, uvloop's, or another that behaves like them."""

from __future__ import annotations

from fastthrift.aio._client import Client, connect
from fastthrift.aio._custom import AsyncTransport
from fastthrift.aio._processor import Processor
from fastthrift.aio._server import Server, serve

__all__ = ["AsyncTransport", "Client", "Processor", "Server", "connect", "serve"]
