"""Calls a server with fastthrift, and checks every reply."""

from __future__ import annotations

import argparse
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import checks
import fastthrift

parser = argparse.ArgumentParser()
for name in ("url", "transport", "protocol", "idl"):
    parser.add_argument(f"--{name}", required=True)
for name in ("ca", "only"):
    parser.add_argument(f"--{name}")
asked = parser.parse_args()
types = fastthrift.load(Path(asked.idl))


def connect(service: str = "Conformance", multiplexed: str | None = None) -> AbstractContextManager[Any]:
    return fastthrift.connect(
        getattr(types, service),
        asked.url,
        protocol=asked.protocol,
        transport={"buffered": "unframed"}.get(asked.transport, asked.transport),
        timeout=20.0,
        service_name=multiplexed,
    )


sys.exit(checks.run(checks.Setting(connect, types, fastthrift.TApplicationException), asked.only))
