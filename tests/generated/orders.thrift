/** A shop's orders. */
namespace py shop.orders

include "common.thrift"

typedef list<Line> Lines
typedef common.Address Place

enum State {
  OPEN = 1,
  /** On its way. */
  SENT = 2,
  None = 9,
}

/**
 * One line of an order:
 *   what, and how many.
 */
struct Line {
  /** Its name on the "price list". */
  1: required string article,
  2: i32 count = 1,
  3: optional common.Cents price,
}

struct Order {
  1: i64 id,
  2: required common.Address to,
  3: Lines lines = [{"article": "bread"}],
  4: State state = State.OPEN,
  5: map<string, set<i32>> tags,
  6: map<list<i32>, binary> parts = {[1, 2]: "x"},
  7: uuid token,
  8: optional string from,
  9: optional Order before,
  10: double weight = 0.5,
  11: bool int,
  12: optional State Line,
}

union Payment {
  1: string card,
  2: common.Cents cash,
  3: Order order,
}

exception Refused {
  1: string why,
  2: Payment payment,
}

const Order EMPTY = {"id": 0, "to": {"street": "-"}, "state": State.SENT}
const map<State, list<string>> WORDS = {State.OPEN: ["open", "new"], State.None: []}
const double PI = 3.5
const string class = "a \"b\" \\ c"

service Orders extends common.Health {
  /** Take an order. */
  i64 place(1: Order order, 2: Payment payment) throws (1: Refused refused, 2: common.Closed closed),
  list<Order> find(1: string text = "*", 4: optional State state) (idempotent = "true"),
  oneway void forget(1: i64 id),
  Order import(1: i64 self),
}
