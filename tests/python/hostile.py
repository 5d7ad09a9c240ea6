"""Messages written by hand, in each protocol, so that a test can make them say what no writer would."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterable
from dataclasses import dataclass

PROTOCOLS = ("binary", "compact", "json", "simplejson")

BINARY = {
    "bool": 2, "i8": 3, "double": 4, "i16": 6, "i32": 8, "i64": 10, "text": 11, "blob": 11, "struct": 12,
    "map": 13, "set": 14, "list": 15, "uuid": 16,
}  # fmt: skip
COMPACT = {
    "bool": 1, "i8": 3, "i16": 4, "i32": 5, "i64": 6, "double": 7, "text": 8, "blob": 8,
    "list": 9, "set": 10, "map": 11, "struct": 12, "uuid": 13,
}  # fmt: skip
JSON = {
    "bool": "tf", "i8": "i8", "i16": "i16", "i32": "i32", "i64": "i64", "double": "dbl", "text": "str", "blob": "str",
    "struct": "rec", "map": "map", "set": "set", "list": "lst", "uuid": "uid",
}  # fmt: skip
WIDTHS = {"i8": ">b", "i16": ">h", "i32": ">i", "i64": ">q"}


def varint(number: int) -> bytes:
    """Return a number of at least 0 as Compact writes it, however large."""
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*groups, number])


def zigzag(number: int) -> bytes:
    """Return a number as Compact writes it, however large."""
    return varint(2 * number if number >= 0 else -2 * number - 1)


@dataclass(frozen=True)
class Wire:
    """What values look like in one protocol. Nothing is checked: sizes and types are whatever the caller says."""

    protocol: str

    @property
    def is_text(self) -> bool:
        """Whether it is one of the two kinds of JSON."""
        return self.protocol in ("json", "simplejson")

    def number(self, kind: str, value: int) -> bytes:
        """Return an integer; Binary's wraps."""
        if self.is_text:
            return str(value).encode()
        if self.protocol == "compact":
            return struct.pack("b", value) if kind == "i8" else zigzag(value)
        return struct.pack(WIDTHS[kind], value)

    def double(self, value: float) -> bytes:
        """Return a double."""
        if self.is_text:
            return repr(value).encode() if value == value and abs(value) != float("inf") else b'"NaN"'
        return struct.pack("<d" if self.protocol == "compact" else ">d", value)

    def text(self, value: bytes, claim: int | None = None) -> bytes:
        """Return a text of these bytes, said to be of another size."""
        if self.is_text:
            cut = claim is not None and claim > len(value)
            return b'"' + value + (b"" if cut else b'"')
        size = len(value) if claim is None else claim
        return (varint(size % 2**32) if self.protocol == "compact" else struct.pack(">I", size % 2**32)) + value

    def blob(self, value: bytes, claim: int | None = None) -> bytes:
        """Return a `binary`."""
        return self.text(base64.b64encode(value) if self.is_text else value, claim)

    def uuid(self, number: int) -> bytes:
        """Return a UUID."""
        if self.is_text:
            digits = f"{number:032x}"
            return f'"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"'.encode()
        return number.to_bytes(16, "big")

    def flag(self, value: bool) -> bytes:
        """Return a bool that is an element."""
        if self.protocol == "simplejson":
            return b"true" if value else b"false"
        return (
            b"01"[value : value + 1] if self.protocol == "json" else bytes([value or (self.protocol == "compact") * 2])
        )

    def field(self, number: int, name: str, kind: str, value: bytes) -> bytes:
        """Return a field; a bool's value is that of an element."""
        if self.protocol == "binary":
            return struct.pack(">bh", BINARY[kind], number) + value
        if self.protocol == "compact":
            header = value if kind == "bool" else bytes([COMPACT[kind]])
            return header + zigzag(number) + (b"" if kind == "bool" else value)
        if self.protocol == "json":
            return f'"{number}":{{"{JSON[kind]}":'.encode() + value + b"}"
        return json.dumps(name).encode() + b":" + value

    def structure(self, *fields: bytes) -> bytes:
        """Return a struct of these fields."""
        return b"{" + b",".join(fields) + b"}" if self.is_text else b"".join(fields) + b"\0"

    def sequence(self, kind: str, items: Iterable[bytes], claim: int | None = None) -> bytes:
        """Return a list or set, said to have another size; JSON without sizes is not closed then."""
        parts = list(items)
        size = len(parts) if claim is None else claim
        if self.protocol == "binary":
            return struct.pack(">bI", BINARY[kind], size % 2**32) + b"".join(parts)
        if self.protocol == "compact":
            tag, size = COMPACT[kind], size % 2**32
            head = bytes([size << 4 | tag]) if size < 15 else bytes([0xF0 | tag]) + varint(size)
            return head + b"".join(parts)
        head = [] if self.protocol == "simplejson" else [f'"{JSON[kind]}"'.encode(), str(size).encode()]
        is_open = size != len(parts) and self.protocol == "simplejson"
        return b"[" + b",".join([*head, *parts]) + (b"" if is_open else b"]")

    def mapping(self, key: str, value: str, items: Iterable[tuple[bytes, bytes]], claim: int | None = None) -> bytes:
        """Return a map, said to have another size; JSON without sizes is not closed then."""
        parts = list(items)
        size = (len(parts) if claim is None else claim) % 2**32
        if self.protocol == "binary":
            return struct.pack(">bbI", BINARY[key], BINARY[value], size) + b"".join(k + v for k, v in parts)
        if self.protocol == "compact":
            kinds = bytes([COMPACT[key] << 4 | COMPACT[value]]) if size else b""
            return varint(size) + kinds + b"".join(k + v for k, v in parts)
        return self._json_map(key, value, parts, len(parts) if claim is None else claim)

    def _json_map(self, key: str, value: str, parts: list[tuple[bytes, bytes]], size: int) -> bytes:
        if self.protocol == "simplejson" and key in ("struct", "list", "map", "set"):
            entries, close = b"[" + b",".join(b"[" + k + b"," + v + b"]" for k, v in parts), b"]"
        else:
            quote = b"" if key in ("text", "blob", "uuid") or key in ("struct", "list", "map", "set") else b'"'
            entries = b"{" + b",".join((k if k[:1] == b'"' else quote + k + quote) + b":" + v for k, v in parts)
            close = b"}"
        if self.protocol == "simplejson":
            return entries + (close if size == len(parts) else b"")
        return f'["{JSON[key]}","{JSON[value]}",{size},'.encode() + entries + close + b"]"

    def nested(self, opening: bytes, depth: int) -> bytes:
        """Return so many openings of something, and nothing that closes them."""
        return opening * depth
