// What the Rust programs calculator_server and calculator_client speak; see crates/fastthrift/examples.
exception Overflow {
  1: string message
  2: i32 limit
}

service Base {
  void ping()
}

service Calculator extends Base {
  i32 add(1: i32 a, 2: i32 b) throws (1: Overflow overflow)
  string greet(1: string name) (idempotent = "true")
  oneway void log(1: string line)
}
