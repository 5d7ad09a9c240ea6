"""A handler of `TCLIService.thrift`, the service of Hive and Impala: one table, which every statement reads.

The types come in as a module. Fastthrift's and those of Apache's generated code are constructed and read alike, so the
same handler runs on both servers.
"""

from __future__ import annotations

import uuid
from typing import Any

ROWS = [(number, f"item {number}", None if number % 7 == 0 else number / 4) for number in range(250)]
"""The table: an id, a name and a price, which some items do not have."""


class Warehouse:
    """Sessions, and the operations that run in them."""

    def __init__(self, types: Any) -> None:
        self._types = types
        self._ok = types.TStatus(statusCode=types.TStatusCode.SUCCESS_STATUS)
        self._sessions: set[bytes] = set()
        self._positions: dict[bytes, int] = {}

    def OpenSession(self, request: Any) -> Any:
        handle = self._types.TSessionHandle(sessionId=self._new_id())
        self._sessions.add(handle.sessionId.guid)
        return self._types.TOpenSessionResp(
            status=self._ok,
            serverProtocolVersion=request.client_protocol,
            sessionHandle=handle,
            configuration={"user": request.username or "nobody"},
        )

    def CloseSession(self, request: Any) -> Any:
        self._sessions.discard(request.sessionHandle.sessionId.guid)
        return self._types.TCloseSessionResp(status=self._ok)

    def GetInfo(self, request: Any) -> Any:
        if request.infoType != self._types.TGetInfoType.CLI_DBMS_NAME:
            value = self._types.TGetInfoValue(lenValue=0)
        else:
            value = self._types.TGetInfoValue(stringValue="a list in Python")
        return self._types.TGetInfoResp(status=self._ok, infoValue=value)

    def ExecuteStatement(self, request: Any) -> Any:
        if request.sessionHandle.sessionId.guid not in self._sessions:
            status = self._types.TStatus(
                statusCode=self._types.TStatusCode.INVALID_HANDLE_STATUS, errorMessage="the session is closed"
            )
            return self._types.TExecuteStatementResp(status=status)
        kind = self._types.TOperationType.EXECUTE_STATEMENT
        handle = self._types.TOperationHandle(operationId=self._new_id(), operationType=kind, hasResultSet=True)
        self._positions[handle.operationId.guid] = 0
        return self._types.TExecuteStatementResp(status=self._ok, operationHandle=handle)

    def GetOperationStatus(self, request: Any) -> Any:
        return self._types.TGetOperationStatusResp(
            status=self._ok, operationState=self._types.TOperationState.FINISHED_STATE
        )

    def GetResultSetMetadata(self, request: Any) -> Any:
        types = self._types.TTypeId
        columns = [("id", types.INT_TYPE), ("name", types.STRING_TYPE), ("price", types.DOUBLE_TYPE)]
        described = [self._column(name, kind, place) for place, (name, kind) in enumerate(columns, start=1)]
        return self._types.TGetResultSetMetadataResp(
            status=self._ok, schema=self._types.TTableSchema(columns=described)
        )

    def GetLog(self, request: Any) -> Any:
        return self._types.TGetLogResp(status=self._ok, log="")

    def FetchResults(self, request: Any) -> Any:
        operation = request.operationHandle.operationId.guid
        start = self._positions[operation]
        rows = ROWS[start : start + request.maxRows]
        self._positions[operation] = start + len(rows)
        results = self._types.TRowSet(startRowOffset=start, rows=[], columns=self._columns(rows))
        more = self._positions[operation] < len(ROWS)
        return self._types.TFetchResultsResp(status=self._ok, hasMoreRows=more, results=results)

    def CloseOperation(self, request: Any) -> Any:
        del self._positions[request.operationHandle.operationId.guid]
        return self._types.TCloseOperationResp(status=self._ok)

    def _new_id(self) -> Any:
        return self._types.THandleIdentifier(guid=uuid.uuid4().bytes, secret=b"")

    def _column(self, name: str, kind: Any, place: int) -> Any:
        entry = self._types.TTypeEntry(primitiveEntry=self._types.TPrimitiveTypeEntry(type=kind))
        return self._types.TColumnDesc(columnName=name, typeDesc=self._types.TTypeDesc(types=[entry]), position=place)

    def _columns(self, rows: list[tuple[int, str, float | None]]) -> list[Any]:
        """Return the rows as columns; a bit for each row says where a value is absent."""
        none = bytes(-(-len(rows) // 8))
        ids = self._types.TI32Column(values=[row[0] for row in rows], nulls=none)
        names = self._types.TStringColumn(values=[row[1].encode() for row in rows], nulls=none)
        absent = sum(1 << place for place, row in enumerate(rows) if row[2] is None).to_bytes(len(none), "little")
        prices = self._types.TDoubleColumn(values=[row[2] or 0.0 for row in rows], nulls=absent)
        column = self._types.TColumn
        return [column(i32Val=ids), column(stringVal=names), column(doubleVal=prices)]
