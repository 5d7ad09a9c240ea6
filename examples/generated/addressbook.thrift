/** An address book. */
namespace py addressbook.book

include "address.thrift"

/** How a number is reached. */
enum PhoneKind {
  MOBILE = 0,
  HOME = 1,
}

struct Phone {
  1: required string number,
  2: PhoneKind kind = PhoneKind.MOBILE,
}

/** Somebody in the book. */
struct Person {
  1: required string name,
  /** Most wanted first. */
  2: list<Phone> phones,
  3: optional address.Address home,
}

exception NotFound {
  1: string name,
}

/** Keeps people. */
service AddressBook {
  /** Add somebody; who had the name before is replaced. */
  void put(1: Person person),
  /** Give who has this name. */
  Person find(1: string name) throws (1: NotFound missing),
}
