namespace rs a

struct Above { 1: i32 number = 1, 2: string text, 3: map<i32, bool> flags, 4: binary data }
const i32 LIMIT = 5
const map<string, i32> NUMBERS = { "one": 1 }
