//! One connection: its socket, its state machine, and until when its peer has to do something.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use fastthrift_rpc::{Carrier, ConnectionError, Request, ServerConfig, ServerConnection};
use mio::event::Source;
use mio::{Interest, Registry, Token};

use super::budget::Memory;
use super::heir::Heir;
use super::patience::{Duty, Patience};
use super::sasl::Introduction;
use super::stream::Stream;

/// How many bytes a receive has room for at least.
const READ_SIZE: usize = 4 << 10;
/// How many bytes are received in one turn, so that a busy peer does not hold up the others.
const READ_PER_TURN: usize = 256 << 10;
/// How long a peer may take to read why its connection ends, before that is cut short.
pub(crate) const LINGER: Duration = Duration::from_secs(2);

/// How long peers may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    /// From a message's first byte to its last, and between two steps of sending; `None` for ever.
    pub(crate) message: Option<Duration>,
    /// Between messages; `None` for ever.
    pub(crate) idle: Option<Duration>,
}

impl Timeouts {
    /// How exactly they are kept: an eighth of the shortest, between 10 ms and a second.
    pub(crate) fn grain(&self) -> Duration {
        let shortest = self.message.into_iter().chain(self.idle).chain([LINGER]).min().unwrap_or(LINGER);
        (shortest / 8).clamp(Duration::from_millis(10), Duration::from_secs(1))
    }
}

/// What a connection needs after a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing until its socket is ready again.
    Wait,
    /// Another turn: there is more to do than one turn allows.
    Again,
    /// To receive more once there is memory for that.
    Pause,
    /// To run the request that it keeps, once there is a thread for that.
    Hold,
    /// To be closed.
    Close,
}

/// What the socket holds that was not received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inflow {
    /// Nothing, as far as known; the poller tells when that changes.
    Empty,
    /// Bytes, perhaps.
    Waiting,
    /// The last bytes, perhaps, and then the end: the poller tells nothing more, so receiving goes on until the end
    /// shows.
    Ending,
}

/// A connection. Only one thread has it at a time.
pub(super) struct Connection {
    pub(super) rpc: ServerConnection,
    stream: Stream,
    /// At which of the server's endpoints it came in.
    place: usize,
    /// How far its peer is with saying who it is.
    pub(super) introduction: Introduction,
    /// A request that waits for a thread to run its handler.
    held: Option<Request>,
    inflow: Inflow,
    /// What came of receiving for the turn that is next, where that was done before it.
    received: Option<io::Result<()>>,
    /// The socket is watched for room to send.
    awaits_room: bool,
    patience: Patience,
    /// When what was received last came, or before what of it was not served yet.
    received_at: Instant,
    /// How many bytes of memory it may take to receive more.
    pub(super) allowance: usize,
    /// How many bytes it counts with among those of all connections.
    pub(super) counted: Memory,
    /// Requests may wait that were received before.
    has_backlog: bool,
    lingers_until: Option<Instant>,
    /// The replies that are sent next are the last.
    is_ending: bool,
}

impl Connection {
    pub(super) fn new(stream: Stream, place: usize, config: ServerConfig, now: Instant) -> Self {
        Self {
            rpc: ServerConnection::new(config),
            stream,
            place,
            introduction: Introduction::default(),
            held: None,
            inflow: Inflow::Empty,
            received: None,
            awaits_room: false,
            patience: Patience::new(now),
            received_at: now,
            allowance: usize::MAX,
            counted: Memory::default(),
            has_backlog: false,
            lingers_until: None,
            is_ending: false,
        }
    }

    /// The peer's URL, where it has one.
    pub(super) fn peer(&self) -> Option<String> {
        self.stream.peer()
    }

    /// What answers, and what knows who called.
    pub(super) fn split(&mut self) -> (&mut ServerConnection, &Stream) {
        (&mut self.rpc, &self.stream)
    }

    /// Receives for the next turn, unless that turn is for something else or its receiving takes long, as the arithmetic
    /// of a handshake does.
    #[inline]
    pub(super) fn receive(&mut self, now: Instant) {
        if !self.has_backlog {
            self.received_at = now;
        }
        self.received = (!self.is_lingering() && !self.is_ending && !self.is_handshaking()).then(|| self.fill());
    }

    /// What came of receiving before this turn; `None` where that is still to be done.
    #[inline]
    pub(super) fn take_received(&mut self) -> Option<io::Result<()>> {
        self.received.take()
    }

    /// Until when a request is to be carried out.
    #[inline]
    pub(super) fn deadline_of(&self, request: &Request) -> Option<Instant> {
        request.timeout.and_then(|timeout| self.received_at.checked_add(timeout))
    }

    /// Notes what the poller says about the socket. Whether that is a reason for a turn.
    pub(super) fn note(&mut self, readiness: Readiness) -> bool {
        if readiness.hung_up {
            self.inflow = Inflow::Ending;
        } else if readiness.readable && self.inflow == Inflow::Empty {
            self.inflow = Inflow::Waiting;
        }
        readiness.readable || (readiness.writable && self.awaits_room)
    }

    /// Receives what is there, as far as it is wanted and a turn allows.
    pub(super) fn fill(&mut self) -> io::Result<()> {
        let mut received = 0;
        while self.inflow != Inflow::Empty && received < READ_PER_TURN && self.wants_read() {
            let buffer = self.rpc.receive_buffer(READ_SIZE);
            let room = buffer.len();
            match self.stream.read(buffer) {
                Ok(0) => {
                    self.rpc.receive_eof();
                    self.inflow = Inflow::Empty;
                }
                Ok(count) => {
                    self.rpc.received(count);
                    received += count;
                    // With room to spare, the socket is empty.
                    if count < room && self.inflow == Inflow::Waiting && !self.stream.has_news() {
                        self.inflow = Inflow::Empty;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.inflow = Inflow::Empty,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if received > 0 {
            self.patience.saw_bytes();
        }
        Ok(())
    }

    /// Whether more is to be received, and may be.
    #[inline]
    fn wants_read(&self) -> bool {
        self.rpc.wants_read() && (self.allowance == usize::MAX || self.memory().total() < self.allowance)
    }

    /// What memory the received bytes and those to be sent take.
    pub(super) fn memory(&self) -> Memory {
        let outbound = self.rpc.outbound_capacity() + self.stream.unsent();
        Memory { inbound: self.rpc.inbound_capacity(), outbound }
    }

    /// Whether the last turn ended with a request, or no part of one is there.
    pub(super) fn has_message(&self) -> bool {
        self.patience.just_served() || !self.rpc.is_mid_message()
    }

    /// Sends what the socket takes. Whether all was sent.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        while !self.rpc.outbound().is_empty() {
            match self.stream.write(self.rpc.outbound()) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.rpc.advance_outbound(count);
                    self.patience.saw_bytes();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.stream.push()
    }

    /// Whether something waits for room in the socket.
    fn has_unsent(&self) -> bool {
        !self.rpc.outbound().is_empty() || self.stream.has_unsent()
    }

    /// Whether the peer is still to finish the handshake of TLS.
    pub(super) fn is_handshaking(&self) -> bool {
        self.stream.is_handshaking()
    }

    /// The next request: the one that was held, or one of what was received.
    #[inline]
    pub(super) fn next_request(&mut self) -> Result<Option<Request>, ConnectionError> {
        match self.held.take().or_else(|| self.rpc.usual_request()) {
            None => self.rpc.poll_event(),
            found => Ok(found),
        }
    }

    /// Keeps a request until there is a thread for it. Replies to those before are sent meanwhile.
    pub(super) fn hold(&mut self, request: Request) -> Next {
        self.held = Some(request);
        self.has_backlog = true;
        if self.flush().is_ok() { Next::Hold } else { Next::Close }
    }

    /// Notes that a request was served.
    pub(super) fn has_served(&mut self) {
        self.patience.served();
    }

    /// Ends the connection with the replies that are to be sent, if TLS can tell the peer so in the same packet and nothing of another
    /// request is there: then a client that waits for its reply does not send another one in vain.
    pub(super) fn end_with_replies(&mut self) {
        let is_all = self.rpc.open_requests() == 0 && !self.rpc.is_mid_message() && self.inflow == Inflow::Empty;
        self.is_ending |= is_all && !self.rpc.outbound().is_empty() && self.stream.end_with_next();
    }

    /// Whether nothing more is received, since the peer was told of the end.
    pub(super) fn is_ending(&self) -> bool {
        self.is_ending
    }

    /// Sends what is to be sent and says how to go on; `has_more` that requests may wait that were received already.
    pub(super) fn settle(&mut self, has_more: bool, now: Instant) -> Next {
        self.has_backlog = has_more;
        let was_full = self.is_full();
        if self.flush().is_err() {
            return Next::Close;
        }
        if self.rpc.is_finished() && !self.stream.has_unsent() {
            let is_answered = self.rpc.failure().is_some_and(ConnectionError::is_answered);
            return if is_answered { self.start_lingering(now) } else { Next::Close };
        }
        if self.is_ending {
            return if self.has_unsent() { Next::Wait } else { Next::Close };
        }
        let has_input = self.inflow != Inflow::Empty && self.rpc.wants_read();
        match has_more || was_full || has_input {
            true if self.is_full() => Next::Wait,
            true if has_more || was_full || self.wants_read() => Next::Again,
            true => Next::Pause,
            false => Next::Wait,
        }
    }

    /// Whether so much waits to be sent that no further request is served.
    fn is_full(&self) -> bool {
        self.rpc.outbound().len() > self.rpc.config().max_outbound
    }

    /// Closes this direction; the other stays open until the peer closes it. Closing at once while there are bytes to
    /// receive would make the system drop what was sent.
    fn start_lingering(&mut self, now: Instant) -> Next {
        if self.stream.shutdown_write().is_err() {
            return Next::Close;
        }
        self.lingers_until = Some(now + LINGER);
        self.linger()
    }

    pub(super) fn is_lingering(&self) -> bool {
        self.lingers_until.is_some()
    }

    /// Drops what the peer still sends, until it closes.
    pub(super) fn linger(&mut self) -> Next {
        let mut scrap = [0; READ_SIZE];
        for _ in 0..READ_PER_TURN / READ_SIZE {
            match self.stream.read(&mut scrap) {
                Ok(0) => return Next::Close,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.inflow = Inflow::Empty;
                    return Next::Wait;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Next::Close,
            }
        }
        Next::Again
    }

    /// Whether the peer waits for nothing and is in the middle of nothing.
    pub(super) fn is_quiet(&self) -> bool {
        !self.has_unsent() && self.rpc.open_requests() == 0 && !self.rpc.is_mid_message()
    }

    /// Whether a quiet connection may be closed: its client just got a reply, or did nothing for so long.
    pub(super) fn may_end(&self, now: Instant, calm: Duration) -> bool {
        self.patience.just_served() || self.calm_at(calm).is_some_and(|calm| calm <= now)
    }

    /// When the connection will have been quiet for so long, if nothing happens.
    pub(super) fn calm_at(&self, calm: Duration) -> Option<Instant> {
        self.patience.calm_at(calm)
    }

    /// Gives the connection to another process, if it is quiet and all that this side knows of it is in its socket: no TLS, no
    /// compressed stream, nobody who said who he is. Whether that was done.
    ///
    /// # Errors
    /// The other process takes nothing.
    pub(super) fn give_to(&self, heir: &Heir) -> io::Result<bool> {
        let is_plain = !matches!(self.rpc.carrier(), Some(Carrier::Zlib)) && self.rpc.config().sasl.is_none();
        let (Some(socket), Ok(place)) = (self.stream.plain_socket(), u8::try_from(self.place)) else {
            return Ok(false);
        };
        if !is_plain || !self.is_quiet() || self.is_lingering() {
            return Ok(false);
        }
        heir.give(place, socket).map(|()| true)
    }

    /// Starts to watch the socket.
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.stream.register(registry, token, Interest::READABLE)
    }

    /// Watches for room to send exactly while there is something to send: each reply that a peer takes would else be an
    /// event.
    pub(super) fn watch(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let awaits_room = self.has_unsent();
        if awaits_room == self.awaits_room {
            return Ok(());
        }
        self.awaits_room = awaits_room;
        let interest = if awaits_room { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        self.stream.reregister(registry, token, interest)
    }

    /// Stops to watch the socket.
    pub(super) fn deregister(&mut self, registry: &Registry) {
        let _ = self.stream.deregister(registry);
    }

    /// Notes what happened since the last look, and returns by when the peer has to do something.
    pub(super) fn deadline(&mut self, now: Instant, timeouts: &Timeouts) -> Option<Instant> {
        let duty = if self.held.is_some() {
            Duty::Wait
        } else if self.stream.is_handshaking() {
            Duty::Finish
        } else if self.has_unsent() {
            Duty::Take
        } else if self.rpc.is_mid_message() {
            Duty::Finish
        } else {
            Duty::Ask
        };
        let deadline = self.patience.deadline(duty, now, timeouts);
        self.lingers_until.or(deadline)
    }
}

/// What the poller says about a socket.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Readiness {
    pub(super) readable: bool,
    pub(super) writable: bool,
    pub(super) hung_up: bool,
}

impl Readiness {
    /// Bytes may have come, whatever the poller said.
    pub(super) const LOOK: Self = Self { readable: true, writable: false, hung_up: false };

    pub(super) fn of(event: &mio::event::Event) -> Self {
        let hung_up = event.is_read_closed() || event.is_error();
        Self { readable: event.is_readable() || hung_up, writable: event.is_writable(), hung_up }
    }

    /// Both together.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            readable: self.readable || other.readable,
            writable: self.writable || other.writable,
            hung_up: self.hung_up || other.hung_up,
        }
    }
}
