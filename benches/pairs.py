"""The statements that encode and decode a value in each codec, once it is shown that they do the same work."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from benches.measure import Statement
from benches.peers import Codec


@dataclass
class Pairs:
    """What each codec runs for one value, by the codec's name."""

    encodes: dict[str, Statement] = field(default_factory=dict)
    decodes: dict[str, Statement] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    """How many bytes it writes."""


def checked(codecs: Iterable[Codec], struct: str, value_of: Callable[[Codec], Any]) -> Pairs:
    """Return the statements of all codecs for one value.

    Args:
        codecs: What to compare.
        struct: The struct's name.
        value_of: Returns the value as a codec has it.

    Raises:
        AssertionError: A codec writes other bytes than the others of its wire format, or does not read back its own.
    """
    pairs = Pairs()
    written: dict[str, bytes] = {}
    for codec in codecs:
        encode = codec.encode(struct, value_of(codec))
        encoded = bytes(encode.run())
        if written.setdefault(codec.wire, encoded) != encoded:
            raise AssertionError(f"{codec.name} writes {struct} unlike the others")
        decode = codec.decode(struct, encoded)
        if not _reads_back(codec, struct, decode, encoded):
            raise AssertionError(f"{codec.name} does not read back what it wrote of {struct}")
        pairs.encodes[codec.name], pairs.decodes[codec.name] = encode, decode
        pairs.sizes[codec.name] = len(encoded)
    return pairs


def _reads_back(codec: Codec, struct: str, decode: Statement, encoded: bytes) -> bool:
    decoded = decode.run()
    again = bytes(codec.encode(struct, decoded).run())
    # Where a format does not fix the bytes (the order of a map), equal values are what can be asked for.
    return again == encoded or bool(codec.decode(struct, again).run() == decoded)
