/* What the peers of the interop tests talk about: each type, and each way a call can end. */

exception DivisionByZero { 1: string message, 2: i32 code }

enum Kind { SUM = 1, QUOTIENT = 2 }

struct Entry {
  1: string text
  2: list<double> numbers
  3: set<i32> marks
  4: map<string, i64> counts
  5: binary raw
  6: bool flag
  7: i8 tiny
  8: i16 small
  9: Kind kind
  40: list<Entry> children
  41: list<bool> flags
}

service Calculator {
  i64 add(1: i64 a, 2: i64 b)
  double divide(1: double a, 2: double b) throws (1: DivisionByZero error)
  Entry echo(1: Entry entry)
  list<Entry> nothing()
  void check(1: i32 code) throws (1: DivisionByZero error)
  oneway void note(1: string text)
  list<string> notes()
  void refuse(1: string text)
  void crash()
}
