/** Functions of every kind. */
namespace rs calls

exception Overflow { 1: string message, 2: i32 limit }
exception Refused { 1: i32 code }
struct Point { 1: required i32 x, 2: required i32 y }
union Number { 1: i32 whole, 2: double real }
enum Level { LOW, HIGH }
typedef i64 Ticket (rust.newtype)
typedef string Text

/** What all services have. */
service Base {
  /** Does nothing. */
  void ping()
}

/** Calculates. */
service Calculator extends Base {
  /** Adds two numbers; see [Overflow]. */
  i32 add(1: i32 a, 2: i32 b = 5) throws (1: Overflow overflow)
  Text greet(1: Text name) (idempotent = "true")
  void check(1: Point point, 2: Number number, 3: required bool strict) throws (1: Overflow first, 2: Refused second, 3: Overflow third)
  oneway void log(1: string line, 2: Level level)
  list<Point> points(1: list<Point> points, 2: map<string, Point> named, 3: set<i32> (rust.type = "list") ids, 4: binary data, 5: Ticket ticket, 6: uuid id)
  Number self(1: i32 request, 2: i32 handler, 3: i32 service, 4: i32 arguments, 5: i32 call, 6: i32 self)
  i64 sum(1: i64 a, 2: i64 b, 3: i64 c, 4: i64 d, 5: i64 e, 6: i64 f, 7: i64 g, 8: i64 h, 9: i64 i, 10: i64 j, 11: i64 k, 12: i64 l, 13: i64 m, 14: i64 n)
}

// What has no default itself, in something that has, and in nothing that has.
typedef Number Count (rust.newtype)
service Counter {
  Count count(1: Count from, 2: set<Number> reals (rust.type = "list"), 3: set<Number> among)
}

service Nothing {}
service More extends Nothing {}

service Other {
  i32 add(1: i32 a) throws (1: Refused refused)
}
