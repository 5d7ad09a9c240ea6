"""Clients of `Hbase.thrift`: fastthrift's, and the real happybase, which stands on thriftpy2."""

from __future__ import annotations

from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import fastthrift
import happybase

from examples.demo.check import calls_per_second, expect, expect_raised
from examples.demo.idl import hbase

theirs = import_module("Hbase_thrift")
"""The types as happybase loaded them: to it, its own exceptions are raised."""


def with_fastthrift(url: str, protocol: Any, transport: Any) -> float:
    """Use a table through fastthrift and return how many calls a second `getRow` does."""
    with fastthrift.connect(hbase.Hbase, url, protocol=protocol, transport=transport, timeout=5.0) as client:
        table = f"{protocol} {transport} {url}".encode()
        client.createTable(table, [hbase.ColumnDescriptor(name=b"info:")])
        expect(table in client.getTableNames(), True)
        puts = [hbase.Mutation(column=b"info:%d" % number, value=bytes(range(256))) for number in range(3)]
        client.mutateRow(table, b"row 1", puts, {})
        client.mutateRows(table, [hbase.BatchMutation(b"row %d" % number, puts) for number in (2, 3)], {})
        scan(client, table, [b"row 1", b"row 2", b"row 3"])
        expect(client.atomicIncrement(table, b"row 3", b"info:hits", 40), 40)
        expect(client.atomicIncrement(table, b"row 3", b"info:hits", value=2), 42)
        client.deleteAllRow(table, b"row 3", {})
        scan(client, table, [b"row 1", b"row 2"])
        expect(client.getRow(table, b"row 3", {}), [])
        expect([row.row for row in client.getRows(table, [b"row 2", b"row 9"], {})], [b"row 2"])
        raise_exceptions(client, table)
        row = client.getRow(table, b"row 1", {})
        expect({name: cell.value for name, cell in row[0].columns.items()}, {put.column: put.value for put in puts})
        return calls_per_second(lambda: client.getRow(table, b"row 1", {}), row)


def scan(client: Any, table: bytes, rows: list[bytes]) -> None:
    scanner = client.scannerOpenWithScan(table, hbase.TScan(startRow=b"row", columns=[b"info"]), {})
    expect([result.row for result in client.scannerGetList(scanner, 100)], rows)
    expect(client.scannerGetList(scanner, 100), [])
    client.scannerClose(scanner)


def raise_exceptions(client: Any, table: bytes) -> None:
    """Get each exception that the IDL declares, and one that it does not."""
    families = [hbase.ColumnDescriptor(name=b"info:")]
    expect_raised(hbase.AlreadyExists, client.createTable, table, families)
    expect_raised(hbase.IllegalArgument, client.createTable, b"no families", [])
    error = expect_raised(hbase.IOError, client.getRow, b"nothing", b"row", {})
    expect(error.message, "no table b'nothing'")
    expect_raised(fastthrift.TApplicationException, client.getRegionInfo, b"row")


def with_happybase(url: str, protocol: str, transport: str) -> float:
    """Use a table through happybase and return how many calls a second its `row` does."""
    address = urlsplit(url)
    connection = happybase.Connection(
        address.hostname, address.port, protocol=protocol, transport={"unframed": "buffered"}.get(transport, transport)
    )
    name = f"happybase {protocol} {transport}".encode()
    connection.create_table(name, {"info": {"max_versions": 1}})
    expect(name in connection.tables(), True)
    expect_raised(theirs.AlreadyExists, connection.create_table, name, {"info": {}})
    table = connection.table(name)
    expect(table.families()[b"info"]["max_versions"], 1)
    data = {b"info:%d" % number: bytes(range(256)) for number in range(3)}
    with table.batch() as batch:
        for row in (b"row 1", b"row 2", b"row 3"):
            batch.put(row, data)
    expect(table.counter_inc(b"row 3", b"info:hits", 42), 42)
    table.delete(b"row 3")
    expect(list(table.scan(row_start=b"row", batch_size=1)), [(b"row 1", data), (b"row 2", data)])
    expect_raised(theirs.IOError, connection.table("nothing").row, b"row")
    speed = calls_per_second(lambda: table.row(b"row 1"), data)
    connection.close()
    return speed
