namespace rs a.i32

struct Number { 1: i32 x }
