//! What the callers ask and how they know their own answer, as `tests/faults/tokens.py` has it: a token is sealed by a digest of all
//! that it says, so one that was changed on its way is told apart from one that came whole.

use blake2::digest::consts::U8;
use blake2::{Blake2b, Digest};

use crate::idl::oracle::Token;

/// What an answer is to the call that got it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Its own.
    Own,
    /// The whole answer to another call.
    Foreign,
    /// An answer that was changed on its way.
    Damaged,
}

/// The token of this number, longer by some bytes of padding, which depend on the number too.
pub(super) fn make(number: i64, padding: usize) -> Token {
    let once = format!("{number:x}.");
    let mut text = format!("#{number:016x}#");
    text.extend(once.chars().cycle().take(padding));
    sealed(number, text)
}

/// What the server says to a token: it seals the function in, so that no answer passes for another's.
pub(super) fn answer(token: &Token, function: &str) -> Token {
    sealed(token.number, format!("{}@{function}", body(&token.text)))
}

/// Whether nothing of a token was changed since it was sealed.
pub(super) fn is_whole(token: &Token) -> bool {
    let body = body(&token.text);
    body.starts_with(&format!("#{:016x}#", token.number))
        && token.text.get(body.len() + 1..) == Some(seal(body).as_str())
}

/// Says what an answer is to the call that asked with a token.
pub(super) fn judge(asked: &Token, function: &str, got: &Token) -> Verdict {
    if !is_whole(got) {
        Verdict::Damaged
    } else if *got == answer(asked, function) {
        Verdict::Own
    } else {
        Verdict::Foreign
    }
}

/// The number of the first token that stands in a text.
pub(super) fn number_in(text: &str) -> Option<i64> {
    text.split('#').filter(|part| part.len() == 16).find_map(|part| i64::from_str_radix(part, 16).ok())
}

fn sealed(number: i64, body: String) -> Token {
    let seal = seal(&body);
    Token { number, text: body + "$" + &seal }
}

fn body(text: &str) -> &str {
    text.rsplit_once('$').map_or("", |(body, _)| body)
}

fn seal(text: &str) -> String {
    let digest = Blake2b::<U8>::digest(text.as_bytes());
    format!("{:016x}", u64::from_be_bytes(digest.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_ones_own_or_anothers_or_damaged() {
        let (mine, other) = (make(7, 100), make(8, 100));
        assert_eq!(mine.text.len(), 18 + 100 + 17);
        let got = answer(&mine, "ask");
        assert_eq!(judge(&mine, "ask", &got), Verdict::Own);
        assert_eq!(judge(&other, "ask", &got), Verdict::Foreign);
        assert_eq!(judge(&mine, "slow", &got), Verdict::Foreign);
        assert_eq!(judge(&mine, "ask", &Token { number: 8, ..got.clone() }), Verdict::Damaged);
        assert_eq!(judge(&mine, "ask", &Token { text: got.text.replace('7', "6"), ..got.clone() }), Verdict::Damaged);
        assert_eq!(judge(&mine, "ask", &Token::default()), Verdict::Damaged);
        assert_eq!(number_in(&format!("it said {}", got.text)), Some(7));
        assert_eq!(number_in("nothing"), None);
    }

    #[test]
    fn seals_are_those_of_the_other_languages() {
        assert_eq!(make(1, 2).text, "#0000000000000001#1.$427be8dcc76fd2ec");
    }
}
