"""What clients and servers take and give, to a type checker."""

from typing import Any

import fastthrift
from typing_extensions import assert_type


class Calculator(fastthrift.Service):
    """Stands for a generated class, which is `Any` to a type checker."""

    def add(self, a: int, b: int) -> int:
        """Add."""
        return a + b


with fastthrift.connect(Calculator, "tcp://localhost:9090", protocol="compact", timeout=1.5) as client:
    assert_type(client, fastthrift.Client)
    assert_type(client.add(1, 2), Any)
    assert_type(client.close(), None)

assert_type(fastthrift.connect(Calculator, "tcp://localhost", protocol="simplejson").add(1, 2), Any)
assert_type(fastthrift.Server(Calculator(), "tcp://localhost:0", protocol=fastthrift.JSON()).url, str)

fastthrift.connect(Calculator, "tcp://localhost:9090", transport="udp")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
fastthrift.connect(Calculator(), "tcp://localhost:9090")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]

with fastthrift.Server(Calculator(), "tcp://localhost:0", threads=4) as server:
    assert_type(server, fastthrift.Server)
    assert_type(server.url, str)
    assert_type(server.start(), None)
    assert_type(server.stop(timeout=1), bool)

assert_type(fastthrift.serve({"calculator": Calculator()}, "unix:///tmp/socket"), None)

try:
    client.add(1, 2)
except fastthrift.TransportTimeout as timeout:
    assert_type(timeout.type, int)
    failure: TimeoutError = timeout
except fastthrift.TApplicationException as answer:
    assert_type(answer.message, str | None)
