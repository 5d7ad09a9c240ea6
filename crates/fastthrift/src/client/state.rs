//! What of a client's connection is shared by those who call over it, its task, and who wakes them.

use std::io;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use fastthrift_rpc::{
    CallId, CallOptions, ClientConfig, ClientConnection, ClientEvent, ConnectionError, ConnectionErrorKind,
    LargeMessage, ReplyBody, Span,
};
use tokio::time::Instant;

use super::connection::{Arrived, Incoming, NotBegun, Outcome, Outgoing, ReadReply};
use super::waiters::Waiters;
use crate::CallError;
use crate::body::{Body, Source};
use crate::sync::{Mutex, MutexGuard};

/// Bytes that may wait to be sent before further calls wait, too.
const MAX_OUTBOUND: usize = 1 << 20;

/// How large a reply may be to be read with the state locked: others may wait for it.
const MAX_IN_PLACE: usize = 16 << 10;

/// A connection's state, which wakes who receives for it when something comes.
#[derive(Debug)]
pub(super) struct Shared(Mutex<State>);

/// What of a connection is shared.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they change independently")]
pub(super) struct State {
    pub(super) rpc: ClientConnection,
    pub(super) waiters: Waiters,
    /// The task of the connection, unless it was woken since it last looked.
    pub(super) driver: Option<Waker>,
    /// The call whose caller receives for itself. Without one, the task does.
    ///
    /// It is the only call in flight; whatever else happens gives the receiving to the task, so nobody ever waits for a caller
    /// who does not go on.
    pub(super) reader: Option<u64>,
    /// Whether who receives was woken since it last did.
    pub(super) has_arrived: bool,
    /// Whether the driver will look at this before it sleeps.
    pub(super) is_notified: bool,
    /// Whether somebody sends bytes that were taken out.
    pub(super) is_sending: bool,
    /// What a caller took out and could not send, and how much of it was sent.
    pub(super) unsent: (Vec<u8>, usize),
    /// Why nothing can be sent any more.
    pub(super) send_error: Option<io::Error>,
    /// When the driver looks at the time next.
    pub(super) alarm: Option<Duration>,
    /// Whether nobody calls over this any more.
    pub(super) is_closing: bool,
    /// Whether it ends at once, whatever is owed on either side: its only call was given up.
    pub(super) is_cut: bool,
    /// Whether the driver is gone.
    pub(super) is_over: bool,
    /// Whether, of one that carries one call at a time, a call was given to it.
    pub(super) is_lent: bool,
    /// When what nobody waits for has to be over: the response to a oneway, or the sending of what is left in the end.
    pub(super) owed_by: Option<Duration>,
    /// Whether somebody waits until fewer bytes wait to be sent.
    pub(super) is_full: bool,
    /// Whether somebody waits until fewer calls wait for their reply.
    is_crowded: bool,
    /// How many calls were begun, how many of them were taken out to be sent, and how many of these the system has.
    pub(super) begun: u64,
    taken: u64,
    sent: u64,
    /// Who waits until more of them are sent.
    flushing: Vec<Waker>,
}

impl Shared {
    pub(super) fn new(config: ClientConfig) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            rpc: ClientConnection::new(config),
            waiters: Waiters::default(),
            driver: None,
            reader: None,
            has_arrived: false,
            is_notified: true,
            is_sending: false,
            unsent: (Vec::new(), 0),
            send_error: None,
            alarm: None,
            is_closing: false,
            is_cut: false,
            is_over: false,
            is_lent: false,
            owed_by: None,
            is_full: false,
            is_crowded: false,
            begun: 0,
            taken: 0,
            sent: 0,
            flushing: Vec::new(),
        })))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    /// Something may have come.
    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = self.lock();
        state.has_arrived = true;
        let waker = match state.reader {
            // Who has none was not polled since, and looks before it waits.
            Some(call) => state.waiters.find(call).and_then(|waiter| waiter.waker.take()),
            None => state.driver.take(),
        };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl State {
    /// Writes a call, and gives its number.
    pub(super) fn write(&mut self, call: &Outgoing<'_>, epoch: Instant) -> Result<u64, NotBegun> {
        if self.is_over || self.is_closing || self.rpc.is_failed() {
            return Err(NotBegun::Ended);
        }
        if self.rpc.outbound().len() > MAX_OUTBOUND {
            self.is_full = true;
            return Err(NotBegun::Full);
        }
        let timeout = match call.deadline {
            Some(deadline) if self.rpc.carries_headers() => Some(deadline.saturating_duration_since(Instant::now())),
            _ => None,
        };
        let options = CallOptions {
            service: call.service,
            function: call.function,
            kind: call.kind,
            deadline: call.deadline.map(|deadline| deadline.saturating_duration_since(epoch)),
            timeout,
            headers: call.headers,
        };
        let mut writer = match self.rpc.begin(options) {
            Ok(writer) => writer,
            Err(error) => {
                self.is_crowded |= matches!(error, fastthrift_rpc::CallError::TooManyInFlight { .. });
                return Err(NotBegun::of(error));
            }
        };
        fastthrift_protocol::Sink::put_slice(&mut writer.sink(), call.body);
        let id = writer.finish().map_err(NotBegun::of)?;
        self.begun = self.begun.wrapping_add(1);
        Ok(id.to_number())
    }

    /// Lets a connection end whose only call was given up: the reply may come at any time, so nothing else can be asked over it.
    pub(super) fn cut(&mut self) {
        self.is_closing = true;
        self.is_cut = true;
    }

    /// Bounds the time that the peer has for what is left to be sent, where nobody calls over this any more and no reply is
    /// waited for.
    pub(super) fn bound_end(&mut self, now: Duration, patience: Duration) {
        if self.is_closing && self.owed_by.is_none() && self.rpc.waiting() == 0 {
            self.owed_by = Some(now.saturating_add(patience));
        }
    }

    /// Whether nothing is left to be done.
    pub(super) fn is_done(&self) -> bool {
        self.is_cut
            || self.rpc.is_failed()
            || (self.is_closing && self.rpc.waiting() == 0 && !self.owes_bytes() && !self.is_sending)
    }

    /// When the driver has to look at the time.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.rpc.next_deadline().or(self.owed_by)
    }

    /// Whether the driver has to look at the time earlier than it knows.
    pub(super) fn needs_alarm(&self) -> bool {
        match (self.next_deadline(), self.alarm) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(deadline), Some(alarm)) => deadline < alarm,
        }
    }

    /// Whether neither the driver nor another caller has anything to do.
    #[inline]
    pub(super) fn is_at_rest(&self) -> bool {
        !self.is_sending && !self.is_notified && !self.rpc.is_handshaking()
    }

    /// Whether bytes wait to be sent.
    pub(super) fn owes_bytes(&self) -> bool {
        self.unsent.1 < self.unsent.0.len() || !self.rpc.outbound().is_empty()
    }

    /// Takes out what is to be sent next, and how much of it was sent already; false where there is nothing.
    pub(super) fn take_outbound(&mut self, into: &mut (Vec<u8>, usize)) -> bool {
        if self.unsent.1 < self.unsent.0.len() {
            // What was sent before stays there as memory for later.
            std::mem::swap(&mut self.unsent, into);
            return true;
        }
        if self.rpc.outbound().is_empty() {
            return false;
        }
        if !self.rpc.is_handshaking() {
            self.taken = self.begun;
        }
        into.1 = 0;
        self.rpc.take_outbound(&mut into.0);
        true
    }

    /// Notes that what was taken out is sent.
    #[inline]
    pub(super) fn note_sent(&mut self, wakers: &mut Vec<Waker>) {
        self.sent = self.taken;
        if !self.flushing.is_empty() {
            wakers.append(&mut self.flushing);
        }
    }

    /// Waits until as many calls are sent; fails when that will never be.
    pub(super) fn poll_sent(&mut self, count: u64, cx: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        if self.sent >= count {
            return Poll::Ready(Ok(()));
        }
        if self.is_over || self.rpc.is_failed() {
            return Poll::Ready(Err(CallError::lost(io::Error::from(io::ErrorKind::NotConnected), true)));
        }
        self.flushing.push(cx.waker().clone());
        Poll::Pending
    }

    /// Takes what was received.
    pub(super) fn feed(&mut self, received: io::Result<&[u8]>) {
        match received {
            Ok([]) => self.rpc.receive_eof(),
            Ok(bytes) => self.rpc.receive(bytes),
            Err(error) => {
                self.send_error = Some(error);
                // That is no end of the stream, until which a response may last.
                self.rpc.fail(ConnectionError::new(ConnectionErrorKind::Closed { waiting: self.rpc.waiting() }));
            }
        }
    }

    /// Takes what was received of a large message, and how that ended.
    #[cold]
    pub(super) fn feed_large(&mut self, message: LargeMessage, received: io::Result<usize>) {
        self.rpc.end_large(message);
        match received {
            Ok(1..) => {}
            Ok(0) => self.feed(Ok(&[])),
            Err(error) => self.feed(Err(error)),
        }
    }

    /// The reply to the only call, read where it lies unless it is large, if nothing else came; `None` says nothing.
    #[inline]
    pub(super) fn read_usual(&mut self, call: u64, read: &mut ReadReply<'_>) -> Option<Outcome> {
        let span = self.rpc.usual_reply(CallId::from_number(call))?;
        let protocol = self.rpc.config().protocol;
        let arrived = if span.len() > MAX_IN_PLACE {
            Arrived::Kept(Incoming { protocol, body: self.take_body(span), headers: None })
        } else {
            let body = self.rpc.bytes(span);
            if let Some(len) = read(protocol, Source::Slice(body)) {
                self.rpc.body_read(len);
                self.rpc.reply_used();
            }
            Arrived::Read
        };
        self.reader = None;
        self.waiters.remove(call);
        Some(Ok(arrived))
    }

    /// Hands out what the connection has to say, and collects who waits for it.
    pub(super) fn dispatch(&mut self, now: Duration, wakers: &mut Vec<Waker>) {
        loop {
            match self.rpc.poll_event(now) {
                Ok(Some(ClientEvent::Reply { call, body })) => {
                    let outcome = self.incoming(body);
                    self.end(call, outcome, wakers);
                }
                Ok(Some(ClientEvent::TimedOut { call })) => {
                    self.end(call, Err(CallError::timeout(true)), wakers);
                    if self.is_lent {
                        self.cut();
                    }
                }
                Ok(None) => return,
                Err(error) => {
                    let cause = match self.send_error.take() {
                        Some(cause) => CallError::lost(cause, true),
                        None => CallError::connection(error, true),
                    };
                    return self.fail(&cause, wakers);
                }
            }
        }
    }

    /// Ends all calls with this error.
    pub(super) fn fail(&mut self, error: &CallError, wakers: &mut Vec<Waker>) {
        self.rpc.drain_failed();
        self.reader = None;
        wakers.append(&mut self.flushing);
        for waiter in self.waiters.iter_mut().filter(|waiter| waiter.outcome.is_none()) {
            waiter.outcome = Some(Err(error.clone()));
            wakers.extend(waiter.waker.take());
        }
    }

    /// Whether a connection that carries one call at a time can carry another, its last one being over; it is given back then.
    pub(super) fn take_back(&mut self) -> bool {
        let is_returned = self.is_lent && self.rpc.waiting() == 0 && self.rpc.is_idle();
        if is_returned {
            self.is_lent = false;
            self.owed_by = None;
        }
        is_returned
    }

    /// Whether there is room again for those who found that too many calls wait for their reply.
    #[inline]
    pub(super) fn take_room(&mut self) -> bool {
        let has_room = self.is_crowded && {
            let owed = self.rpc.waiting() + self.rpc.abandoned();
            owed <= self.rpc.config().max_in_flight / 2
        };
        self.is_crowded &= !has_room;
        has_room
    }

    /// Whether the caller of this is to receive, because something may have come.
    #[inline]
    pub(super) fn receives(&self, call: u64) -> bool {
        self.reader == Some(call) && self.has_arrived
    }

    /// What came of a call, if it is over; then nobody waits for it any more.
    #[inline]
    pub(super) fn take_outcome(&mut self, call: u64) -> Option<Outcome> {
        let outcome = self.waiters.find(call)?.outcome.take()?;
        self.waiters.remove(call);
        Some(outcome)
    }

    fn end(&mut self, call: CallId, outcome: Outcome, wakers: &mut Vec<Waker>) {
        let call = call.to_number();
        if self.reader == Some(call) {
            self.reader = None;
        }
        if let Some(waiter) = self.waiters.find(call) {
            waiter.outcome = Some(outcome);
            wakers.extend(waiter.waker.take());
        }
    }

    /// The body of the reply that was handed out last, which lets go of it.
    fn take_body(&mut self, span: Span) -> Body {
        match self.rpc.take_body(span) {
            Some((memory, start)) => Body::part(memory, start),
            None => Body::new(self.rpc.bytes(span).to_vec()),
        }
    }

    fn incoming(&mut self, body: ReplyBody) -> Outcome {
        match body {
            ReplyBody::Exception(exception) => Err(exception.into()),
            ReplyBody::Result(span) => {
                let headers = self.rpc.reply_headers();
                let headers = if headers.is_empty() { None } else { Some(Box::new(headers.clone())) };
                let (protocol, body) = (self.rpc.config().protocol, self.take_body(span));
                Ok(Arrived::Kept(Incoming { protocol, body, headers }))
            }
        }
    }
}

/// Lets the driver look at the connection, unless it will anyway, and receive from now on.
pub(super) fn notify(mut state: MutexGuard<'_, State>) {
    state.reader = None;
    if state.is_notified {
        return;
    }
    state.is_notified = true;
    let driver = state.driver.take();
    drop(state);
    if let Some(driver) = driver {
        driver.wake();
    }
}
