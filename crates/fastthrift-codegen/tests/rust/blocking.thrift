/** Clients that block, and nothing else of services. */
namespace rs shelf

exception Missing {
  1: string title
}

exception Torn {
  1: i32 page
}

service Library {
  /** Does nothing. */
  void ping()
  i32 count(1: string author) (idempotent = "true")
}

service Shelf extends Library {
  string page(1: string title, 2: i32 number) throws (1: Missing missing, 2: Torn torn)
  void put(1: string title, 2: list<string> pages) throws (1: Missing missing)
  oneway void glance(1: binary where)
  list<string> search(1: string author, 2: string publisher, 3: string words, 4: i32 first, 5: i32 last, 6: bool exact)
}

/** Has the name that a client would have. */
struct BlockingShelfClient {}
