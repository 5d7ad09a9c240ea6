//! Callers that are threads and share a channel which blocks.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Instant;

use fastthrift::__private::{Arguments, Outcome as Returned, Parts, Places, Signature, Values};
use fastthrift::blocking::Channel;
use fastthrift::{CallError, Framing};

use super::{Task, Tickets, Transport};
use crate::Outcome;
use crate::idl::oracle::oracle_functions::{Ask, Fail, Note, Refuse, Slow};
use crate::idl::oracle::{Damaged, Refused, Token};
use crate::oracle::judge::{Ended, Function, Judge, Question, Tally};

/// Calls until all calls were made; what the callers saw.
pub(super) fn run(task: &Task) -> Outcome<Tally> {
    let framing = match task.transport {
        Transport::Framed => Framing::Framed,
        Transport::Unframed => Framing::Unframed,
        Transport::Header => Framing::Header,
        Transport::HeaderZlib | Transport::Zlib => return Err("blocking calls are not compressed".into()),
    };
    let channel = Channel::builder(&task.url).framing(framing).timeout(task.deadline()).lazy()?;
    let tickets = Arc::new(Tickets(task.calls.into()));
    let (tell, told) = mpsc::channel();
    for caller in 0..task.callers {
        let (channel, mut judge) = (channel.clone(), task.judge(caller));
        let (tickets, tell) = (Arc::clone(&tickets), tell.clone());
        thread::spawn(move || {
            work(&channel, &mut judge, &tickets);
            // Nobody waits any more for a caller that hung.
            let _ = tell.send(judge);
        });
    }
    let end = Instant::now() + task.patience();
    let mut total = Tally::default();
    for ended in 0..task.callers {
        let Ok(judge) = told.recv_timeout(end.saturating_duration_since(Instant::now())) else {
            total.fail(format!("{} callers hang", task.callers - ended));
            break;
        };
        total.add(judge.tally);
    }
    Ok(total)
}

fn work(channel: &Channel, judge: &mut Judge, tickets: &Tickets) {
    while tickets.take() {
        let question = judge.question();
        let begun = Instant::now();
        let ended = ask(channel, &question).unwrap_or_else(Ended::Failed);
        judge.judge(&question, begun, ended);
    }
}

fn ask(channel: &Channel, question: &Question) -> Result<Ended, CallError> {
    type Answer = (Option<Token>, Option<Damaged>);
    let arguments = (&question.token,);
    let (token, damaged) = match question.function {
        Function::Ask => call::<Ask, _, Answer>(channel, arguments)?,
        Function::Slow => call::<Slow, _, Answer>(channel, arguments)?,
        Function::Fail => call::<Fail, _, Answer>(channel, arguments)?,
        Function::Refuse => {
            type Answer = (Option<Token>, Option<Refused>, Option<Damaged>);
            let (token, refused, damaged) = call::<Refuse, _, Answer>(channel, arguments)?;
            (token.or(refused.map(|refused| refused.token)), damaged)
        }
        Function::Note => {
            channel.oneway(&Note::FUNCTION, &Values::<Arguments<Note>, _>::new(arguments))?;
            return Ok(Ended::Sent);
        }
    };
    Ok(match (token, damaged) {
        (Some(token), _) => Ended::Token(token),
        (None, Some(_)) => Ended::Damaged,
        (None, None) => Ended::Failed(CallError::missing_result(question.function.name())),
    })
}

/// Calls a function and gives all fields of its result.
fn call<S: Signature, A: Parts, R: for<'de> Places<'de>>(channel: &Channel, arguments: A) -> Result<R, CallError> {
    let result: Values<Returned<S>, R> = channel.call(&S::FUNCTION, &Values::<Arguments<S>, A>::new(arguments))?;
    Ok(result.0)
}
