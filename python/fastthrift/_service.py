"""The base of the stub classes of services."""

from __future__ import annotations


class Service:
    """Base of the classes of Thrift services: extend one and write its methods to handle calls."""

    __slots__ = ()
