//! One connection of a blocking client, which carries one call at a time.

use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use fastthrift_protocol::{Protocol, Sink};
use fastthrift_rpc::{CallKind, CallOptions, ClientConfig, ClientConnection, ClientEvent, Headers, ReplyBody};

use super::stream::{Stream, Target};
use crate::{CallError, Function};

/// Bytes to receive at once.
const READ_SIZE: usize = 8 << 10;

/// How many times it is received for a response that nobody waits for.
const MAX_READS: usize = 16;

/// After how long without use it is looked whether the peer closed a connection.
const GLANCE_AFTER: Duration = Duration::from_millis(5);

/// A connection and its state machine.
#[derive(Debug)]
pub(super) struct Link {
    stream: Stream,
    rpc: ClientConnection,
    epoch: Instant,
    has_limit: bool,
    used: Instant,
}

/// What came back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Incoming<'a> {
    pub(super) protocol: Protocol,
    pub(super) headers: &'a Headers,
    pub(super) body: &'a [u8],
}

/// What is called, and with what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outgoing<'a> {
    pub(super) service: Option<&'a str>,
    pub(super) function: &'a Function,
    pub(super) headers: &'a Headers,
    pub(super) deadline: Option<Instant>,
    pub(super) body: &'a [u8],
}

impl Link {
    pub(super) fn connect(target: &Target, config: ClientConfig, by: Option<Instant>) -> io::Result<Self> {
        let stream = Stream::connect(target, by)?;
        Ok(Self {
            stream,
            rpc: ClientConnection::new(config),
            epoch: Instant::now(),
            has_limit: false,
            used: Instant::now(),
        })
    }

    /// Whether another call can be made over it.
    pub(super) fn is_good(&mut self) -> bool {
        self.is_settled() && (self.used.elapsed() < GLANCE_AFTER || !self.stream.is_stale())
    }

    /// Notes that a call is over; whether nothing is left of it but the response to a oneway, which may come yet.
    pub(super) fn rest(&mut self) -> bool {
        self.used = Instant::now();
        self.rpc.is_idle() || self.owes_only_oneway()
    }

    /// Whether nothing but the response to a oneway keeps it from carrying a call.
    fn owes_only_oneway(&self) -> bool {
        let calls = self.rpc.waiting() + self.rpc.abandoned();
        calls == 0 && self.rpc.owes_response() && !self.rpc.is_failed()
    }

    /// Whether nothing is owed any more, after the response to a oneway was taken, if it came.
    fn is_settled(&mut self) -> bool {
        if !self.owes_only_oneway() {
            return self.rpc.is_idle();
        }
        let taken = self.stream.set_nonblocking(true).and_then(|()| self.take_response());
        taken.is_ok() && self.stream.set_nonblocking(false).is_ok() && self.rpc.is_idle()
    }

    fn take_response(&mut self) -> io::Result<()> {
        for _ in 0..MAX_READS {
            match self.stream.read(self.rpc.receive_buffer(READ_SIZE)) {
                Ok(0) => self.rpc.receive_eof(),
                Ok(count) => self.rpc.received(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            self.rpc.poll_event(self.epoch.elapsed()).map_err(io::Error::other)?;
            if !self.rpc.owes_response() {
                return Ok(());
            }
        }
        Err(ErrorKind::WouldBlock.into())
    }

    /// Makes a call, and reads its result's struct with `read`; a oneway has none.
    pub(super) fn call<R>(
        &mut self,
        call: &Outgoing<'_>,
        read: impl FnOnce(Incoming<'_>) -> Result<R, CallError>,
    ) -> Result<Option<R>, CallError> {
        self.begin(call)?;
        self.send(call.deadline).map_err(|error| lost(error, true))?;
        if self.is_oneway_over(call) {
            return Ok(None);
        }
        loop {
            match self.rpc.poll_event(self.epoch.elapsed()) {
                Ok(Some(ClientEvent::Reply { body: ReplyBody::Result(span), .. })) => {
                    let (protocol, headers) = (self.rpc.config().protocol, self.rpc.reply_headers());
                    let result = read(Incoming { protocol, headers, body: self.rpc.bytes(span) })?;
                    // Lets go of the reply, so that the connection is idle.
                    self.rpc.poll_event(self.epoch.elapsed()).map_err(|error| CallError::connection(error, true))?;
                    return Ok(Some(result));
                }
                Ok(Some(ClientEvent::Reply { body: ReplyBody::Exception(exception), .. })) => {
                    return Err(exception.into());
                }
                Ok(Some(ClientEvent::TimedOut { .. })) => return Err(CallError::timeout(true)),
                Ok(None) => {}
                Err(error) => return Err(CallError::connection(error, true)),
            }
            // What answers a handshake, or waited for its end, goes out before more is received.
            self.send(call.deadline).map_err(|error| lost(error, true))?;
            if self.is_oneway_over(call) {
                return Ok(None);
            }
            self.receive(call.deadline).map_err(|error| lost(error, true))?;
        }
    }

    /// Whether the call has no answer, and all of it was sent.
    fn is_oneway_over(&self, call: &Outgoing<'_>) -> bool {
        call.function.kind() == CallKind::Oneway && !self.rpc.is_handshaking()
    }

    fn begin(&mut self, call: &Outgoing<'_>) -> Result<(), CallError> {
        let options = CallOptions {
            service: call.service,
            function: call.function.name(),
            kind: call.function.kind(),
            deadline: call.deadline.map(|deadline| deadline.saturating_duration_since(self.epoch)),
            timeout: call.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())),
            headers: call.headers,
        };
        let mut writer = self.rpc.begin(options).map_err(CallError::refused)?;
        writer.sink().put_slice(call.body);
        writer.finish().map(drop).map_err(CallError::refused)
    }

    fn send(&mut self, deadline: Option<Instant>) -> io::Result<()> {
        while !self.rpc.outbound().is_empty() || self.stream.has_unsent() {
            self.limit(deadline)?;
            match self.stream.write(self.rpc.outbound()) {
                Ok(0) if !self.rpc.outbound().is_empty() => return Err(ErrorKind::WriteZero.into()),
                Ok(sent) => self.rpc.advance_outbound(sent),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn receive(&mut self, deadline: Option<Instant>) -> io::Result<()> {
        self.limit(deadline)?;
        match self.stream.read(self.rpc.receive_buffer(READ_SIZE)) {
            Ok(0) => self.rpc.receive_eof(),
            Ok(count) => self.rpc.received(count),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Lets the next step take until the deadline and no longer.
    fn limit(&mut self, deadline: Option<Instant>) -> io::Result<()> {
        let Some(deadline) = deadline else {
            if std::mem::take(&mut self.has_limit) {
                self.stream.limit(None)?;
            }
            return Ok(());
        };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.has_limit = true;
        self.stream.limit(Some(left))
    }
}

/// The error of a call whose connection cannot be used any more.
#[cold]
fn lost(error: io::Error, was_sent: bool) -> CallError {
    match error.kind() {
        // A socket's time-out is one or the other.
        ErrorKind::TimedOut | ErrorKind::WouldBlock => CallError::timeout(was_sent),
        _ => CallError::lost(error, was_sent),
    }
}
