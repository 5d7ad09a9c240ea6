"""Clients of `TCLIService.thrift`: fastthrift's and Apache's generated one are used alike, and impyla stands on it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import fastthrift
from impala import dbapi

from examples.demo import apache
from examples.demo.check import calls_per_second, expect
from examples.demo.hive_server import ROWS
from examples.demo.idl import tcli

PAGE = 100


def with_fastthrift(url: str, protocol: Any, transport: Any) -> float:
    with fastthrift.connect(tcli.TCLIService, url, protocol=protocol, transport=transport, timeout=5.0) as client:
        return converse(client, tcli)


def with_apache(url: str, protocol: str, transport: str) -> float:
    with apache.client(url, protocol, transport) as client:
        return converse(client, apache.ttypes)


def converse(client: Any, types: Any) -> float:
    """Read the table through a client, and return how many calls a second `GetInfo` does.

    Args:
        client: A client of either library.
        types: The module of its types.
    """
    session = client.OpenSession(types.TOpenSessionReq(username="demo"))
    expect(session.status.statusCode, types.TStatusCode.SUCCESS_STATUS)
    expect(session.configuration, {"user": "demo"})
    question = types.TGetInfoReq(sessionHandle=session.sessionHandle, infoType=types.TGetInfoType.CLI_DBMS_NAME)
    answer = client.GetInfo(question)
    expect(answer.infoValue.stringValue, "a list in Python")
    statement = types.TExecuteStatementReq(sessionHandle=session.sessionHandle, statement="SELECT * FROM items")
    operation = client.ExecuteStatement(statement).operationHandle
    expect(fetch_all(client, types, operation), ROWS)
    client.CloseOperation(types.TCloseOperationReq(operationHandle=operation))
    speed = calls_per_second(lambda: client.GetInfo(question), answer)
    client.CloseSession(types.TCloseSessionReq(sessionHandle=session.sessionHandle))
    refused = client.ExecuteStatement(statement)
    expect(refused.status.statusCode, types.TStatusCode.INVALID_HANDLE_STATUS)
    expect(refused.status.errorMessage, "the session is closed")
    return speed


def fetch_all(client: Any, types: Any, operation: Any) -> list[tuple[int, str, float | None]]:
    """Fetch pages until there are no more, and make rows of their columns."""
    rows: list[tuple[int, str, float | None]] = []
    while True:
        page = client.FetchResults(types.TFetchResultsReq(operationHandle=operation, maxRows=PAGE))
        expect(page.results.startRowOffset, len(rows))
        ids, names, prices = page.results.columns
        absent = int.from_bytes(prices.doubleVal.nulls, "little")
        values = zip(ids.i32Val.values, names.stringVal.values, prices.doubleVal.values, strict=True)
        for place, (number, name, price) in enumerate(values):
            rows.append((number, name.decode(), None if absent >> place & 1 else price))
        if not page.hasMoreRows:
            return rows


def with_impyla(url: str, protocol: str, transport: str) -> float:
    """Read the table through impyla's cursor, which speaks unframed Binary, and return its statements a second."""
    expect((protocol, transport), ("binary", "unframed"))
    address = urlsplit(url)
    connection = dbapi.connect(address.hostname, address.port, auth_mechanism="NOSASL", user="demo")

    def select() -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM items")
            return list(cursor.fetchall())

    speed = calls_per_second(select, ROWS)
    connection.close()
    return speed
