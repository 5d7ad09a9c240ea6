//! Callers on tokio, which now and then think better of a call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fastthrift::{Channel, ChannelBuilder, ClientTls, Framing, Retry, Transform};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Sharing, Task, Tickets, Transport};
use crate::Outcome;
use crate::idl::oracle::OracleClient;
use crate::oracle::judge::{Ended, Function, Judge, Question, Tally};

/// Of how many calls one is given up, and after how many milliseconds.
const CANCELLED: usize = 33;
const SECOND_THOUGHTS: [u64; 3] = [0, 1, 10];

/// Calls until all calls were made; what the callers saw.
pub(super) async fn run(task: &Task) -> Outcome<Tally> {
    let channel = channel(task)?;
    let tickets = Arc::new(Tickets(task.calls.into()));
    let mut callers = JoinSet::new();
    for caller in 0..task.callers {
        callers.spawn(work(OracleClient::new(channel.clone()), task.judge(caller), Arc::clone(&tickets)));
    }
    drop(channel);
    let mut total = Tally::default();
    let all = async {
        while let Some(judge) = callers.join_next().await {
            total.add(judge?.tally);
        }
        Outcome::Ok(())
    };
    match timeout(task.patience(), all).await {
        Ok(outcome) => outcome?,
        Err(_) => total.fail(format!("{} callers hang", callers.len())),
    }
    Ok(total)
}

fn channel(task: &Task) -> Outcome<Channel> {
    let builder = speaking(Channel::builder(&task.url), task.transport).timeout(task.deadline());
    let builder = match task.sharing {
        Sharing::One | Sharing::Blocking => builder,
        Sharing::Eight => builder.connections(8),
        Sharing::Pool => builder.one_call_a_connection().connections(32),
        Sharing::Retrying => builder
            .one_call_a_connection()
            .connections(32)
            .idle_timeout(Duration::from_millis(500))
            .max_age(Duration::from_secs(1)),
    };
    let builder = match &task.ca {
        None => builder,
        Some(file) => builder.tls(ClientTls::new().authorities(std::fs::read(file)?)),
    };
    let channel = builder.lazy()?;
    Ok(match task.sharing {
        Sharing::Retrying => channel.with_interceptor(Retry::new(3)),
        _ => channel,
    })
}

fn speaking(builder: ChannelBuilder, transport: Transport) -> ChannelBuilder {
    match transport {
        Transport::Framed => builder,
        Transport::Unframed => builder.framing(Framing::Unframed),
        Transport::Header => builder.framing(Framing::Header),
        Transport::HeaderZlib => builder.framing(Framing::Header).transforms(&[Transform::Zlib]),
        Transport::Zlib => builder.zlib(),
    }
}

async fn work(client: OracleClient, mut judge: Judge, tickets: Arc<Tickets>) -> Judge {
    while tickets.take() {
        let question = judge.question();
        let patience = match judge.chance.below(CANCELLED) {
            0 => Some(SECOND_THOUGHTS[judge.chance.below(SECOND_THOUGHTS.len())]),
            _ => None,
        };
        let begun = Instant::now();
        let asking = ask(&client, &question);
        let ended = match patience {
            None => asking.await,
            Some(milliseconds) => {
                timeout(Duration::from_millis(milliseconds), asking).await.unwrap_or(Ended::Cancelled)
            }
        };
        judge.judge(&question, begun, ended);
    }
    judge
}

async fn ask(client: &OracleClient, question: &Question) -> Ended {
    let token = &question.token;
    match question.function {
        Function::Ask => client.ask(token).await.into(),
        Function::Slow => client.slow(token).await.into(),
        Function::Refuse => client.refuse(token).await.into(),
        Function::Fail => client.fail(token).await.into(),
        Function::Note => client.note(token).await.into(),
    }
}
