include "names.thrift"

enum Level { LOW, HIGH = 9 }
struct Point { 1: i32 x, 2: i32 y = 7, 3: optional string label }
union Either { 1: i32 left, 2: string right }
typedef i32 Count (rust.newtype)

const bool YES = true
const i8 SMALL = -128
const i64 LARGE = -9223372036854775808
const double PI = 3.14159
const double WHOLE = 2
const string TEXT = "line\nbreak \"quoted\" é"
const binary BYTES = "a'b"
const uuid ID = "00112233-4455-6677-8899-aabbccddeeff"
const Level LEVEL = Level.HIGH
const Count COUNT = 3
const list<i32> NUMBERS = [1, 2, 3]
const list<string> WORDS = ["one", "two"]
const list<list<i16>> NESTED = [[1], [2, 3]]
const set<i32> SET = [3, 1]
const map<string, i32> MAP = {"a": 1, "b": 2}
const map<Level, list<Point>> POINTS = {Level.LOW: [{"x": 1}, {"x": 2, "y": 3, "label": "far away from everything else"}], Level.HIGH: []}
const Point ORIGIN = {}
const Either EITHER = {"right": "hand"}
const list<i32> LONG = [1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10000, 11000, 12000, 13000, 14000, 15000, 16000]
const list<string> SENTENCES = ["a sentence that is long enough to break the list", "another one of them, which is as long"]
const string LONG_TEXT = "a text that fits a line of its own, but not the one on which its constant begins, is moved"
const map<string, string> EMPTY = {}

struct Defaults {
  1: i32 zero = 0
  2: string text = "text"
  3: Level level = Level.HIGH
  4: list<Point> points = [{"x": 1}]
  5: optional i32 maybe = 5
  6: Either either = {"left": 1}
  7: Point point = {"x": 4}
  8: map<string, list<i32>> map = {"one": [1]}
  9: required double real = 1.5
  10: binary data = "xyz"
  11: names.None other = names.None.match
}

// A type of its own holds what its typedef wants.
typedef map<i64, string> Names (rust.newtype, rust.type = "pairs")
const Names NAMES = {1: "one"}
struct Named { 1: Names names = NAMES, 2: Names others = {2: "two"} }
