/** Books: many of them in a file, and many of them from a server, a page at a time. */

struct Book {
  1: required string title
  2: i32 year
  3: list<string> authors
}

/** Some books, in the order of their titles. */
struct Page {
  1: list<Book> books
  /** Asks for the next page. Not there on the last one. What it holds is the server's business. */
  2: optional string next
}

exception UnknownToken {
  1: string message
}

service Library {
  /** The books after those that a token stands for; an empty token is the beginning. There are never more than `limit`. */
  Page books(1: string token, 2: i32 limit) throws (1: UnknownToken unknown) (idempotent = "true")
}
