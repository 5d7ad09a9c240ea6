//! A client's connection, as all tasks that call over it share it.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::io;
use std::sync::{Arc, PoisonError};
use std::task::Waker;
use std::time::Duration;

use fastthrift_protocol::Protocol;
use fastthrift_rpc::{CallId, CallKind, CallOptions, ClientConfig, ClientConnection, ClientEvent, Headers, ReplyBody};
use tokio::time::Instant;

use crate::CallError;
use crate::sync::{Mutex, MutexGuard};
use crate::transport::Direct;

/// Bytes that may wait to be sent before further calls wait, too.
const MAX_OUTBOUND: usize = 1 << 20;

/// What is called, and with what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outgoing<'a> {
    pub(crate) service: Option<&'a str>,
    pub(crate) function: &'a str,
    pub(crate) kind: CallKind,
    pub(crate) headers: &'a Headers,
    /// When the caller stops waiting.
    pub(crate) deadline: Option<Instant>,
    /// The arguments' struct, encoded.
    pub(crate) body: &'a [u8],
}

/// A reply's body.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) protocol: Protocol,
    pub(crate) body: Vec<u8>,
    /// What came beside it, where anything did.
    pub(crate) headers: Option<Box<Headers>>,
}

/// Why a call was not begun.
#[derive(Debug)]
pub(crate) enum NotBegun {
    /// It can be made over another connection.
    Ended,
    /// It can be made when there is room again.
    Full,
    /// It cannot be made.
    Refused(CallError),
}

/// What ends a call: a reply or an error.
pub(crate) type Outcome = Result<Incoming, CallError>;

/// Somebody who waits for a reply, or will.
#[derive(Debug, Default)]
pub(crate) struct Waiter {
    pub(crate) waker: Option<Waker>,
    pub(crate) outcome: Option<Outcome>,
}

/// One connection of a client.
#[derive(Debug)]
pub(crate) struct Connection {
    state: Mutex<State>,
    pub(crate) direct: Option<Direct>,
    /// Whether it carries one call at a time.
    pub(crate) is_exclusive: bool,
    epoch: Instant,
}

/// What of a connection is shared.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they change independently")]
pub(crate) struct State {
    pub(crate) rpc: ClientConnection,
    pub(crate) waiters: HashMap<u64, Waiter, BuildHasherDefault<CallHasher>>,
    pub(crate) driver: Option<Waker>,
    /// Whether the driver will look at this before it sleeps.
    pub(crate) is_notified: bool,
    /// Whether somebody sends bytes that were taken out.
    pub(crate) is_sending: bool,
    /// What a caller took out and could not send, and how much of it was sent.
    pub(crate) unsent: (Vec<u8>, usize),
    /// Why nothing can be sent any more.
    pub(crate) send_error: Option<io::Error>,
    /// When the driver looks at the time next.
    pub(crate) alarm: Option<Duration>,
    /// Whether nobody calls over this any more.
    pub(crate) is_closing: bool,
    /// Whether it ends at once, whatever is owed on either side: its only call was given up.
    pub(crate) is_cut: bool,
    /// Whether the driver is gone.
    pub(crate) is_over: bool,
    /// Whether, of one that carries one call at a time, a call was given to it.
    pub(crate) is_lent: bool,
    /// When the response to a oneway, which nobody waits for, has to be there.
    pub(crate) owed_by: Option<Duration>,
    /// Whether somebody waits until fewer bytes wait to be sent.
    pub(crate) is_full: bool,
    /// How many calls were begun.
    pub(crate) begun: u64,
}

impl Connection {
    pub(crate) fn new(config: ClientConfig, direct: Option<Direct>, is_exclusive: bool) -> Arc<Self> {
        let state = State {
            rpc: ClientConnection::new(config),
            waiters: HashMap::default(),
            driver: None,
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
            begun: 0,
        };
        Arc::new(Self { state: Mutex::new(state), direct, is_exclusive, epoch: Instant::now() })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time since the connection was made.
    pub(crate) fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    /// Whether a call can be made although another was made before.
    pub(crate) fn is_free(&self) -> bool {
        !self.is_exclusive || !self.lock().is_lent
    }

    /// Makes a call ready to be sent, and sends it at once where no other waits. A oneway has no waiter.
    pub(crate) fn begin(&self, call: &Outgoing<'_>) -> Result<u64, NotBegun> {
        let mut state = self.lock();
        let id = state.write(call, self.epoch)?;
        let is_alone = match call.kind {
            CallKind::Call => {
                state.waiters.insert(id, Waiter::default());
                state.waiters.len() == 1
            }
            CallKind::Oneway => state.waiters.is_empty(),
        };
        state.is_lent = self.is_exclusive && (call.kind == CallKind::Call || state.rpc.owes_response());
        if state.is_lent && call.kind == CallKind::Oneway {
            state.owed_by = call.deadline.map(|deadline| deadline.saturating_duration_since(self.epoch));
        }
        let needs_alarm = state.needs_alarm();
        match &self.direct {
            Some(direct) if is_alone && !state.is_sending && !state.is_notified && !needs_alarm => {
                self.send_directly(state, direct);
            }
            _ if needs_alarm || !state.is_sending => notify(state),
            _ => {}
        }
        Ok(id)
    }

    /// Sends what is outbound without the driver, which is told of what is left.
    fn send_directly(&self, mut state: MutexGuard<'_, State>, direct: &Direct) {
        let (mut bytes, _) = std::mem::take(&mut state.unsent);
        state.rpc.take_outbound(&mut bytes);
        state.is_sending = true;
        drop(state);
        let sent = direct.try_send(&bytes);
        let mut state = self.lock();
        state.is_sending = false;
        let sent = match sent {
            Ok(sent) => sent.unwrap_or(0),
            Err(error) => {
                state.send_error = Some(error);
                bytes.len()
            }
        };
        state.unsent = (bytes, sent);
        if state.owes_bytes() || state.send_error.is_some() || state.is_closing {
            notify(state);
        }
    }

    /// Gives up a call whose future is gone.
    pub(crate) fn abandon(&self, call: u64) {
        let mut state = self.lock();
        let Some(waiter) = state.waiters.remove(&call) else { return };
        if waiter.outcome.is_some() {
            return;
        }
        state.rpc.cancel(CallId::from_number(call));
        if self.is_exclusive {
            state.cut();
        }
        // The driver looks whether too many calls are owed, or nobody waits any more.
        notify(state);
    }

    /// Lets the connection end, once what is outbound was sent and no call waits.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.is_closing = true;
        notify(state);
    }
}

impl State {
    fn write(&mut self, call: &Outgoing<'_>, epoch: Instant) -> Result<u64, NotBegun> {
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
        let mut writer = self.rpc.begin(options).map_err(NotBegun::of)?;
        fastthrift_protocol::Sink::put_slice(&mut writer.sink(), call.body);
        let id = writer.finish().map_err(NotBegun::of)?;
        self.begun = self.begun.wrapping_add(1);
        Ok(id.to_number())
    }

    /// Lets a connection end whose only call was given up: the reply may come at any time, so nothing else can be asked over it.
    pub(crate) fn cut(&mut self) {
        self.is_closing = true;
        self.is_cut = true;
    }

    /// Whether nothing is left to be done.
    pub(crate) fn is_done(&self) -> bool {
        self.is_cut || (self.is_closing && self.rpc.waiting() == 0 && !self.owes_bytes() && !self.is_sending)
    }

    /// When the driver has to look at the time.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.rpc.next_deadline().or(self.owed_by)
    }

    /// Whether the driver has to look at the time earlier than it knows.
    pub(crate) fn needs_alarm(&self) -> bool {
        match (self.next_deadline(), self.alarm) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(deadline), Some(alarm)) => deadline < alarm,
        }
    }

    /// Whether bytes wait to be sent.
    pub(crate) fn owes_bytes(&self) -> bool {
        self.unsent.1 < self.unsent.0.len() || !self.rpc.outbound().is_empty()
    }

    /// Hands out what the connection has to say, and collects who waits for it. False when the connection failed.
    pub(crate) fn dispatch(&mut self, now: impl Fn() -> Duration, wakers: &mut Vec<Waker>) -> bool {
        // Without deadlines nobody asks for the time.
        let now = if self.rpc.next_deadline().is_some() { now() } else { Duration::ZERO };
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
                Ok(None) => return true,
                Err(error) => {
                    let cause = match self.send_error.take() {
                        Some(cause) => CallError::lost(cause, true),
                        None => CallError::connection(error, true),
                    };
                    self.fail(&cause, wakers);
                    return false;
                }
            }
        }
    }

    /// Ends all calls with this error.
    pub(crate) fn fail(&mut self, error: &CallError, wakers: &mut Vec<Waker>) {
        self.rpc.drain_failed();
        for waiter in self.waiters.values_mut().filter(|waiter| waiter.outcome.is_none()) {
            waiter.outcome = Some(Err(error.clone()));
            wakers.extend(waiter.waker.take());
        }
    }

    fn end(&mut self, call: CallId, outcome: Outcome, wakers: &mut Vec<Waker>) {
        if let Some(waiter) = self.waiters.get_mut(&call.to_number()) {
            waiter.outcome = Some(outcome);
            wakers.extend(waiter.waker.take());
        }
    }

    fn incoming(&self, body: ReplyBody) -> Outcome {
        match body {
            ReplyBody::Exception(exception) => Err(exception.into()),
            ReplyBody::Result(span) => {
                let headers = self.rpc.reply_headers();
                let headers = if headers.is_empty() { None } else { Some(Box::new(headers.clone())) };
                Ok(Incoming { protocol: self.rpc.config().protocol, body: self.rpc.bytes(span).to_vec(), headers })
            }
        }
    }
}

impl NotBegun {
    #[cold]
    fn of(error: fastthrift_rpc::CallError) -> Self {
        use fastthrift_rpc::CallError as Refusal;
        match error {
            Refusal::Connection(_) => Self::Ended,
            Refusal::TooManyInFlight { .. } | Refusal::ResponseOwed => Self::Full,
            other => Self::Refused(CallError::refused(other)),
        }
    }
}

/// Lets the driver look at the connection, unless it will anyway.
pub(crate) fn notify(mut state: MutexGuard<'_, State>) {
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

/// Spreads the numbers of calls, which this side alone chooses.
#[derive(Debug, Default)]
pub(crate) struct CallHasher(u64);

impl Hasher for CallHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
