"""The classes of enums; imported when the first one is needed."""

from __future__ import annotations

import enum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class ThriftEnum(enum.IntEnum):
    """Base of the classes of Thrift enums.

    A number that the IDL does not name, as a newer peer may send it, becomes a member called ``UNKNOWN_<number>``: it
    is equal to the number, is written back as it came, and is not listed among the members.
    """

    @classmethod
    def _missing_(cls, value: object) -> ThriftEnum | None:
        if not isinstance(value, int) or not -(2**31) <= value < 2**31:
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}".replace("-", "MINUS_")
        member._value_ = int(value)
        return member

    @property
    def is_unknown(self) -> bool:
        """Whether the IDL does not name this number."""
        return self._value_ not in type(self)._value2member_map_


def make_enum(name: str, members: list[tuple[str, int]], module: str, doc: str) -> type[ThriftEnum]:
    """Make the class of an enum; two names for one number are aliases."""
    make: Any = ThriftEnum  # to a type checker, calling it looks a member up
    made: type[ThriftEnum] = make(name, members, module=module, qualname=name)
    made.__doc__ = doc
    return made
