"""A program that uses a generated module as it is meant: type checkers have nothing to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import fastthrift
from fastthrift import aio
from shop import orders
from shop.common import Address, Closed
from typing_extensions import assert_type

if TYPE_CHECKING:
    import orders_thrift as live
else:
    live = fastthrift.load("orders.thrift")

address = Address("Main street", city="Basel")
order = orders.Order(to=address, id=5, tags={"a": {1, 2}}, from_="me")
assert_type(order.lines, list[orders.Line])
assert_type(order.parts, dict[tuple[int, ...], bytes])
assert_type(order.before, orders.Order | None)
assert_type(order.int, bool | None)
assert_type(order.Line, orders.State | None)
assert_type(orders.EMPTY.to, Address)
assert_type(orders.PI, float)
assert_type(orders.WORDS[orders.State.OPEN], list[str])
assert_type(orders.State(1), orders.State)
assert_type(orders.State.SENT.is_unknown, bool)
assert_type(fastthrift.deserialize(orders.Order, b""), orders.Order)
assert_type(fastthrift.serialize(order), bytes)
place: orders.Place = address

payment = orders.Payment(cash=500)
match payment:
    case orders.Payment("cash", int(cents)):
        print(cents)
    case orders.Payment(card=str(card)):
        print(card)
    case _:
        pass

match order:
    case orders.Order(id=number, to=Address(street, _)):
        assert_type(number, int | None)
        assert_type(street, str)
    case _:
        pass


class Handler(orders.Orders):
    """A handler whose methods are functions; their parameters may have other names."""

    def ready(self) -> bool:
        """Say yes."""
        return True

    def place(self, order: orders.Order, payment: orders.Payment) -> int:
        """Take it."""
        if payment.card is None:
            raise orders.Refused("no card", payment)
        raise Closed("for today")

    def find(self, what: str, state: orders.State) -> list[orders.Order]:
        """Find none."""
        return []

    def forget(self, id: int) -> None:
        """Forget it."""

    def import_(self, number: int) -> orders.Order:
        """Give an empty one."""
        return orders.EMPTY


class AsyncHandler(orders.Orders):
    """A handler whose methods are coroutines."""

    async def ready(self) -> bool:
        """Say yes."""
        return True

    async def place(self, order: orders.Order, payment: orders.Payment) -> int:
        """Take it."""
        return 1

    async def find(self, text: str, state: orders.State) -> list[orders.Order]:
        """Find none."""
        return []

    async def forget(self, id: int) -> None:
        """Forget it."""

    def import_(self, number: int) -> orders.Order:
        """Give an empty one."""
        return orders.EMPTY


def use(client: orders.Orders.Client) -> int:
    """Call."""
    assert_type(client.ready(), bool)
    assert_type(client.forget(5), None)
    return client.place(order, payment=payment)


def serve() -> None:
    """Serve and call."""
    with fastthrift.Server(Handler(), "tcp://127.0.0.1:0") as server:
        with fastthrift.connect(orders.Orders, server.url, timeout=1) as client:
            assert_type(client, orders.Orders.Client)
            use(client)
            patient = fastthrift.with_options(client, timeout=5)
            assert_type(patient.find("x", orders.State.OPEN), list[orders.Order])


async def call() -> None:
    """Call on an event loop."""
    async with aio.connect(orders.Orders, "tcp://localhost:1") as client:
        assert_type(client, orders.Orders.AsyncClient)
        assert_type(await client.place(order, payment), int)
        assert_type(await client.ready(), bool)
    aio.Server(AsyncHandler(), "tcp://localhost:0")


assert_type(live.Line("x").count, int)
assert_type(live.common.Address("x").city, str)
