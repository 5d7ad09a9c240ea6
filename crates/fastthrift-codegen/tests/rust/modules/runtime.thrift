namespace rs a.p

struct Runtime { 1: i32 x }
