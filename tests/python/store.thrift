/* What peers that mean no good ask a server. */

struct Tree { 1: list<Tree> branches, 2: map<string, i32> leaves }

service Store {
  i32 count(1: Tree tree)
  string echo(1: string text)
  binary blob(1: i32 size)
}
