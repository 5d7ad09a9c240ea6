/** One of every kind of type. */
namespace rs shapes.types

typedef i64 UserId (rust.newtype)
typedef map<string, list<Color>> Palette
typedef binary Blob

/** What colors there are. See http://example.com/colors. */
enum Color {
  /** Like a [rose]. */
  RED = 1
  GREEN = 5
  blueGreen
  CRIMSON = 1
}

struct Numbers {
  1: bool flag
  2: i8 tiny
  3: i16 small
  4: i32 middle
  5: i64 large
  6: double real
  7: Color color = Color.GREEN
  8: required i32 must
  9: required Color mustColor
  10: string between
  11: i32 alone
}

struct Everything {
  1: required string name
  2: optional string note = "none"
  3: Blob data
  4: optional uuid id
  5: list<Numbers> numbers
  6: set<string> tags
  7: Palette palette
  8: map<double, i32> byWeight
  9: set<double> weights
  10: UserId user
  11: optional Everything parent
  12: Numbers inner
  13: Choice choice
  14: optional list<Everything> children
  15: map<Key, string> (rust.type = "hash") keyed
  16: set<Key> keys
  17: map<string, i32> (rust.type = "pairs") entries
  18: bool fresh = true
  19: list<i32> sizes = [1, 2, 3]
}

struct Key {
  1: required string text
  2: optional i32 number
} (rust.derive = "PartialOrd, Ord")

union Choice {
  1: i32 number
  2: string text
  3: Numbers numbers
  4: Choice again
}

union Nothing {}

struct Empty {}

exception Refused {
  1: string message
  2: i32 code
}

exception Lost {
  1: optional string why
} (rust.message = "why")

exception Silent {
  1: i32 code
}

struct First { 1: Second second }
struct Second { 1: optional First first, 2: First again, 3: required i32 (rust.attr = "doc(hidden)") hidden }

// What a type of its own can derive is what the types in it do, however deep they are.
struct Sign { 1: i32 code }
struct Mark { 1: i32 code }
typedef list<First> Firsts (rust.newtype)
typedef Choice Chosen (rust.newtype)
typedef Chosen Again (rust.newtype)
typedef map<Sign, i32> Counts (rust.newtype, rust.type = "btree")

struct Deep {
  1: Firsts firsts
  2: optional Again again
  3: map<Mark, i32> ordered (rust.type = "btree")
  4: Counts counts
  5: map<Mark, i32> hashed (rust.type = "hash")
}
