"""A server of `Hbase.thrift`: tables that live in memory."""

from __future__ import annotations

import struct
import threading
import time
from itertools import count, islice
from typing import Any

from examples.demo.idl import hbase

Attributes = dict[bytes, bytes]
Row = dict[bytes, Any]
"""A row's cells by the name of their column, which is `family:qualifier`."""


class Table:
    """Rows by key, and what column families they may have."""

    def __init__(self, families: list[Any]) -> None:
        self.families = {family.name.rstrip(b":"): family for family in families}
        self.rows: dict[bytes, Row] = {}

    def put(self, row: bytes, column: bytes, value: bytes) -> None:
        if column.partition(b":")[0] not in self.families:
            raise hbase.IllegalArgument(f"no column family for {column!r}")
        self.rows.setdefault(row, {})[column] = hbase.TCell(value, int(time.time() * 1000))

    def delete(self, row: bytes, column: bytes) -> None:
        """Delete a column, or all columns of a family."""
        cells = self.rows.get(row, {})
        for name in [name for name in cells if name == column or name.startswith(column.rstrip(b":") + b":")]:
            del cells[name]

    def read(self, row: bytes, columns: list[bytes] | None) -> list[Any]:
        """Return the row, or no row when nothing is there."""
        cells = self.rows.get(row, {})
        if columns is not None:
            cells = {
                name: cell for name, cell in cells.items() if name in columns or name.partition(b":")[0] in columns
            }
        return [hbase.TRowResult(row, cells)] if cells else []


# A handler extends the service's class and writes the functions that it has; a call of another gets an exception.
class Tables(hbase.Hbase):  # type: ignore[misc, name-defined]  # the class is made when the file is loaded
    """All tables. Handlers run on several threads, so a lock guards them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tables: dict[bytes, Table] = {}
        self._scanners: dict[int, Any] = {}
        self._scanner_ids = count(1)

    def createTable(self, name: bytes, families: list[Any]) -> None:
        if not families:
            raise hbase.IllegalArgument("a table needs a column family")
        with self._lock:
            if name in self._tables:
                raise hbase.AlreadyExists(f"table {name!r} is there already")
            self._tables[name] = Table(families)

    def getTableNames(self) -> list[bytes]:
        with self._lock:
            return sorted(self._tables)

    def getColumnDescriptors(self, name: bytes) -> dict[bytes, Any]:
        with self._lock:
            return {family + b":": descriptor for family, descriptor in self._table(name).families.items()}

    def mutateRow(self, name: bytes, row: bytes, mutations: list[Any], attributes: Attributes) -> None:
        self.mutateRows(name, [hbase.BatchMutation(row, mutations)], attributes)

    def mutateRows(self, name: bytes, batches: list[Any], attributes: Attributes) -> None:
        with self._lock:
            table = self._table(name)
            for batch in batches:
                for mutation in batch.mutations:
                    if mutation.isDelete:
                        table.delete(batch.row, mutation.column)
                    else:
                        table.put(batch.row, mutation.column, mutation.value)

    def getRow(self, name: bytes, row: bytes, attributes: Attributes) -> list[Any]:
        return self.getRowWithColumns(name, row, None, attributes)

    def getRowWithColumns(
        self, name: bytes, row: bytes, columns: list[bytes] | None, attributes: Attributes
    ) -> list[Any]:
        return self.getRowsWithColumns(name, [row], columns, attributes)

    def getRows(self, name: bytes, rows: list[bytes], attributes: Attributes) -> list[Any]:
        return self.getRowsWithColumns(name, rows, None, attributes)

    def getRowsWithColumns(
        self, name: bytes, rows: list[bytes], columns: list[bytes] | None, attributes: Attributes
    ) -> list[Any]:
        with self._lock:
            table = self._table(name)
            return [result for row in rows for result in table.read(row, columns)]

    def deleteAllRow(self, name: bytes, row: bytes, attributes: Attributes) -> None:
        with self._lock:
            self._table(name).rows.pop(row, None)

    def atomicIncrement(self, name: bytes, row: bytes, column: bytes, amount: int) -> int:
        with self._lock:
            table = self._table(name)
            cell = table.rows.get(row, {}).get(column)
            total = amount + (struct.unpack(">q", cell.value)[0] if cell else 0)
            table.put(row, column, struct.pack(">q", total))
            return total

    def scannerOpenWithScan(self, name: bytes, scan: Any, attributes: Attributes) -> int:
        with self._lock:
            table = self._table(name)
            start, stop = scan.startRow or b"", scan.stopRow
            keys = sorted(row for row in table.rows if row >= start and (not stop or row < stop))
            found = [result for row in keys for result in table.read(row, scan.columns)]
            scanner = next(self._scanner_ids)
            self._scanners[scanner] = iter(found)
            return scanner

    def scannerGetList(self, scanner: int, rows: int) -> list[Any]:
        with self._lock:
            return list(islice(self._scanner(scanner), rows))

    def scannerClose(self, scanner: int) -> None:
        with self._lock:
            self._scanner(scanner)
            del self._scanners[scanner]

    def _table(self, name: bytes) -> Table:
        try:
            return self._tables[name]
        except KeyError:
            raise hbase.IOError(f"no table {name!r}") from None

    def _scanner(self, scanner: int) -> Any:
        try:
            return self._scanners[scanner]
        except KeyError:
            raise hbase.IllegalArgument(f"no scanner {scanner}") from None
