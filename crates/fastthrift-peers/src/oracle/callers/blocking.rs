//! Callers that are threads and share a channel which blocks.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Instant;

use fastthrift::Framing;
use fastthrift::blocking::Channel;

use super::{Task, Tickets, Transport};
use crate::Outcome;
use crate::idl::oracle::BlockingOracleClient;
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
        let (client, mut judge) = (BlockingOracleClient::new(channel.clone()), task.judge(caller));
        let (tickets, tell) = (Arc::clone(&tickets), tell.clone());
        thread::spawn(move || {
            work(&client, &mut judge, &tickets);
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

fn work(client: &BlockingOracleClient, judge: &mut Judge, tickets: &Tickets) {
    while tickets.take() {
        let question = judge.question();
        let begun = Instant::now();
        let ended = ask(client, &question);
        judge.judge(&question, begun, ended);
    }
}

fn ask(client: &BlockingOracleClient, question: &Question) -> Ended {
    let token = &question.token;
    match question.function {
        Function::Ask => client.ask(token).into(),
        Function::Slow => client.slow(token).into(),
        Function::Refuse => client.refuse(token).into(),
        Function::Fail => client.fail(token).into(),
        Function::Note => client.note(token).into(),
    }
}
