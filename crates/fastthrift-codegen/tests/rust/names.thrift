// Names that Rust has itself, and names that become the same.

struct type { 1: i32 self, 2: i32 fn, 3: i32 async, 4: i32 getName, 5: i32 get_name, 6: i32 GetName, 7: i32 input, 8: i32 crate, 9: i32 yield }
struct Type { 1: i32 f1 }
struct Option { 1: i32 some }
struct Vec { 1: list<Option> items, 2: optional Result result }
union Result { 1: i32 Ok, 2: string Err, 3: bool self, 4: i32 unknown }
enum None { Self, match, camelCase, CAMEL_CASE }
struct get_user_args { 1: i32 _1 }
const i32 maxSize = 3
const i32 MAX_SIZE = 4
const i32 loop = 5
struct Renamed { 1: i32 (rust.name = "ignored") old (rust.name = "fresh") } (rust.name = "Better")

// Names that generated code has for something of its own.
struct Function { 1: i32 a }
exception Error { 1: string message }
struct Arguments { 1: Function function }
enum P { NAMES = 1, TTYPE }
enum ID { A }
const ID id = ID.A
struct H { 1: P p = P.NAMES, 2: i32 n, 3: bool b, 4: required P q }
service Base {
  H getName(1: Function f, 2: Error error) throws (1: Error e)
  P into(1: Arguments arguments, 2: H h)
}
service Derived extends Base {
  Error get_name(1: P p, 2: Error error = { "message": "none" }) throws (1: Error e)
  oneway void clone(1: Error error)
  void new(1: H channel)
  void self(1: H h) throws (1: Error error)
}
