// What needs more than a line, in each place where there are types and values.
namespace rs far.away.in_modules

struct Empty {}
struct Weight { 1: double grams }
struct Marked { 1: optional list<Marked> within, 2: required i32 size, 3: uuid mark }
exception Refused { 1: string reason }

union Choice {
  1: Empty empty
  2: map<double, string> weighed
  3: list<list<bool>> bits
  4: set<map<i32, list<string>>> of_maps
  5: map<map<double, list<Weight>>, map<map<double, list<Empty>>, list<Marked>>> widest_of_all_of_them
}

typedef map<map<double, list<Weight>>, map<map<double, list<Empty>>, list<Marked>>> Table
typedef map<map<double, list<Weight>>, map<map<double, list<Empty>>, list<Marked>>> OwnTable (rust.newtype)
typedef map<string, map<string, map<i64, list<map<i32, map<string, list<Marked>>>>>>> Deep
typedef map<string, map<string, map<i64, list<map<i32, map<string, list<Marked>>>>>>> OwnDeep (rust.newtype)
typedef set<set<set<set<set<set<set<set<set<set<Empty>>>>>>>>>> OwnSets (rust.newtype)

struct Recursive {
  1: optional list<uuid> marks = ["00112233-4455-6677-8899-aabbccddeeff"]
  2: optional Recursive inner
  3: optional set<string> words = ["one", "two words", "three words of them"]
  4: optional Choice choice = {"bits": [[true, false, true], [true, false], [false]]}
  5: optional set<list<set<i32>>> numbers = [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9, 10], [11, 12]]]
  6: map<double, list<map<double, list<map<double, list<map<double, Weight>>>>>>> weights
  7: set<uuid> ids = ["00112233-4455-6677-8899-aabbccddeeff"]
  8: optional list<Marked> all = [{"size": 1, "mark": "00112233-4455-6677-8899-aabbccddeeff", "within": [{"size": 2}]}]
  9: optional list<list<string>> texts = [["a text that alone is as wide as the limit of the arguments of a call"], ["b"]]
  10: list<string> empties = ["", "", "", "", "", "", "", "", ""]
}

const map<map<double, list<Weight>>, map<map<double, list<Empty>>, list<Marked>>> WIDE = {{1.5: []}: {{2.5: [{}]}: []}}
const map<map<double, list<Weight>>, map<map<double, list<Empty>>, list<Marked>>> NONE_OF_THE_WIDE = {}
const list<Marked> MARKS = [{"size": 1, "within": [{"size": 3, "mark": "00112233-4455-6677-8899-aabbccddeeff"}]}]
const set<list<set<i32>>> NUMBERS = [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9, 10], [11, 12]]]

service Wide {
  map<map<double, list<Weight>>, map<map<double, list<Empty>>, list<Marked>>> first(
    1: map<map<double, list<Weight>>, map<map<double, list<Empty>>, list<Marked>>> table
  ) throws (1: Refused refused)
  void second(
    1: list<map<map<double, list<Weight>>, map<map<double, list<Empty>>, list<Marked>>>> table
    2: set<list<set<i32>>> numbers = [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9, 10], [11, 12]]]
  )
  void third(1: map<string, map<string, map<string, list<list<list<Marked>>>>>> table)
  map<string, map<string, map<string, list<list<list<map<string, Marked>>>>>>> fourth(1: i32 number, 2: i32 other)
  map<map<double, list<Weight>>, map<map<double, list<Empty>>, list<Marked>>> fifth()
}
