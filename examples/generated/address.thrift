/** Where people are. */
namespace py addressbook.address

/** A place that letters go to. */
struct Address {
  1: required string street,
  2: optional string city,
}
