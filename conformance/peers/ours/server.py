"""Serves with fastthrift, and prints where."""

from __future__ import annotations

import argparse
import logging
import signal
from pathlib import Path

import fastthrift
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
tls = fastthrift.ServerTLS(asked.cert, asked.key) if asked.url.startswith(("tls:", "https:")) else None
with fastthrift.Server(handlers, asked.url, service=types.Conformance, tls=tls) as server:
    print(f"listening {server.url}", flush=True)
    signal.pause()
