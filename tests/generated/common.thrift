/** Things that several files share. */
namespace py shop.common

typedef i64 Cents

/** Where something goes. */
struct Address {
  1: required string street,
  2: string city = "Bern",
}

exception Closed {
  1: string reason,
}

service Health {
  /** Say whether it works. */
  bool ready(),
}
