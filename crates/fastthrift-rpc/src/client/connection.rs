use std::time::Duration;

use fastthrift_protocol::{MessageHeader, MessageType};

use super::in_flight::{InFlight, InFlightTable};
use super::{CallId, CallWriter, ClientEvent, ReplyBody};
use crate::codec::{HeaderForm, read_exception, write_header};
use crate::cutter::{CutError, Cutter, HandedOut};
use crate::framing::open_message;
use crate::inbound::Inbound;
use crate::outbound::Outbound;
use crate::span::distance;
use crate::{CallError, CallKind, ClientConfig, ConnectionError, ConnectionErrorKind, Dialect, Span};

/// How many buffers for names are kept for later calls, and how large each may be.
const SPARE_NAMES: usize = 64;
const SPARE_NAME: usize = 256;

/// The client's side of one connection.
///
/// Commands are [`Self::begin_call`] and [`Self::cancel`]. Input is [`Self::receive`] (or [`Self::receive_buffer`] with
/// [`Self::received`]), [`Self::receive_eof`] and the time. Output is [`Self::outbound`] and [`Self::poll_event`], which is to
/// be asked after each input until it has nothing to say. All times are since a moment that the caller chooses once.
#[derive(Debug)]
pub struct ClientConnection {
    pub(super) config: ClientConfig,
    pub(super) outbound: Outbound,
    inbound: Inbound,
    cutter: Cutter,
    calls: InFlightTable,
    next_serial: u64,
    /// The reply whose body was handed out last.
    handed_out: Option<HandedOut>,
    at_eof: bool,
    failure: Option<ConnectionError>,
    failed_calls: Vec<CallId>,
    spare_names: Vec<Vec<u8>>,
}

/// What a received message means.
enum Received {
    Event(ClientEvent),
    /// The reply to an abandoned call.
    Dropped,
    /// More bytes have to come.
    Nothing,
}

impl ClientConnection {
    /// A connection on which nothing was sent or received.
    pub fn new(config: ClientConfig) -> Self {
        let dialect = Dialect { protocol: config.protocol, framing: config.framing };
        Self {
            outbound: Outbound::default(),
            inbound: Inbound::default(),
            cutter: Cutter::new(dialect, config.limits),
            calls: InFlightTable::default(),
            next_serial: u64::from(config.first_sequence_id.cast_unsigned()),
            handed_out: None,
            at_eof: false,
            failure: None,
            failed_calls: Vec::new(),
            spare_names: Vec::new(),
            config,
        }
    }

    /// What the connection was made with.
    pub fn config(&self) -> &ClientConfig {
        &self.config
    }

    /// Starts a call of the configured service, or of the only one. With a deadline, the call's event comes by then.
    pub fn begin_call(
        &mut self,
        function: &str,
        kind: CallKind,
        deadline: Option<Duration>,
    ) -> Result<CallWriter<'_>, CallError> {
        let mut name = self.spare_names.pop().unwrap_or_default();
        if let Some(service) = &self.config.service {
            push_service(&mut name, service);
        }
        self.begin_named(name, function, kind, deadline)
    }

    /// Starts a call of one of several services that share the connection, whatever service is configured.
    pub fn begin_call_of(
        &mut self,
        service: &str,
        function: &str,
        kind: CallKind,
        deadline: Option<Duration>,
    ) -> Result<CallWriter<'_>, CallError> {
        let mut name = self.spare_names.pop().unwrap_or_default();
        push_service(&mut name, service);
        self.begin_named(name, function, kind, deadline)
    }

    /// Stops waiting for this call: its reply is dropped when it comes. False when nobody waited for it.
    pub fn cancel(&mut self, call: CallId) -> bool {
        self.calls.abandon(call)
    }

    /// The bytes to send next.
    pub fn outbound(&self) -> &[u8] {
        self.outbound.pending()
    }

    /// Notes that the first `count` bytes of [`Self::outbound`] were sent.
    ///
    /// # Panics
    /// When `count` is more than there are.
    pub fn advance_outbound(&mut self, count: usize) {
        self.outbound.advance(count);
    }

    /// Takes bytes that the peer sent.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.inbound.append(bytes);
    }

    /// Memory of at least `least` bytes to receive into, without a copy; say how many came with [`Self::received`]. It is
    /// larger when much more is expected, but grows only with what came before.
    pub fn receive_buffer(&mut self, least: usize) -> &mut [u8] {
        let wanted = self.cutter.needed().saturating_sub(self.inbound.len());
        self.inbound.spare(least, wanted)
    }

    /// Notes that the first `count` bytes of [`Self::receive_buffer`] were filled.
    ///
    /// # Panics
    /// When `count` is more than there was room for.
    pub fn received(&mut self, count: usize) {
        self.inbound.commit(count);
    }

    /// Notes that the peer sends nothing more.
    pub fn receive_eof(&mut self) {
        self.at_eof = true;
    }

    /// The next reply or time-out. `None` means: nothing until more is received or [`Self::next_deadline`] passes.
    ///
    /// An error is final and comes again each time; [`Self::drain_failed`] gives the calls that it ends.
    pub fn poll_event(&mut self, now: Duration) -> Result<Option<ClientEvent>, ConnectionError> {
        self.release();
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        match self.next_event(now) {
            Ok(event) => Ok(event),
            Err(error) => {
                self.fail(error.clone());
                Err(error)
            }
        }
    }

    /// The bytes of a reply's body. Empty once they were let go, which the next [`Self::poll_event`] does.
    pub fn bytes(&self, span: Span) -> &[u8] {
        let bytes = self.inbound.bytes(span);
        debug_assert!(bytes.is_some(), "the reply's body was let go by a later poll");
        bytes.unwrap_or_default()
    }

    /// Notes that the last reply's body was read and how long it was. Saves the connection measuring it; optional.
    pub fn body_read(&mut self, len: usize) {
        if let Some(handed_out) = &mut self.handed_out {
            handed_out.read = Some(len);
        }
    }

    /// When [`Self::poll_event`] is to be asked again even if nothing comes.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.calls.next_deadline()
    }

    /// Ends the connection from this side, for instance because a body could not be read: from now on each call and poll fails.
    pub fn fail(&mut self, error: ConnectionError) {
        if self.failure.is_none() {
            self.failure = Some(error);
            self.failed_calls = self.calls.drain();
            self.outbound.clear();
        }
    }

    /// The calls that the failure of the connection ended, the oldest first. Each is given once.
    pub fn drain_failed(&mut self) -> Vec<CallId> {
        std::mem::take(&mut self.failed_calls)
    }

    /// Why the connection cannot be used any more.
    pub fn failure(&self) -> Option<&ConnectionError> {
        self.failure.as_ref()
    }

    /// Whether the connection cannot be used any more.
    pub fn is_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Whether the connection can be used and owes nothing: no call waits or is abandoned, no byte waits to be sent or read.
    pub fn is_idle(&self) -> bool {
        let held = self.handed_out.map_or(0, |handed_out| handed_out.header + handed_out.available);
        !self.is_failed()
            && !self.at_eof
            && self.calls.len() == 0
            && self.outbound.pending().is_empty()
            && self.inbound.len() == held
    }

    /// How many calls wait for their reply.
    pub fn waiting(&self) -> usize {
        self.calls.waiting()
    }

    /// How many bytes of memory the received bytes take.
    pub fn inbound_capacity(&self) -> usize {
        self.inbound.capacity()
    }

    pub(super) fn commit(&mut self, call: InFlight, kind: CallKind) -> CallId {
        let id = call.call;
        self.next_serial = id.to_number().wrapping_add(1);
        match kind {
            CallKind::Call => self.calls.insert(call),
            CallKind::Oneway => self.reuse_name(call.name),
        }
        id
    }

    /// Removes a call that was not finished from the outbound buffer.
    pub(super) fn take_back(&mut self, start: usize) {
        if self.outbound.truncate(start).is_err() {
            self.fail(ConnectionError::new(ConnectionErrorKind::OutboundLost));
        }
    }

    pub(super) fn reuse_name(&mut self, mut name: Vec<u8>) {
        if self.spare_names.len() < SPARE_NAMES && name.capacity() <= SPARE_NAME {
            name.clear();
            self.spare_names.push(name);
        }
    }

    fn begin_named(
        &mut self,
        mut name: Vec<u8>,
        function: &str,
        kind: CallKind,
        deadline: Option<Duration>,
    ) -> Result<CallWriter<'_>, CallError> {
        let function_start = name.len();
        name.extend_from_slice(function.as_bytes());
        self.check_call(name.len())?;
        let start = self.outbound.end();
        let call = InFlight {
            call: self.next_call(),
            name,
            function: function_start,
            deadline,
            sent_from: self.outbound.position_of(start),
            received_before: self.inbound.received(),
            abandoned: false,
        };
        self.write_call_header(&call, kind);
        let body = self.outbound.end();
        Ok(CallWriter { connection: self, call: Some(call), kind, start, body })
    }

    fn check_call(&self, name: usize) -> Result<(), CallError> {
        if let Some(failure) = &self.failure {
            return Err(CallError::Connection(failure.clone()));
        }
        if self.at_eof {
            return Err(CallError::Connection(self.closed()));
        }
        if name > self.config.max_name {
            return Err(CallError::NameTooLong { size: name, limit: self.config.max_name });
        }
        if self.calls.len() >= self.config.max_in_flight {
            return Err(CallError::TooManyInFlight { limit: self.config.max_in_flight });
        }
        Ok(())
    }

    fn write_call_header(&mut self, call: &InFlight, kind: CallKind) {
        let buffer = self.outbound.buffer();
        open_message(buffer, self.config.framing);
        let message_type = match kind {
            CallKind::Call => MessageType::Call,
            CallKind::Oneway => MessageType::Oneway,
        };
        let header = MessageHeader { name: &call.name, message_type, sequence_id: call.call.sequence_id() };
        write_header(self.config.protocol, HeaderForm::Strict, &header, buffer);
    }

    /// The next id whose sequence id no call in flight has. There are fewer calls in flight than sequence ids.
    fn next_call(&self) -> CallId {
        let mut call = CallId::new(self.next_serial);
        while self.calls.contains(call.sequence_id()) {
            call = CallId::new(call.to_number().wrapping_add(1));
        }
        call
    }

    fn next_event(&mut self, now: Duration) -> Result<Option<ClientEvent>, ConnectionError> {
        if self.calls.abandoned() > self.config.max_abandoned {
            let limit = self.config.max_abandoned;
            return Err(ConnectionError::new(ConnectionErrorKind::TooManyAbandoned { limit }));
        }
        loop {
            match self.next_received()? {
                Received::Event(event) => return Ok(Some(event)),
                Received::Dropped => self.release(),
                Received::Nothing => break,
            }
        }
        if self.at_eof {
            return Err(self.closed());
        }
        Ok(self.calls.expire(now).map(|call| ClientEvent::TimedOut { call }))
    }

    fn closed(&self) -> ConnectionError {
        ConnectionError::new(match self.inbound.len() {
            0 => ConnectionErrorKind::Closed { waiting: self.calls.waiting() },
            received => ConnectionErrorKind::CutOff { received },
        })
    }

    fn next_received(&mut self) -> Result<Received, ConnectionError> {
        let cut = self.cutter.next_message(&mut self.inbound);
        match cut.map_err(CutError::into_connection_error)? {
            Some(len) => self.read_message(len),
            None => Ok(Received::Nothing),
        }
    }

    /// Reads the message at the front of the `len` unread bytes.
    fn read_message(&mut self, len: usize) -> Result<Received, ConnectionError> {
        let message = &self.inbound.unread()[..len];
        let protocol = self.config.protocol;
        let (header, body_start) = protocol
            .read_message_header(message, self.config.limits)
            .map_err(|error| ConnectionError::new(ConnectionErrorKind::Message(error)))?;
        let call = self.check_reply(&header)?;
        let is_exception = header.message_type == MessageType::Exception;
        let sequence_id = header.sequence_id;
        let mut handed_out = HandedOut { header: body_start, available: len - body_start, read: None };
        let position = self.inbound.position() + distance(body_start);
        let body = if is_exception {
            let (exception, read) = read_exception(protocol, &message[body_start..], self.config.limits)
                .map_err(|error| ConnectionError::new(ConnectionErrorKind::Body(error)))?;
            handed_out.read = Some(read);
            ReplyBody::Exception(exception)
        } else {
            ReplyBody::Result(Span::new(position, handed_out.available))
        };
        self.handed_out = Some(handed_out);
        let answered = self.calls.remove(sequence_id);
        let dropped = answered.as_ref().is_some_and(|call| call.abandoned);
        if let Some(answered) = answered {
            self.reuse_name(answered.name);
        }
        Ok(if dropped { Received::Dropped } else { Received::Event(ClientEvent::Reply { call, body }) })
    }

    /// The call that this message, which is at the front of the unread bytes, answers.
    fn check_reply(&self, header: &MessageHeader<'_>) -> Result<CallId, ConnectionError> {
        let MessageHeader { name, message_type, sequence_id } = *header;
        let broken = |kind| Err(ConnectionError::new(kind));
        if !matches!(message_type, MessageType::Reply | MessageType::Exception) {
            return broken(ConnectionErrorKind::MessageType { found: message_type, sequence_id });
        }
        let Some(call) = self.calls.find(sequence_id) else {
            return broken(ConnectionErrorKind::UnknownSequenceId(sequence_id));
        };
        if self.inbound.position() < call.received_before || self.outbound.sent() <= call.sent_from {
            return broken(ConnectionErrorKind::EarlyReply(sequence_id));
        }
        if !call.is_named(name) {
            let expected = call.name[call.function..].into();
            return broken(ConnectionErrorKind::WrongName { expected, found: name.into() });
        }
        Ok(call.call)
    }

    /// Lets go of the reply that was handed out last.
    fn release(&mut self) {
        if let Some(message) = self.handed_out.take() {
            self.cutter.release(&mut self.inbound, message);
        }
    }
}

fn push_service(name: &mut Vec<u8>, service: &str) {
    name.extend_from_slice(service.as_bytes());
    name.push(b':');
}
