//! Two connections on which the same call was made: the first reply counts.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use fastthrift_rpc::{CallId, ReplyBody};

use super::{Limit, Link, LinkError, Open, READ_SIZE, check};
use crate::client::failure::Failure;
use crate::client::socket::{Socket, wait_readable};

/// A link on which a call was sent.
pub(in crate::client) struct Runner<'a> {
    pub(in crate::client) link: &'a mut Link,
    pub(in crate::client) call: CallId,
}

/// Who won, and with what.
pub(in crate::client) struct Finish {
    /// The place of the runner.
    pub(in crate::client) winner: usize,
    pub(in crate::client) body: ReplyBody,
}

impl Link {
    /// Sends what was written. After an error the connection is dropped.
    pub(in crate::client) fn send(
        &mut self,
        limit: Limit,
        is_interrupted: &mut dyn FnMut() -> bool,
    ) -> Result<(), Failure> {
        self.attempt(|open| {
            open.prepare(limit)?;
            open.send(limit.deadline, is_interrupted)
        })
    }

    /// Waits for the reply to a call that was sent; `None` when it did not come until `end`, and may still come.
    pub(in crate::client) fn receive_until(
        &mut self,
        call: CallId,
        end: Option<Instant>,
        limit: Limit,
        is_interrupted: &mut dyn FnMut() -> bool,
    ) -> Result<Option<ReplyBody>, Failure> {
        self.attempt(|open| {
            loop {
                let left = end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
                if left.is_zero() {
                    return Ok(None);
                }
                match wait_readable(&mut [&mut open.socket], left) {
                    Ok(false) => continue,
                    Ok(true) => {}
                    Err(error) => {
                        check(error, is_interrupted)?;
                        continue;
                    }
                }
                let reply = if open.socket.is_tls() {
                    // What came may be a message of TLS alone, and no plaintext follows it.
                    open.step_once(call)?
                } else {
                    open.receive(limit.deadline, is_interrupted)?;
                    open.reply_to(call)?
                };
                if reply.is_some() {
                    return Ok(reply);
                }
                open.bound_by(limit.deadline)?;
            }
        })
    }
}

/// Waits for the first reply. The connections of all others are dropped, and those that fail on the way.
pub(in crate::client) fn race(
    mut runners: [Runner<'_>; 2],
    limit: Limit,
    is_interrupted: &mut dyn FnMut() -> bool,
) -> Result<Finish, Failure> {
    let mut failure = None;
    for runner in &mut runners {
        if let Err(error) = runner.link.attempt(|open| open.socket.set_nonblocking(true).map_err(LinkError::Io)) {
            failure = Some(error);
        }
    }
    let finish = run(&mut runners, &mut failure, limit, is_interrupted);
    let winner = finish.as_ref().ok().map(|finish| finish.winner);
    for (place, runner) in runners.iter_mut().enumerate() {
        if Some(place) != winner {
            runner.link.abandon();
        } else if runner.link.attempt(|open| open.socket.set_nonblocking(false).map_err(LinkError::Io)).is_err() {
            // The reply's bytes go with the connection.
            return Err(Failure { was_sent: true, ..Failure::before(LinkError::Io(io::ErrorKind::Other.into())) });
        }
    }
    finish
}

fn run(
    runners: &mut [Runner<'_>; 2],
    failure: &mut Option<Failure>,
    limit: Limit,
    is_interrupted: &mut dyn FnMut() -> bool,
) -> Result<Finish, Failure> {
    loop {
        for (winner, runner) in runners.iter_mut().enumerate() {
            let Runner { link, call } = runner;
            if !link.is_open() {
                continue;
            }
            match link.attempt(|open| open.step(*call)) {
                Ok(Some(body)) => return Ok(Finish { winner, body }),
                Ok(None) => {}
                Err(error) => *failure = Some(failure.take().unwrap_or(error)),
            }
        }
        let place = runners[0].link.place;
        let failed = |error| Failure { error, was_sent: true, place };
        let mut sockets: Vec<&mut Socket> =
            runners.iter_mut().filter_map(|runner| runner.link.open.as_mut()).map(|open| &mut open.socket).collect();
        if sockets.is_empty() {
            return Err(failure.take().unwrap_or_else(|| failed(LinkError::Closed)));
        }
        let left = limit.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(failed(LinkError::TimedOut));
        }
        if let Err(error) = wait_readable(&mut sockets, left.unwrap_or(Duration::MAX)) {
            check(error, is_interrupted).map_err(failed)?;
        }
    }
}

impl Open {
    /// Takes what came, without waiting, on a socket that else waits.
    fn step_once(&mut self, call: CallId) -> Result<Option<ReplyBody>, LinkError> {
        self.socket.set_nonblocking(true).map_err(LinkError::Io)?;
        let stepped = self.step(call);
        self.socket.set_nonblocking(false).map_err(LinkError::Io)?;
        stepped
    }

    /// Takes what came, without waiting.
    fn step(&mut self, call: CallId) -> Result<Option<ReplyBody>, LinkError> {
        loop {
            match self.socket.read(self.connection.receive_buffer(READ_SIZE)) {
                Ok(0) => self.connection.receive_eof(),
                Ok(count) => {
                    self.received += count;
                    self.connection.received(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(LinkError::Io(error)),
            }
            if let Some(body) = self.reply_to(call)? {
                return Ok(Some(body));
            }
        }
    }
}
