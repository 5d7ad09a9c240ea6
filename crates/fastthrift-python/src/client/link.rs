//! The blocking driver of a client's connection: it knows sockets and time, and nothing of Python.
#![expect(
    clippy::inline_always,
    reason = "a call goes through all of this once, and to hand things on costs more than what is done with them"
)]

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use fastthrift_rpc::policy::{Age, PoolPolicy, Verdict};
use fastthrift_rpc::{
    CallId, CallKind, CallOptions, CallWriter, Carrier, ClientConnection, ClientEvent, ConnectionError,
    ConnectionErrorKind, Fault, Headers, ReplyBody,
};

mod race;

pub(super) use self::race::{Runner, race};
use super::Target;
use super::custom::CustomSocket;
use super::failure::{Failure, LinkError};
use super::sasl::Mechanism;
use super::socket::Socket;

/// How many bytes a receive asks for at least.
const READ_SIZE: usize = 8 << 10;
/// How long the response to a oneway over HTTP is waited for.
const ONEWAY_PATIENCE: Duration = Duration::from_millis(250);
/// How much later than its deadline a call may end, so that most calls need not set the socket's timeouts.
const SLACK: Duration = Duration::from_millis(1);

/// A connection that is made when it is needed, and made anew after it broke.
#[derive(Default)]
pub(super) struct Link {
    open: Option<Open>,
    /// Which of the target's addresses the connection leads to, or led to.
    place: usize,
}

/// A connection that is there.
struct Open {
    socket: Socket,
    connection: ClientConnection,
    /// Where the connection's time starts.
    epoch: Instant,
    /// The last time that anything was done with it.
    used: Instant,
    /// How long a single send or receive may usually take.
    timeout: Option<Duration>,
    /// Whether the socket's timeouts are those of the link, not what was left of a deadline.
    has_usual_timeouts: bool,
    /// How many bytes came since the last call was begun.
    received: usize,
    /// Whether each request has its response, also where the call is not answered.
    is_http: bool,
}

/// How long a call may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    /// From its start; what a single send or receive may usually take.
    pub(super) timeout: Option<Duration>,
    /// Until when it is to end, which may be earlier.
    pub(super) deadline: Option<Instant>,
}

impl Link {
    /// Drops the connection; the next call makes another.
    pub(super) fn abandon(&mut self) {
        self.open = None;
    }

    /// Whether there is a connection.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// What becomes of the connection when it is to be used now; it is to be closed when there is none.
    #[inline(always)]
    pub(super) fn verdict(&self, policy: &PoolPolicy, now: Instant) -> Verdict {
        let Some(open) = &self.open else { return Verdict::Close };
        if open.socket.is_ending() {
            return Verdict::Close;
        }
        let has_limits = policy.max_age.is_some() || policy.idle_timeout.is_some() || policy.check_after.is_some();
        if !has_limits && !open.is_http && now.saturating_duration_since(open.used) < policy.glance_after {
            return Verdict::Use;
        }
        match policy.verdict(open.age(), now.saturating_duration_since(open.epoch)) {
            // A response may have said that it is the last.
            Verdict::Use if open.is_http && !open.connection.is_idle() => Verdict::Glance,
            verdict => verdict,
        }
    }

    /// When the connection is to be closed if nobody uses it.
    pub(super) fn expires(&self, policy: &PoolPolicy) -> Option<Instant> {
        let open = self.open.as_ref()?;
        open.epoch.checked_add(policy.expires(open.age())?)
    }

    /// Drops the connection if the peer closed it or sent what nobody asked for. Whether it is there still.
    pub(super) fn glance(&mut self) -> bool {
        if self.open.as_mut().is_some_and(|open| !open.connection.is_idle() || open.socket.is_stale()) {
            self.open = None;
        }
        self.open.is_some()
    }

    /// Makes a connection by the deadline; each of the target's addresses is tried.
    pub(super) fn connect(&mut self, target: &Target, limit: Limit) -> Result<(), LinkError> {
        self.open = None;
        let (socket, place) = target
            .endpoints
            .connect(
                |endpoint, deadline| {
                    let mut socket = match &target.opener {
                        Some(opener) => Socket::Custom(CustomSocket::open(opener)?),
                        None => Socket::connect(endpoint, target.security.as_ref(), deadline)?,
                    };
                    socket.set_timeouts(limit.timeout)?;
                    Ok(socket)
                },
                limit.deadline,
            )
            .map_err(|error: io::Error| match error.kind() {
                io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => LinkError::TimedOut,
                _ => LinkError::Connect(error),
            })?;
        let now = Instant::now();
        let mut config = target.configs[place].clone();
        let mut mechanism = None;
        if let Some(sasl) = &target.sasl {
            let (begun, client) = sasl.begin(target.endpoints.at(place).host()).map_err(refused)?;
            (mechanism, config.sasl) = (Some(begun), Some(client));
        }
        let connection = ClientConnection::new(config);
        self.place = place;
        self.open = Some(Open {
            socket,
            connection,
            epoch: now,
            used: now,
            timeout: limit.timeout,
            has_usual_timeouts: true,
            received: 0,
            is_http: target.configs[place].carrier == Carrier::Http,
        });
        let introduced = match (&mut self.open, &mechanism) {
            (Some(open), Some(mechanism)) => open.introduce(mechanism, limit.deadline),
            _ => Ok(()),
        };
        introduced.inspect_err(|_| self.open = None)
    }

    /// Starts a call on the open connection.
    #[inline(always)]
    pub(super) fn begin_call(
        &mut self,
        function: &str,
        kind: CallKind,
        deadline: Option<Instant>,
        headers: &Headers,
    ) -> Result<CallWriter<'_>, LinkError> {
        let Some(open) = &mut self.open else { return Err(LinkError::Closed) };
        let until = deadline.map(|deadline| deadline.saturating_duration_since(open.epoch));
        let mut options = CallOptions { deadline: until, headers, ..CallOptions::new(function, kind) };
        if open.connection.carries_headers() {
            // The server is told what is left, so that it need not work for nobody.
            options.timeout = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        }
        open.received = 0;
        open.connection.begin(options).map_err(LinkError::Call)
    }

    /// How many bytes came since the call was begun, and the headers of its reply.
    pub(super) fn received(&self) -> (usize, &Headers) {
        self.open.as_ref().map_or((0, Headers::none()), |open| (open.received, open.connection.reply_headers()))
    }

    /// Sends what was written and waits for the reply; a oneway has none. `is_interrupted` is asked when a signal came.
    ///
    /// After an error the connection is dropped, so that no later call can get this one's reply.
    #[inline(always)]
    pub(super) fn exchange(
        &mut self,
        call: CallId,
        kind: CallKind,
        limit: Limit,
        is_interrupted: &mut dyn FnMut() -> bool,
    ) -> Result<Option<ReplyBody>, Failure> {
        self.attempt(|open| open.exchange(call, kind, limit, is_interrupted))
    }

    /// Does something with the connection. After an error it is dropped.
    #[inline(always)]
    fn attempt<T>(&mut self, work: impl FnOnce(&mut Open) -> Result<T, LinkError>) -> Result<T, Failure> {
        let place = self.place;
        let Some(open) = &mut self.open else { return Err(Failure { place, ..Failure::before(LinkError::Closed) }) };
        let whole = open.connection.outbound().len();
        work(open).map_err(|error| self.lost(error, whole))
    }

    /// Drops the connection after an error, before which so many bytes were to be sent.
    #[cold]
    fn lost(&mut self, error: LinkError, whole: usize) -> Failure {
        // What was sent before, and what a socket took that could not send it, may have left, too.
        let was_sent = self
            .open
            .take()
            .is_none_or(|open| whole == 0 || open.connection.outbound().len() < whole || open.socket.holds_back());
        Failure { error, was_sent, place: self.place }
    }

    /// The connection that holds the body of the last reply.
    pub(super) fn connection(&mut self) -> Option<&mut ClientConnection> {
        self.open.as_mut().map(|open| &mut open.connection)
    }
}

impl Open {
    /// In the time of the connection.
    fn age(&self) -> Age {
        Age { opened: Duration::ZERO, used: self.used.saturating_duration_since(self.epoch) }
    }

    #[inline(always)]
    fn exchange(
        &mut self,
        call: CallId,
        kind: CallKind,
        limit: Limit,
        is_interrupted: &mut dyn FnMut() -> bool,
    ) -> Result<Option<ReplyBody>, LinkError> {
        let deadline = limit.deadline;
        self.prepare(limit)?;
        self.send(deadline, is_interrupted)?;
        if kind == CallKind::Oneway {
            if self.is_http {
                self.finish_oneway(deadline, is_interrupted)?;
            }
            self.used = Instant::now();
            return Ok(None);
        }
        loop {
            self.receive(deadline, is_interrupted)?;
            if let Some(body) = self.reply_to(call)? {
                return Ok(Some(body));
            }
            self.bound_by(deadline)?;
        }
    }

    /// The reply to a call, if what came holds all of it.
    #[inline(always)]
    fn reply_to(&mut self, call: CallId) -> Result<Option<ReplyBody>, LinkError> {
        self.used = Instant::now();
        match self.connection.usual_reply(call) {
            Some(body) => Ok(Some(ReplyBody::Result(body))),
            None => self.look_for_reply(call),
        }
    }

    #[inline(never)]
    fn look_for_reply(&mut self, call: CallId) -> Result<Option<ReplyBody>, LinkError> {
        let event = self.connection.poll_event(self.used.duration_since(self.epoch));
        match event.map_err(LinkError::Connection)? {
            Some(ClientEvent::Reply { call: answered, body }) if answered == call => Ok(Some(body)),
            Some(ClientEvent::TimedOut { .. }) => Err(LinkError::TimedOut),
            // Only one call is in flight, so a reply to another is an error of the connection already.
            Some(ClientEvent::Reply { .. }) | None => Ok(None),
        }
    }

    /// Says by SASL who this side is. A signal ends it, so that its handler has a say.
    fn introduce(&mut self, mechanism: &Mechanism, deadline: Option<Instant>) -> Result<(), LinkError> {
        let failed = |error| match error {
            LinkError::Interrupted => LinkError::Connect(io::ErrorKind::Interrupted.into()),
            LinkError::Io(error) => LinkError::Connect(error),
            other => other,
        };
        while self.connection.is_handshaking() {
            self.bound_by(deadline)?;
            self.send(deadline, &mut || true).map_err(failed)?;
            if let Some(challenge) = self.connection.challenge() {
                let response = mechanism.step(challenge).map_err(refused)?;
                self.connection.respond(&response);
                continue;
            }
            self.receive(deadline, &mut || true).map_err(failed)?;
            self.connection.poll_event(self.epoch.elapsed()).map_err(unheard)?;
        }
        Ok(())
    }

    /// Waits a little for the response to a oneway, which says nothing, so that the next request has its turn. Some servers send none:
    /// then this connection is not used again.
    #[cold]
    fn finish_oneway(
        &mut self,
        deadline: Option<Instant>,
        is_interrupted: &mut dyn FnMut() -> bool,
    ) -> Result<(), LinkError> {
        let patience = Instant::now() + ONEWAY_PATIENCE;
        match self.await_response(Some(deadline.map_or(patience, |deadline| deadline.min(patience))), is_interrupted) {
            Err(LinkError::TimedOut) => Ok(()),
            result => result,
        }
    }

    fn await_response(
        &mut self,
        deadline: Option<Instant>,
        is_interrupted: &mut dyn FnMut() -> bool,
    ) -> Result<(), LinkError> {
        while self.connection.owes_response() {
            self.bound_by(deadline)?;
            self.receive(deadline, is_interrupted)?;
            match self.connection.poll_event(self.epoch.elapsed()) {
                // The response came, and said that the connection ends with it: the next call makes another.
                Err(error) if !self.connection.owes_response() && is_end(&error) => return Ok(()),
                event => _ = event.map_err(LinkError::Connection)?,
            }
        }
        Ok(())
    }

    /// Sets the socket's timeouts for a call, if they are not right by chance.
    #[inline(always)]
    fn prepare(&mut self, limit: Limit) -> Result<(), LinkError> {
        if self.timeout != limit.timeout {
            self.timeout = limit.timeout;
            self.has_usual_timeouts = false;
        }
        if limit
            .deadline
            .is_some_and(|deadline| deadline.saturating_duration_since(Instant::now()) + SLACK < self.usual_wait())
        {
            // Part of the time was spent on waiting for a turn, or on connecting.
            self.bound_by(limit.deadline)?;
        } else if !self.has_usual_timeouts {
            self.socket.set_timeouts(self.timeout).map_err(LinkError::Io)?;
            self.has_usual_timeouts = true;
        }
        Ok(())
    }

    #[inline(always)]
    fn send(&mut self, deadline: Option<Instant>, is_interrupted: &mut dyn FnMut() -> bool) -> Result<(), LinkError> {
        while !self.connection.outbound().is_empty() {
            match self.socket.write(self.connection.outbound()) {
                Ok(0) => return Err(LinkError::Io(io::ErrorKind::WriteZero.into())),
                Ok(sent) => {
                    self.connection.advance_outbound(sent);
                    if !self.connection.outbound().is_empty() {
                        self.bound_by(deadline)?;
                    }
                }
                Err(error) => self.go_on(error, deadline, is_interrupted)?,
            }
        }
        self.socket.flush().map_err(LinkError::Io)
    }

    #[inline(always)]
    fn receive(
        &mut self,
        deadline: Option<Instant>,
        is_interrupted: &mut dyn FnMut() -> bool,
    ) -> Result<(), LinkError> {
        loop {
            match self.socket.read(self.connection.receive_buffer(READ_SIZE)) {
                Ok(0) => self.connection.receive_eof(),
                Ok(count) => {
                    self.received += count;
                    self.connection.received(count);
                }
                Err(error) => {
                    self.go_on(error, deadline, is_interrupted)?;
                    continue;
                }
            }
            return Ok(());
        }
    }

    /// Goes on after a send or receive that failed, if only a signal came, whose handler does not object.
    #[cold]
    fn go_on(
        &mut self,
        error: io::Error,
        deadline: Option<Instant>,
        is_interrupted: &mut dyn FnMut() -> bool,
    ) -> Result<(), LinkError> {
        check(error, is_interrupted)?;
        self.bound_by(deadline)
    }

    /// How long a single send or receive waits with the usual timeouts.
    fn usual_wait(&self) -> Duration {
        self.timeout.unwrap_or(Duration::MAX)
    }

    /// Lets the next send or receive wait no longer than the deadline allows: a slow trickle of bytes gains the peer no time.
    fn bound_by(&mut self, deadline: Option<Instant>) -> Result<(), LinkError> {
        let Some(deadline) = deadline else { return Ok(()) };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(LinkError::TimedOut);
        }
        self.has_usual_timeouts = false;
        self.socket.set_timeouts(Some(left)).map_err(LinkError::Io)
    }
}

/// A connection that cannot be used because of what the mechanism, or the peer, said. To say the same again would not help, and
/// a wrong password that is said too often may lock its user out.
fn refused(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> LinkError {
    LinkError::Connect(io::Error::new(io::ErrorKind::PermissionDenied, error))
}

/// A connection that ended before it could be used.
fn unheard(error: ConnectionError) -> LinkError {
    if error.fault() == Fault::Network { LinkError::Connect(io::Error::other(error)) } else { refused(error) }
}

/// Whether the peer closed the connection, and no call waits for anything.
fn is_end(error: &ConnectionError) -> bool {
    matches!(error.kind(), ConnectionErrorKind::Closed { waiting: 0 })
}

/// Goes on after a signal whose handler does not object.
#[cold]
fn check(error: io::Error, is_interrupted: &mut dyn FnMut() -> bool) -> Result<(), LinkError> {
    match error.kind() {
        io::ErrorKind::Interrupted if is_interrupted() => Err(LinkError::Interrupted),
        io::ErrorKind::Interrupted => Ok(()),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Err(LinkError::TimedOut),
        _ => Err(LinkError::Io(error)),
    }
}
