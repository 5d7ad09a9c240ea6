"""Each line with a comment is wrong, and type checkers say so."""

from __future__ import annotations

import fastthrift
from shop import orders
from shop.common import Address

address = Address("Main street")
Address(5)  # wrong argument
Address()  # missing required field
Address("x", town="y")  # misspelt field
address.stret = "x"  # misspelt attribute
address.city = 5  # wrong type
orders.Order(to="x")  # wrong struct
orders.Payment(card="x", cash=5)  # two members
orders.Payment(cheque="x")  # no such member
print(orders.State.OPENED)  # no such value
print(orders.Odrer)  # no such name


class Handler(orders.Orders):
    """A handler without `find`, and with a wrong method."""

    def ready(self) -> str:  # wrong result
        """Say yes."""
        return "yes"

    def place(self, order: orders.Line, payment: orders.Payment) -> int:  # wrong parameter
        """Take it."""
        return 1

    def forget(self, id: int) -> None:
        """Forget it."""

    def import_(self, number: int) -> orders.Order:
        """Give an empty one."""
        return orders.EMPTY


Handler()  # missing method
client = fastthrift.connect(orders.Orders, "tcp://localhost:1")
client.place(orders.Order(to=address))  # missing argument
client.find("x", "OPEN")  # wrong argument
client.plaice()  # misspelt function
