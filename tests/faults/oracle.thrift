/* What the callers of the fault test ask: each call carries a token that no other call has. */

struct Token { 1: i64 number, 2: string text }
exception Refused { 1: Token token }
exception Damaged { 1: string what }

service Oracle {
  Token ask(1: Token token) throws (1: Damaged damaged) (idempotent = "true")
  Token slow(1: Token token) throws (1: Damaged damaged)
  Token refuse(1: Token token) throws (1: Refused refused, 2: Damaged damaged)
  Token fail(1: Token token) throws (1: Damaged damaged)
  oneway void note(1: Token token)
}
