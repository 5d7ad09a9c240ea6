"""Serves an address book and calls it, with classes of a generated package.

The package `addressbook` beside this file was made by `fastthrift gen python addressbook.thrift -o .`.
"""

from __future__ import annotations

import fastthrift
from addressbook.address import Address
from addressbook.book import AddressBook, NotFound, Person, Phone, PhoneKind


class Book(AddressBook):
    """Keeps people in a dict; a type checker misses a method that is not here."""

    def __init__(self) -> None:
        self._people: dict[str, Person] = {}

    def put(self, person: Person) -> None:
        """Keep somebody."""
        self._people[person.name] = person

    def find(self, name: str) -> Person:
        """Give somebody, or say that nobody is there."""
        if name not in self._people:
            raise NotFound(name)
        return self._people[name]


def main() -> None:
    """Put somebody into the book, and ask for her and for somebody else."""
    with (
        fastthrift.Server(Book(), "tcp://127.0.0.1:0") as server,
        fastthrift.connect(AddressBook, server.url) as client,
    ):
        client.put(Person("Ada", [Phone("555-1", PhoneKind.HOME)], Address("Main street 1")))
        ada = client.find("Ada")
        for phone in ada.phones or []:
            print(phone.number, phone.kind.name, ada.home and ada.home.street)
        try:
            client.find("Bob")
        except NotFound as missing:
            print(f"no {missing.name}")


if __name__ == "__main__":
    main()
