"""Apache's own Python library as an oracle: types as data, and a walk over them that calls `TProtocol` alone."""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass, field
from typing import Any

from fastthrift._containers import FrozenDict
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.protocol.TCompactProtocol import TCompactProtocol
from thrift.protocol.TJSONProtocol import ESCAPE_CHAR_VALS, TJSONProtocol
from thrift.Thrift import TType
from thrift.transport.TTransport import TMemoryBuffer


class JsonProtocol(TJSONProtocol):
    """Apache's JSON where that is JSON: what Python's library writes else, it does as C++'s does."""

    def writeJSONString(self, string: str) -> None:
        escaped = (
            f"\\u{ord(each):04x}" if each < " " and each not in ESCAPE_CHAR_VALS else ESCAPE_CHAR_VALS.get(each, each)
            for each in string
        )
        self.context.write()
        self.trans.write(f'"{"".join(escaped)}"'.encode())

    def writeDouble(self, dbl: float) -> None:
        if math.isfinite(dbl):
            super().writeDouble(dbl)
        else:
            self.writeJSONString("NaN" if math.isnan(dbl) else "Infinity" if dbl > 0 else "-Infinity")


PROTOCOLS = {"binary": TBinaryProtocol, "compact": TCompactProtocol, "json": JsonProtocol}

TTYPES = {
    "bool": TType.BOOL, "i8": TType.BYTE, "i16": TType.I16, "i32": TType.I32, "i64": TType.I64, "double": TType.DOUBLE,
    "string": TType.STRING, "binary": TType.STRING, "uuid": TType.UUID, "enum": TType.I32, "struct": TType.STRUCT,
    "list": TType.LIST, "set": TType.SET, "map": TType.MAP,
}  # fmt: skip

METHODS = {
    "bool": "Bool", "i8": "Byte", "i16": "I16", "i32": "I32", "i64": "I64", "double": "Double", "string": "String",
    "binary": "Binary", "uuid": "Uuid", "enum": "I32",
}  # fmt: skip


@dataclass(frozen=True)
class Type:
    """A type of the IDL: a kind, what it names, the types inside it, and the typedef that it is written as."""

    kind: str
    name: str = ""
    inner: tuple[Type, ...] = ()
    alias: str = ""

    @property
    def idl(self) -> str:
        if self.alias:
            return self.alias
        if self.inner:
            return f"{self.kind}<{', '.join(inner.idl for inner in self.inner)}>"
        return self.name or self.kind


@dataclass(frozen=True)
class Field:
    """A field of a struct."""

    id: int
    name: str
    type: Type
    requiredness: str = ""


@dataclass
class Struct:
    """A struct, union or exception."""

    name: str
    kind: str = "struct"
    fields: list[Field] = field(default_factory=list)

    @property
    def idl(self) -> str:
        lines = [f"  {field.id}: {field.requiredness} {field.type.idl} {field.name}" for field in self.fields]
        return "\n".join([f"{self.kind} {self.name} {{", *lines, "}"])


class Oracle:
    """Writes and reads values of a module's classes with Apache's library."""

    def __init__(self, module: Any, structs: list[Struct]) -> None:
        self.module = module
        self.structs = {struct.name: struct for struct in structs}

    def encode(self, name: str, value: Any, protocol: str) -> bytes:
        """Return a struct's bytes; fields go by rising ids, as in the code that Apache's compiler generates."""
        buffer = TMemoryBuffer()
        self._write(PROTOCOLS[protocol](buffer), Type("struct", name), value)
        return bytes(buffer.getvalue())

    def decode(self, name: str, data: bytes, protocol: str) -> Any:
        """Return a struct that is read from all of some bytes."""
        buffer = TMemoryBuffer(data)
        value = self._read(PROTOCOLS[protocol](buffer), Type("struct", name), is_key=False)
        assert buffer.cstringio_buf.tell() == len(data)
        return value

    def _write(self, output: Any, of: Type, value: Any) -> None:
        if of.kind in METHODS:
            getattr(output, f"write{METHODS[of.kind]}")(value)
        elif of.kind == "struct":
            self._write_struct(output, self.structs[of.name], value)
        elif of.kind == "map":
            output.writeMapBegin(*(TTYPES[inner.kind] for inner in of.inner), len(value))
            for entry in value.items():
                for inner, part in zip(of.inner, entry, strict=True):
                    self._write(output, inner, part)
            output.writeMapEnd()
        else:
            begin, end = ("writeSetBegin", "writeSetEnd") if of.kind == "set" else ("writeListBegin", "writeListEnd")
            getattr(output, begin)(TTYPES[of.inner[0].kind], len(value))
            for element in value:
                self._write(output, of.inner[0], element)
            getattr(output, end)()

    def _write_struct(self, output: Any, struct: Struct, value: Any) -> None:
        output.writeStructBegin(struct.name)
        for each in sorted(struct.fields, key=lambda each: each.id):
            part = getattr(value, each.name)
            if part is not None:
                output.writeFieldBegin(each.name, TTYPES[each.type.kind], each.id)
                self._write(output, each.type, part)
                output.writeFieldEnd()
        output.writeFieldStop()
        output.writeStructEnd()

    def _read(self, source: Any, of: Type, *, is_key: bool) -> Any:
        if of.kind == "enum":
            return getattr(self.module, of.name)(source.readI32())
        if of.kind in METHODS:
            return getattr(source, f"read{METHODS[of.kind]}")()
        if of.kind == "struct":
            return self._read_struct(source, self.structs[of.name])
        if of.kind == "map":
            _, _, size = source.readMapBegin()
            key, value = of.inner
            entries = {
                self._read(source, key, is_key=True): self._read(source, value, is_key=is_key) for _ in range(size)
            }
            source.readMapEnd()
            return FrozenDict(entries) if is_key else entries
        if of.kind == "set":
            _, size = source.readSetBegin()
            elements = [self._read(source, of.inner[0], is_key=True) for _ in range(size)]
            source.readSetEnd()
            return frozenset(elements) if is_key else set(elements)
        _, size = source.readListBegin()
        elements = [self._read(source, of.inner[0], is_key=is_key) for _ in range(size)]
        source.readListEnd()
        return tuple(elements) if is_key else elements

    def _read_struct(self, source: Any, struct: Struct) -> Any:
        by_id, values = {each.id: each for each in struct.fields}, {}
        source.readStructBegin()
        while True:
            _, ttype, number = source.readFieldBegin()
            if ttype == TType.STOP:
                break
            each = by_id[number]
            assert ttype == TTYPES[each.type.kind]
            values[each.name] = self._read(source, each.type, is_key=False)
            source.readFieldEnd()
        source.readStructEnd()
        return getattr(self.module, struct.name)(**values)


def same(left: Any, right: Any) -> bool:
    """Whether two structs are of one class and hold equal fields (to `==`, an exception is equal to itself alone)."""
    return type(left) is type(right) and all(getattr(left, name) == getattr(right, name) for name in left.__slots__)


def specification(cls: type, fields: list[Field], classes: dict[str, type]) -> tuple[object, ...]:
    """Return a `thrift_spec` as Apache's compiler writes it; ids must be positive."""
    by_id = {each.id: each for each in fields}

    def arguments(of: Type, *, is_key: bool = False) -> object:
        if of.kind in ("string", "binary"):
            return "UTF8" if of.kind == "string" else "BINARY"
        if of.kind == "struct":
            inner = classes[of.name]
            return [inner, inner.thrift_spec]  # type: ignore[attr-defined]
        parts = [
            part
            for place, inner in enumerate(of.inner)
            for part in (TTYPES[inner.kind], arguments(inner, is_key=is_key or (of.kind != "list" and place == 0)))
        ]
        return (*parts, is_key) if parts else None

    return tuple(
        (each.id, TTYPES[each.type.kind], each.name, arguments(each.type), None) if each else None
        for each in (by_id.get(number) for number in range(max(by_id) + 1))
    )


SCALARS: dict[str, list[object]] = {
    "bool": [True, False],
    "i8": [0, -1, 127, -128],
    "i16": [0, -1, 63, 64, -64, -65, 2**15 - 1, -(2**15)],
    "i32": [0, 1, -1, 8191, 8192, 2**30 - 1, 2**30, 2**31 - 1, -(2**31)],
    "i64": [0, 1, -1, 2**31, 2**32, 2**59, 2**60, -(2**60), 2**62, 2**63 - 1, -(2**63)],
    "double": [0.0, -0.0, 1.5, -1e308, 5e-324, 2.2250738585072014e-308, float("inf"), float("-inf")],
    "string": ["", "a", "seven ch", "é", "漢字", "😀" * 40, "nul\0inside", "x" * 127, "x" * 128, "y" * 20_000],
    "binary": [b"", b"\0", bytes(range(256)), b"\xff" * 300],
    "uuid": [uuid.UUID(int=0), uuid.UUID(int=2**128 - 1), uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")],
    "enum": [0, 1, -5, 2**31 - 1],
}
"""Numbers at the edges of their encodings, and text of all widths."""
