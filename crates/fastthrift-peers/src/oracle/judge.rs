//! One caller's questions, and its judgement of the answers, as `tests/faults/callers.py` has them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use fastthrift::{CallError, CallErrorKind};
use serde::Serialize;

use super::tokens::{self, Verdict};
use crate::idl::oracle::{AskError, FailError, RefuseError, SlowError, Token};

/// By how much a call may end after its deadline: what a busy machine with 64 threads may take to wake one.
const SLACK: Duration = Duration::from_millis(2500);
const MOST_FAILURES: usize = 10;
const PADDINGS: [usize; 6] = [0, 0, 10, 200, 3_000, 20_000];

/// The numbers of tokens: the process makes none twice.
static NUMBERS: AtomicI64 = AtomicI64::new(1);

/// A function of the oracle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Ask,
    Refuse,
    Fail,
    Note,
    Slow,
}

/// One call to make.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) function: Function,
    pub(super) token: Token,
}

/// What a call ended in.
#[derive(Debug)]
pub(super) enum Ended {
    /// A token came, as a result or within an exception.
    Token(Token),
    /// It was sent, and is not answered.
    Sent,
    /// The server says that the question was damaged.
    Damaged,
    /// There is no answer.
    Failed(CallError),
    /// The caller thought better of it.
    Cancelled,
}

/// What callers saw; the names are those that the runner of the fault test knows.
#[derive(Debug, Default, Serialize)]
pub(super) struct Tally {
    pub(super) calls: u64,
    own: u64,
    errors: BTreeMap<&'static str, u64>,
    /// By the number of the token that came, what was asked. Only a renumbered frame excuses it.
    foreign: BTreeMap<i64, String>,
    damaged: u64,
    failures: Vec<String>,
    /// The most seconds by which a call ended after its deadline.
    worst: f64,
}

impl Tally {
    /// Takes in what another caller saw.
    pub(super) fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.own += other.own;
        for (name, count) in other.errors {
            *self.errors.entry(name).or_default() += count;
        }
        self.foreign.extend(other.foreign);
        self.damaged += other.damaged;
        other.failures.into_iter().for_each(|failure| self.fail(failure));
        self.worst = self.worst.max(other.worst);
    }

    /// Notes what must not be.
    pub(super) fn fail(&mut self, what: String) {
        if self.failures.len() < MOST_FAILURES {
            self.failures.push(what);
        }
    }
}

/// Numbers that look like chance, the same for the same seed.
#[derive(Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below this one, which is not 0.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((number ^ (number >> 31)) >> 33).unwrap_or_default() % limit
    }
}

/// One caller's questions and judgement.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) tally: Tally,
    pub(super) chance: Chance,
    deadline: Duration,
    may_be_damaged: bool,
}

impl Judge {
    pub(super) fn new(seed: u64, deadline: Duration, may_be_damaged: bool) -> Self {
        Self { tally: Tally::default(), chance: Chance::new(seed), deadline, may_be_damaged }
    }

    /// The next question.
    pub(super) fn question(&mut self) -> Question {
        let function = match self.chance.below(16) {
            0 => Function::Refuse,
            1 => Function::Fail,
            2 => Function::Note,
            3 => Function::Slow,
            _ => Function::Ask,
        };
        let padding = PADDINGS[self.chance.below(PADDINGS.len())];
        Question { function, token: tokens::make(NUMBERS.fetch_add(1, Ordering::Relaxed), padding) }
    }

    /// Judges how a call ended that began at this time.
    pub(super) fn judge(&mut self, question: &Question, begun: Instant, ended: Ended) {
        self.tally.calls += 1;
        let late = begun.elapsed().as_secs_f64() - self.deadline.as_secs_f64();
        self.tally.worst = self.tally.worst.max(late);
        if late > SLACK.as_secs_f64() {
            self.tally.fail(format!("{question}: ended {late:.2} s after its deadline"));
        }
        match ended {
            Ended::Token(token) => self.answered(question, &token),
            Ended::Sent if question.function == Function::Note => self.tally.own += 1,
            Ended::Sent => self.tally.fail(format!("{question}: ended without an answer")),
            Ended::Damaged => self.damaged(question, "the server got a damaged token"),
            Ended::Failed(error) => self.failed(question, &error),
            Ended::Cancelled => *self.tally.errors.entry("cancelled").or_default() += 1,
        }
    }

    fn answered(&mut self, question: &Question, got: &Token) {
        match tokens::judge(&question.token, question.function.name(), got) {
            Verdict::Own => self.tally.own += 1,
            Verdict::Foreign => drop(self.tally.foreign.insert(got.number, question.to_string())),
            Verdict::Damaged => self.damaged(question, &format!("{got:.200?}")),
        }
    }

    fn damaged(&mut self, question: &Question, what: &str) {
        self.tally.damaged += 1;
        if !self.may_be_damaged {
            self.tally.fail(format!("{question}: {what}"));
        }
    }

    /// Judges an error. An application exception is an answer, unless it is the server's word on a frame that it could not read.
    fn failed(&mut self, question: &Question, error: &CallError) {
        let said = error.application_exception().map(|exception| exception.message.clone());
        if let Some(text) = said
            && let Some(number) = tokens::number_in(&text)
        {
            return self.answered(question, &Token { number, text });
        }
        let (name, is_of_network) = kind(error);
        *self.tally.errors.entry(name).or_default() += 1;
        if !(self.may_be_damaged || is_of_network) {
            self.tally.fail(format!("{question}: {error}"));
        }
    }
}

/// What an error is called, and whether whole frames that meet with faults explain it.
fn kind(error: &CallError) -> (&'static str, bool) {
    match error.kind() {
        CallErrorKind::Connect(_) => ("Connect", true),
        CallErrorKind::ConnectionLost(_) => ("ConnectionLost", true),
        CallErrorKind::Timeout => ("Timeout", true),
        CallErrorKind::Peer(_) => ("Peer", true),
        CallErrorKind::Application(_) => ("Application", false),
        CallErrorKind::Decode(_) => ("Decode", false),
        _ => ("other", false),
    }
}

impl Function {
    fn name(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Refuse => "refuse",
            Self::Fail => "fail",
            Self::Note => "note",
            Self::Slow => "slow",
        }
    }
}

impl std::fmt::Display for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({})", self.function.name(), self.token.number)
    }
}

/// How the errors of a function that declares `Damaged` alone end a call.
macro_rules! ends {
    ($($error:ident)*) => {
        $(impl From<Result<Token, $error>> for Ended {
            fn from(outcome: Result<Token, $error>) -> Self {
                match outcome {
                    Ok(token) => Self::Token(token),
                    Err($error::Damaged(_)) => Self::Damaged,
                    Err($error::Call(error)) => Self::Failed(error),
                }
            }
        })*
    };
}

ends!(AskError SlowError FailError);

impl From<Result<Token, RefuseError>> for Ended {
    fn from(outcome: Result<Token, RefuseError>) -> Self {
        match outcome {
            Ok(token) => Self::Token(token),
            Err(RefuseError::Refused(refused)) => Self::Token(refused.token),
            Err(RefuseError::Damaged(_)) => Self::Damaged,
            Err(RefuseError::Call(error)) => Self::Failed(error),
        }
    }
}

impl From<Result<(), CallError>> for Ended {
    fn from(outcome: Result<(), CallError>) -> Self {
        outcome.map_or_else(Self::Failed, |()| Self::Sent)
    }
}
