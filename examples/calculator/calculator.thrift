/** Nothing can be divided by zero. */
exception DivisionByZero {
  1: string message
}

/** What was asked for lately. */
struct Entry {
  1: required string operation
  2: required list<double> arguments
  3: optional double result
}

service Calculator {
  /** The sum of two numbers. */
  i64 add(1: i64 a, 2: i64 b)

  /** The quotient of two numbers. */
  double divide(1: double a, 2: double b) throws (1: DivisionByZero error)

  /** The last entries, the newest first. */
  list<Entry> history(1: i32 limit = 10)

  /** Forgets the history; nobody waits for it. */
  oneway void clear()
}
