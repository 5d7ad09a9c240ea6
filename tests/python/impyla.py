"""impyla, the client of Hive and Impala, before a server of ours: what it says who it is by is thrift_sasl."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import fastthrift
from impala import dbapi

from examples.demo.hive_server import ROWS, Warehouse


@contextmanager
def warehouse(sasl: Mapping[str, Any]) -> Iterator[tuple[fastthrift.Server, set[str | None]]]:
    """Serve the demo's table, and note the users that came."""
    spec = find_spec("impala")
    assert spec is not None
    assert spec.origin is not None
    tcli: Any = fastthrift.load(Path(spec.origin).parent / "thrift" / "TCLIService.thrift")
    users: set[str | None] = set()

    def note(call: fastthrift.Call, proceed: Any) -> Any:
        users.add(call.user)
        return proceed()

    server = fastthrift.Server(
        Warehouse(tcli), "tcp://localhost:0", service=tcli.TCLIService, sasl=sasl, interceptors=[note]
    )
    with server:
        yield server, users


def read_table(url: str, **options: Any) -> None:
    """Read the table through a cursor."""
    address = urlsplit(url)
    connection = dbapi.connect("localhost", address.port, timeout=30, **options)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM items")
            assert cursor.fetchall() == ROWS
    finally:
        connection.close()
