// Names that somebody chose for Rust, though it has another manner of naming.
struct Upper { 1: i32 fooBar (rust.name = "FooBar"), 2: required bool b (rust.name = "B") }
union Lower { 1: i32 renamed (rust.name = "renamed"), 2: string other }
enum Mixed { A = 1 (rust.name = "first"), B }
typedef i32 (rust.name = "ignored") number (rust.name = "number", rust.newtype)
const i32 limit = 3 (rust.name = "limit")
exception refused { 1: string reason } (rust.name = "refused_it")
service Named {
  i32 call(1: i32 argument (rust.name = "Argument")) throws (1: refused refused) (rust.name = "doCall")
}
service more extends Named { void also() } (rust.name = "more")
