// What the peers call: an echo of about a hundred bytes.
namespace rs echo

struct Message {
  1: required i64 id
  2: required string name
  3: required double ratio
  4: required i32 count
  5: required bool active
  6: required binary data
}

service Echo {
  Message echo(1: required Message message)
}
