/* What the peers of the conformance suite talk about: each type, each shape of a value, each way a call can end. */

namespace cpp conformance
namespace go conformance
namespace java conformance
namespace py generated
namespace js conformance

enum Colour { RED = 1, GREEN = 2, BLUE = 70000 }

struct Inner {
  1: string text
  2: i32 number
}

union Choice {
  1: string text
  2: i64 number
  3: Inner inner
  4: list<i32> numbers
}

struct Everything {
  1: bool yes
  2: bool no
  3: i8 tiny
  4: i16 small
  5: i32 medium
  6: i64 large
  7: double real
  8: string text
  9: binary raw
  10: Colour colour
  11: Inner inner
  12: Choice choice
  13: list<i32> numbers
  14: list<Inner> inners
  15: set<i32> marks
  16: set<string> names
  17: map<string, i64> counts
  18: map<i32, Inner> places
  19: map<string, list<i32>> lists
  20: list<list<string>> rows
  /* Further than 15 from the field before: Compact writes the id at length. */
  200: bool far
  201: optional i32 here
  202: optional i32 absent
}

struct Defaults {
  1: i32 number = 42
  2: string text = "preset"
  3: list<i32> numbers = [1, 2, 3]
  4: bool flag = true
  5: optional i32 nothing
}

struct Tree {
  1: i32 value
  2: list<Tree> children
}

exception Refused {
  1: string reason
  2: i32 code
}

exception TooLate {
  1: i64 since
}

service Conformance {
  void nothing()
  bool echoBool(1: bool value)
  i8 echoI8(1: i8 value)
  i16 echoI16(1: i16 value)
  i32 echoI32(1: i32 value)
  i64 echoI64(1: i64 value)
  double echoDouble(1: double value)
  string echoString(1: string value)
  binary echoBinary(1: binary value)
  Colour echoColour(1: Colour value)
  list<i32> echoList(1: list<i32> value)
  set<string> echoSet(1: set<string> value)
  map<string, i64> echoMap(1: map<string, i64> value)
  list<bool> echoFlags(1: list<bool> value)
  map<string, list<i32>> echoLists(1: map<string, list<i32>> value)
  Inner echoInner(1: Inner value)
  Choice echoChoice(1: Choice value)
  Everything echoEverything(1: Everything value)
  Tree echoTree(1: Tree value)
  /* What the server makes of a struct of which nothing is set. */
  Defaults defaults()
  /* a - b * c: each argument counts in its place. */
  i32 several(1: i32 a, 3: i32 b, 20: i32 c)
  /* Raises Refused for a code below 0, TooLate for one over 100, and else returns it. */
  i32 check(1: i32 code) throws (1: Refused refused, 2: TooLate late)
  void checkNothing(1: i32 code) throws (1: Refused refused)
  /* Fails as the IDL does not declare. */
  void crash()
  oneway void note(1: string text)
  bool wasNoted(1: string text)
}

/* Inner as a later version of the service has it: a server that knows Inner skips the rest. */
struct LaterInner {
  1: string text
  2: i32 number
  3: bool flag
  4: map<string, list<Inner>> places
  5: set<double> reals
  6: binary raw
  7: Choice choice
  8: list<bool> flags
  9: i8 tiny
  30: i64 large
}

/* Conformance as a later version has it: what it calls is served by Conformance. */
service Later {
  LaterInner echoInner(1: LaterInner value, 2: map<i32, LaterInner> more)
  void notYet()
}
