struct Small {
  1: i32 count
  2: i64 id
  3: double ratio
  4: bool active
  5: i16 kind
  6: string name
}

struct Phone {
  1: string number
  2: i32 kind
}

struct Person {
  1: string name
  2: i32 id
  3: list<string> emails
  4: list<Phone> phones
  5: map<string, string> labels
}

struct Book {
  1: list<Person> people
}

struct Doubles {
  1: list<double> values
}

struct Longs {
  1: list<i64> values
}

struct Scores {
  1: map<string, i32> values
}

struct Blob {
  1: binary data
}

/** 100 bytes in Binary, so that a call is 120 and its frame 124. */
struct Message {
  1: i64 id
  2: double value
  3: bool flag
  4: string name
  5: string text
}

service Echo {
  Message echo(1: Message message)
  /** Answers the same after 50 milliseconds. */
  Message rest(1: Message message)
}
