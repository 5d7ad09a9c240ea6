use std::time::Duration;

use fastthrift_protocol::{MessageHeader, MessageType};

use super::in_flight::{InFlight, InFlightTable};
use super::usual::may_be_usual;
use super::{CallId, CallOptions, CallWriter, ClientEvent, LargeMessage};
use crate::carrier::{ClientHttp, Layer, Pumped, Zlib};
use crate::codec::{HeaderForm, write_header};
use crate::cutter::{Cutter, HandedOut};
use crate::error::starts_alert;
use crate::framing::open_message;
use crate::header::HeaderFrame;
use crate::inbound::{Inbound, LARGE};
use crate::outbound::Outbound;
use crate::sasl::{ClientHandshake, Step};
use crate::{
    CallError, CallKind, Carrier, ClientConfig, ConnectionError, ConnectionErrorKind, Dialect, Fault, Framing, Headers,
    HeadersError, Span,
};

/// How many buffers for names are kept for later calls, and how large each may be.
const SPARE_NAMES: usize = 64;
const SPARE_NAME: usize = 256;

/// The client's side of one connection.
///
/// Commands are [`Self::begin_call`] and [`Self::cancel`]. Input is [`Self::receive`] (or [`Self::receive_buffer`] with
/// [`Self::received`]), [`Self::receive_eof`] and the time. Output is [`Self::outbound`] and [`Self::poll_event`],
/// which is to be asked after each input until it has nothing to say. All times are since a moment that the caller
/// chooses once.
#[derive(Debug)]
pub struct ClientConnection {
    pub(super) config: ClientConfig,
    /// Whether replies may be recognised by their bytes.
    pub(super) may_be_usual: bool,
    pub(super) outbound: Outbound,
    /// There while this side says who it is.
    pub(super) handshake: Option<Box<ClientHandshake>>,
    pub(super) layer: Layer<ClientHttp>,
    /// The bytes of messages.
    pub(super) inbound: Inbound,
    pub(super) cutter: Cutter,
    pub(super) calls: InFlightTable,
    next_serial: u64,
    /// The reply whose body was handed out last.
    pub(super) handed_out: Option<HandedOut>,
    pub(super) at_eof: bool,
    failure: Option<ConnectionError>,
    failed_calls: Vec<CallId>,
    spare_names: Vec<Vec<u8>>,
}

impl ClientConnection {
    /// A connection on which nothing was sent or received.
    pub fn new(mut config: ClientConfig) -> Self {
        if config.sasl.is_some() {
            (config.framing, config.carrier) = (Framing::Framed, Carrier::Direct);
        } else if config.carrier == Carrier::Http {
            config.framing = Framing::Unframed;
        }
        let dialect = Dialect { protocol: config.protocol, framing: config.framing };
        let layer = match config.carrier {
            Carrier::Direct => Layer::Direct,
            Carrier::Zlib => Layer::Zlib(Box::new(Zlib::new(Inbound::default()))),
            Carrier::Http => Layer::Http(Box::new(ClientHttp::new(&config.http, config.limits.message))),
        };
        Self {
            may_be_usual: may_be_usual(&config),
            outbound: Outbound::default(),
            handshake: config.sasl.as_ref().map(|sasl| Box::new(ClientHandshake::new(sasl))),
            layer,
            inbound: Inbound::default(),
            cutter: Cutter::new(dialect, Some(config.protocol), config.limits),
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
        self.begin(CallOptions { deadline, ..CallOptions::new(function, kind) })
    }

    /// Starts a call of one of several services that share the connection, whatever service is configured.
    pub fn begin_call_of(
        &mut self,
        service: &str,
        function: &str,
        kind: CallKind,
        deadline: Option<Duration>,
    ) -> Result<CallWriter<'_>, CallError> {
        self.begin(CallOptions { service: Some(service), deadline, ..CallOptions::new(function, kind) })
    }

    /// Starts a call of which more is to be said. Its headers and the time that the server has travel where
    /// [`Self::carries_headers`].
    #[inline]
    pub fn begin(&mut self, options: CallOptions<'_>) -> Result<CallWriter<'_>, CallError> {
        let mut name = self.spare_names.pop().unwrap_or_default();
        if let Some(service) = options.service.or(self.config.service.as_deref()) {
            name.extend_from_slice(service.as_bytes());
            name.push(b':');
        }
        self.begin_named(name, &options)
    }

    /// Whether headers travel beside calls and replies. Where they do not, those of calls are left out, and no reply has any.
    #[inline]
    pub fn carries_headers(&self) -> bool {
        self.config.carries_headers()
    }

    /// What came beside the reply that was handed out last. They stay until the next [`Self::poll_event`].
    pub fn reply_headers(&self) -> &Headers {
        self.layer.http().map_or_else(|| self.cutter.headers(), ClientHttp::headers)
    }

    /// How many bytes the reply that was handed out last has: its header and body, without what frames or carries them. 0 once it was
    /// let go, which the next [`Self::poll_event`] does.
    pub fn reply_len(&self) -> usize {
        self.handed_out.map_or(0, |reply| reply.header + reply.read.unwrap_or(reply.available))
    }

    /// Stops waiting for this call: its reply is dropped when it comes. False when nobody waited for it.
    pub fn cancel(&mut self, call: CallId) -> bool {
        self.calls.abandon(call)
    }

    /// The bytes to send next.
    #[inline]
    pub fn outbound(&self) -> &[u8] {
        self.sending().pending()
    }

    /// Notes that the first `count` bytes of [`Self::outbound`] were sent. A reply to a call of which nothing was sent is
    /// a forgery, so this comes before polling for what came since.
    ///
    /// # Panics
    /// When `count` is more than there are.
    #[inline]
    pub fn advance_outbound(&mut self, count: usize) {
        match &mut self.handshake {
            Some(handshake) => handshake.outbound_mut().advance(count),
            None => self.outbound.advance(count),
        }
    }

    /// Exchanges the bytes to send next for an empty buffer, whose memory is then used for later calls, and counts them as sent:
    /// for a driver that sends while other threads make calls. What it does not send, nobody sends.
    pub fn take_outbound(&mut self, into: &mut Vec<u8>) {
        match &mut self.handshake {
            Some(handshake) => handshake.outbound_mut().take(into),
            None => self.outbound.take(into),
        }
    }

    /// Whether this side still says who it is. Until that is over calls may be made, but nothing of them goes out.
    pub fn is_handshaking(&self) -> bool {
        self.handshake.is_some()
    }

    /// What the peer asks of the mechanism by which this side says who it is, to be answered by [`Self::respond`]; meanwhile
    /// [`Self::poll_event`] gives no reply. The mechanism PLAIN is never asked.
    pub fn challenge(&self) -> Option<&[u8]> {
        self.handshake.as_ref()?.challenge()
    }

    /// Answers the [challenge](Self::challenge). The peer may say something last that needs no answer but is to be looked at: then
    /// nothing is sent. To refuse what the peer says, [fail](Self::fail) the connection.
    pub fn respond(&mut self, response: &[u8]) {
        if self.handshake.as_mut().is_some_and(|handshake| handshake.respond(response) == Step::Over) {
            self.handshake = None;
        }
    }

    /// Takes bytes that the peer sent.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.layer.raw(&mut self.inbound).append(bytes);
    }

    /// Memory of at least `least` bytes to receive into, without a copy; say how many came with [`Self::received`]. It
    /// may be more, but all memory stays within twice of what is held, `least` aside.
    ///
    /// When memory runs out it is only a few bytes, what is received is dropped, and the connection fails with
    /// [`ConnectionErrorKind::OutOfMemory`] at the next poll.
    #[inline]
    pub fn receive_buffer(&mut self, least: usize) -> &mut [u8] {
        self.layer.raw(&mut self.inbound).spare(least)
    }

    /// Notes that the first `count` bytes of [`Self::receive_buffer`] were filled.
    ///
    /// # Panics
    /// When `count` is more than there was room for.
    #[inline]
    pub fn received(&mut self, count: usize) {
        self.layer.raw(&mut self.inbound).commit(count);
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
                let error = self.recognised(error);
                self.fail(error.clone());
                Err(error)
            }
        }
    }

    /// The error that says what the peer speaks, if that is all that is wrong.
    #[cold]
    fn recognised(&self, error: ConnectionError) -> ConnectionError {
        let is_tls = self.layer.beginning(&self.inbound).is_some_and(starts_alert);
        if is_tls && error.fault() != Fault::Local { ConnectionError::new(ConnectionErrorKind::Tls) } else { error }
    }

    /// The bytes of a reply's body. Empty once they were let go, which the next [`Self::poll_event`] does.
    #[inline]
    pub fn bytes(&self, span: Span) -> &[u8] {
        let bytes = self.cutter.bytes(&self.inbound, span);
        debug_assert!(bytes.is_some(), "the reply's body was let go by a later poll");
        bytes.unwrap_or_default()
    }

    /// Takes the body of the reply that was handed out last, if it is large and can be had without a copy: memory that ends with it, and
    /// where it starts there. The reply's bytes are let go of then. `None` says nothing; then ask [`Self::bytes`].
    #[inline]
    pub fn take_body(&mut self, body: Span) -> Option<(Vec<u8>, usize)> {
        if body.len() < LARGE { None } else { self.take_large(body) }
    }

    fn take_large(&mut self, body: Span) -> Option<(Vec<u8>, usize)> {
        let taken = self.cutter.take(&mut self.inbound, self.handed_out?, body.len())?;
        self.handed_out = None;
        self.leave_body();
        Some(taken)
    }

    /// A large message that is being received, if there is one: for a driver that receives while other threads make calls. Until it is
    /// [given back](Self::end_large) nothing is to be received otherwise.
    #[inline]
    pub fn begin_large(&self) -> Option<LargeMessage> {
        if self.inbound.missing() < LARGE { None } else { self.continued() }
    }

    fn continued(&self) -> Option<LargeMessage> {
        let is_plain = matches!(self.layer, Layer::Direct) && self.handshake.is_none() && self.failure.is_none();
        if !is_plain || self.handed_out.is_some() {
            return None;
        }
        self.inbound.continued().map(LargeMessage::new)
    }

    /// Takes what came of a large message.
    ///
    /// # Panics
    /// When anything was received otherwise since it was begun.
    pub fn end_large(&mut self, message: LargeMessage) {
        let (inbound, began) = message.into_inbound();
        assert_eq!(began, self.inbound.received(), "bytes were received beside a large message");
        if self.failure.is_none() {
            self.inbound = inbound;
        }
    }

    /// Notes that the last reply's body was read and how long it was. Saves the connection measuring it; optional.
    #[inline]
    pub fn body_read(&mut self, len: usize) {
        if let Some(handed_out) = &mut self.handed_out {
            handed_out.read = Some(len);
        }
    }

    /// Notes that nobody looks at the last reply again: when [all of it was read](Self::body_read), it is let go of before the next
    /// [`Self::poll_event`] does that. Saves making room behind it; optional.
    #[inline]
    pub fn reply_used(&mut self) {
        // What follows a body in its frame is looked at when more comes.
        if self.may_be_usual && self.handed_out.is_some_and(|reply| reply.read == Some(reply.available)) {
            self.release();
        }
    }

    /// When [`Self::poll_event`] is to be asked again even if nothing comes.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.calls.next_deadline()
    }

    /// Ends the connection from this side, for instance because a body could not be read: from now on each call and
    /// poll fails.
    pub fn fail(&mut self, error: ConnectionError) {
        if self.failure.is_none() {
            self.failure = Some(error);
            self.failed_calls = self.calls.drain();
            self.outbound.clear();
            self.handshake = None;
        }
    }

    /// The calls that the failure of the connection ended, the oldest first. Each is given once.
    pub fn drain_failed(&mut self) -> Vec<CallId> {
        std::mem::take(&mut self.failed_calls)
    }

    /// Why the connection cannot be used any more.
    #[inline]
    pub fn failure(&self) -> Option<&ConnectionError> {
        self.failure.as_ref()
    }

    /// Whether the connection cannot be used any more.
    pub fn is_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Whether the connection can be used and owes nothing: no call waits or is abandoned, no byte waits to be sent or
    /// read.
    pub fn is_idle(&self) -> bool {
        !self.is_failed()
            && !self.at_eof
            && self.calls.len() == 0
            && self.handshake.is_none()
            && self.outbound.pending().is_empty()
            && self.unseen() == 0
            && self.layer.waiting() == 0
            && self.layer.http().is_none_or(|http| !http.is_owed())
    }

    #[inline]
    fn sending(&self) -> &Outbound {
        self.handshake.as_ref().map_or(&self.outbound, |handshake| handshake.outbound())
    }

    /// Whether a request of HTTP has no response yet: until it has, no further call can begin. That of a oneway is one, too,
    /// and no event tells of it.
    pub fn owes_response(&self) -> bool {
        self.layer.http().is_some_and(ClientHttp::is_owed)
    }

    /// How many bytes of messages no event was made of.
    pub(super) fn unseen(&self) -> usize {
        match (self.handed_out, self.layer.http()) {
            (Some(handed_out), None) => self.inbound.len() - self.cutter.held(handed_out),
            // What follows the message in its body belongs to none.
            (Some(_), Some(_)) => 0,
            (None, _) => self.inbound.len(),
        }
    }

    /// How many calls wait for their reply.
    pub fn waiting(&self) -> usize {
        self.calls.waiting()
    }

    /// How many calls nobody waits for any more, whose reply may still come.
    pub fn abandoned(&self) -> usize {
        self.calls.abandoned()
    }

    /// How many bytes of memory the received bytes take.
    pub fn inbound_capacity(&self) -> usize {
        self.inbound.capacity() + self.layer.capacity() + self.cutter.capacity()
    }

    #[inline]
    pub(super) fn commit(&mut self, call: InFlight, kind: CallKind) -> CallId {
        let id = call.call;
        self.next_serial = id.to_number().wrapping_add(1);
        match kind {
            CallKind::Call => self.calls.insert(call),
            CallKind::Oneway => self.reuse_name(call.name),
        }
        id
    }

    /// Gives the call that starts there in the outbound buffer the form in which it is carried.
    #[inline]
    pub(super) fn seal(&mut self, message: usize, kind: CallKind) -> Result<(), CallError> {
        self.layer.seal(self.outbound.buffer(), message).map_err(|kind| self.lose(kind))?;
        if let Some(http) = self.layer.http_mut() {
            http.asked(kind);
        }
        Ok(())
    }

    /// Ends the connection by a call that cannot be made.
    #[cold]
    fn lose(&mut self, kind: ConnectionErrorKind) -> CallError {
        let error = ConnectionError::new(kind);
        self.fail(error.clone());
        CallError::Connection(error)
    }

    /// Removes a call that was not finished from the outbound buffer.
    pub(super) fn take_back(&mut self, start: usize) {
        if self.outbound.truncate(start).is_err() {
            self.fail(ConnectionError::new(ConnectionErrorKind::OutboundLost));
        }
    }

    #[inline]
    pub(super) fn reuse_name(&mut self, mut name: Vec<u8>) {
        if self.spare_names.len() < SPARE_NAMES && name.capacity() <= SPARE_NAME {
            name.clear();
            self.spare_names.push(name);
        }
    }

    #[inline]
    fn begin_named(&mut self, mut name: Vec<u8>, options: &CallOptions<'_>) -> Result<CallWriter<'_>, CallError> {
        let function_start = name.len();
        name.extend_from_slice(options.function.as_bytes());
        self.check_call(name.len())?;
        if !self.layer.is_drained() {
            self.drain_layer()?;
        }
        let start = self.outbound.end();
        if let Some(http) = self.layer.http() {
            http.open(self.outbound.buffer(), options.headers, options.timeout).map_err(CallError::Headers)?;
        }
        let message = self.outbound.end();
        let call = InFlight {
            call: self.next_call(),
            name,
            function: function_start,
            deadline: options.deadline,
            sent_from: self.outbound.position_of(start),
            received_before: self.inbound.received(),
            abandoned: false,
        };
        self.write_call_header(&call, options).map_err(CallError::Headers)?;
        let body = self.outbound.end();
        Ok(CallWriter { connection: self, call: Some(call), kind: options.kind, start, message, body, loss: None })
    }

    #[inline]
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
        if self.layer.http().is_some_and(ClientHttp::is_owed) {
            return Err(CallError::ResponseOwed);
        }
        Ok(())
    }

    /// Takes all out of the carrier that came before a call, so that none of it is taken for the call's reply.
    #[cold]
    fn drain_layer(&mut self) -> Result<(), CallError> {
        let limit = self.config.limits.message;
        let drained = loop {
            match self.layer.pump(&mut self.inbound, &mut self.outbound, self.at_eof) {
                Ok(Pumped::More) if self.inbound.len() > limit => break Err(ConnectionErrorKind::Unasked { limit }),
                Ok(Pumped::More) => {}
                Ok(Pumped::Nothing | Pumped::End) => break Ok(()),
                Err(kind) => break Err(kind),
            }
        };
        drained.map_err(|kind| self.lose(kind))
    }

    #[inline]
    fn write_call_header(&mut self, call: &InFlight, options: &CallOptions<'_>) -> Result<(), HeadersError> {
        let buffer = self.outbound.buffer();
        let sequence_id = call.call.sequence_id();
        open_message(buffer, self.config.framing, || HeaderFrame {
            flags: 0,
            sequence_id,
            protocol: self.config.protocol,
            transforms: &self.config.transforms,
            headers: options.headers,
            timeout: options.timeout,
        })?;
        let message_type = match options.kind {
            CallKind::Call => MessageType::Call,
            CallKind::Oneway => MessageType::Oneway,
        };
        let header = MessageHeader { name: &call.name, message_type, sequence_id };
        let form = if self.config.old { HeaderForm::Old } else { HeaderForm::Strict };
        write_header(self.config.protocol, form, &header, buffer);
        Ok(())
    }

    /// The next id whose sequence id no call in flight has. There are fewer calls in flight than sequence ids.
    #[inline]
    fn next_call(&self) -> CallId {
        let mut call = CallId::new(self.next_serial);
        while self.calls.len() > 0 && self.calls.contains(call.sequence_id()) {
            call = CallId::new(call.to_number().wrapping_add(1));
        }
        call
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(connection: &mut ClientConnection) -> CallId {
        let writer = connection.begin_call("ping", CallKind::Call, None).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn a_sequence_id_in_flight_is_passed_over_when_all_numbers_were_used() {
        let mut connection = ClientConnection::new(ClientConfig::default());
        let waiting = call(&mut connection);
        assert_eq!(waiting.sequence_id(), 1);
        connection.next_serial = 1 << 32;
        assert_eq!(call(&mut connection).sequence_id(), 0);
        assert_eq!(call(&mut connection).sequence_id(), 2);
        assert_eq!(connection.waiting(), 3);
    }

    #[test]
    fn an_alert_of_tls_is_recognised_whatever_carries_the_messages() {
        for carrier in [Carrier::Direct, Carrier::Zlib, Carrier::Http] {
            for framing in [Framing::Framed, Framing::Unframed, Framing::Header] {
                let config = ClientConfig { framing, carrier, ..ClientConfig::default() };
                let mut connection = ClientConnection::new(config);
                call(&mut connection);
                let sent = connection.outbound().len();
                connection.advance_outbound(sent);
                connection.receive(b"\x15\x03\x03\0\x02\x02\x32");
                connection.receive_eof();
                let error = connection.poll_event(Duration::ZERO).unwrap_err();
                assert_eq!((error.kind(), error.fault()), (&ConnectionErrorKind::Tls, Fault::Peer));
                assert_eq!(connection.failure(), Some(&error));
            }
        }
    }

    #[test]
    fn names_and_calls_over_their_limits_are_refused() {
        let config = ClientConfig { max_name: 4, max_in_flight: 2, ..ClientConfig::default() };
        let mut connection = ClientConnection::new(config);
        let error = connection.begin_call("pings", CallKind::Call, None).map(drop).unwrap_err();
        assert_eq!(error, CallError::NameTooLong { size: 5, limit: 4 });
        call(&mut connection);
        let abandoned = call(&mut connection);
        connection.cancel(abandoned);
        let error = connection.begin_call("ping", CallKind::Call, None).map(drop).unwrap_err();
        assert_eq!(error, CallError::TooManyInFlight { limit: 2 });
    }
}
