struct One {
  1: i32 number
  2: string text
  3: list<i64> values
}
