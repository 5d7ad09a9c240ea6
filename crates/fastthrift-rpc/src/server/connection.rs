use fastthrift_protocol::{ApplicationException, ApplicationExceptionKind, DecodeError, MessageHeader, MessageType};

use super::open_requests::OpenRequests;
use super::{ReplyWriter, Request, RequestId};
use crate::codec::{HeaderForm, name_start, write_exception, write_header};
use crate::cutter::{CutError, Cutter, HandedOut};
use crate::detect::{Accepted, detect};
use crate::framing::{close_message, open_message};
use crate::inbound::Inbound;
use crate::outbound::Outbound;
use crate::span::distance;
use crate::{CallKind, ConnectionError, ConnectionErrorKind, Dialect, Framing, ReplyError, ServerConfig, Span};

/// The server's side of one connection.
///
/// Input is [`Self::receive`] (or [`Self::receive_buffer`] with [`Self::received`]) and [`Self::receive_eof`]. Output is
/// [`Self::outbound`] and [`Self::poll_event`], which is to be asked after each input and each answer until it has nothing to
/// say. Commands are [`Self::begin_reply`], [`Self::reply_exception`] and [`Self::finish_oneway`].
///
/// The dialect is found out from the peer's first bytes, and each answer is given in it.
#[derive(Debug)]
pub struct ServerConnection {
    pub(super) config: ServerConfig,
    pub(super) outbound: Outbound,
    inbound: Inbound,
    /// There once the dialect is known.
    cutter: Option<Cutter>,
    open: OpenRequests,
    /// The request that was handed out last.
    handed_out: Option<HandedOut>,
    at_eof: bool,
    failure: Option<ConnectionError>,
}

impl ServerConnection {
    /// A connection on which nothing was sent or received.
    pub fn new(config: ServerConfig) -> Self {
        Self {
            config,
            outbound: Outbound::default(),
            inbound: Inbound::default(),
            cutter: None,
            open: OpenRequests::default(),
            handed_out: None,
            at_eof: false,
            failure: None,
        }
    }

    /// What the connection was made with.
    pub fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// The dialect, once it is known.
    pub fn dialect(&self) -> Option<Dialect> {
        self.cutter.as_ref().map(Cutter::dialect)
    }

    /// Takes bytes that the peer sent.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.inbound.append(bytes);
    }

    /// Memory of at least `least` bytes to receive into, without a copy; say how many came with [`Self::received`]. It is
    /// larger when much more is expected, but grows only with what came before.
    pub fn receive_buffer(&mut self, least: usize) -> &mut [u8] {
        let wanted = self.needed().saturating_sub(self.inbound.len());
        self.inbound.spare(least, wanted)
    }

    /// Notes that the first `count` bytes of [`Self::receive_buffer`] were filled.
    ///
    /// # Panics
    /// When `count` is more than there was room for.
    pub fn received(&mut self, count: usize) {
        self.inbound.commit(count);
    }

    /// Notes that the peer sends nothing more. What it sent before is still served.
    pub fn receive_eof(&mut self) {
        self.at_eof = true;
    }

    /// Whether more should be received. False while enough is held that waits to be served or to be sent.
    pub fn wants_read(&self) -> bool {
        !self.at_eof
            && self.failure.is_none()
            && self.outbound.pending().len() <= self.config.max_outbound
            && self.inbound.len() < self.config.max_inbound.max(self.needed())
    }

    /// The next request. `None` means: nothing until more is received, an open request is answered, or bytes are sent.
    ///
    /// An error is final and comes again each time. If it [is answered](ConnectionError::is_answered), send what is outbound
    /// before closing.
    pub fn poll_event(&mut self) -> Result<Option<Request>, ConnectionError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        if self.open.len() >= self.config.max_open || self.outbound.pending().len() > self.config.max_outbound {
            return Ok(None);
        }
        self.release();
        let request = self.next_request();
        if let Err(error) = &request {
            self.failure = Some(error.clone());
        }
        request
    }

    /// The bytes of a request's name or body. Empty once they were let go.
    pub fn bytes(&self, span: Span) -> &[u8] {
        let bytes = self.inbound.bytes(span);
        debug_assert!(bytes.is_some(), "the request's bytes were let go by a later poll");
        bytes.unwrap_or_default()
    }

    /// Notes that the last request's body was read and how long it was. Saves the connection measuring it; optional.
    pub fn body_read(&mut self, len: usize) {
        if let Some(handed_out) = &mut self.handed_out {
            handed_out.read = Some(len);
        }
    }

    /// Starts the reply to an open request: its result, or an exception that the function declares.
    pub fn begin_reply(&mut self, request: RequestId) -> Result<ReplyWriter<'_>, ReplyError> {
        self.begin_answer(request, MessageType::Reply)
    }

    /// Answers an open request with an exception that the function does not declare.
    pub fn reply_exception(&mut self, request: RequestId, exception: &ApplicationException) -> Result<(), ReplyError> {
        let dialect = self.dialect().ok_or(ReplyError::NotOpen)?;
        let mut writer = self.begin_answer(request, MessageType::Exception)?;
        write_exception(dialect.protocol, exception, writer.buffer());
        writer.finish()
    }

    /// Closes a oneway request, which gets no answer.
    pub fn finish_oneway(&mut self, request: RequestId) -> Result<(), ReplyError> {
        match self.open.find(request).ok_or(ReplyError::NotOpen)?.kind {
            CallKind::Call => Err(ReplyError::AwaitsReply),
            CallKind::Oneway => {
                self.open.close(request);
                Ok(())
            }
        }
    }

    /// How many requests were handed out and not answered.
    pub fn open_requests(&self) -> usize {
        self.open.len()
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

    /// Why no further request comes.
    pub fn failure(&self) -> Option<&ConnectionError> {
        self.failure.as_ref()
    }

    /// Whether all is done and the connection is to be closed: it failed, or the peer sends nothing more and has its answers.
    pub fn is_finished(&self) -> bool {
        let ended = self.failure.is_some() || (self.at_eof && self.open.len() == 0 && self.unseen() == 0);
        ended && self.outbound.pending().is_empty()
    }

    /// Whether a part of a message came and the rest did not: a peer that leaves it so for long is to be cut off.
    pub fn is_mid_message(&self) -> bool {
        self.needed() > 0 || (self.cutter.is_none() && self.inbound.len() > 0)
    }

    /// How many bytes of memory the received bytes take.
    pub fn inbound_capacity(&self) -> usize {
        self.inbound.capacity()
    }

    pub(super) fn framing(&self) -> Framing {
        self.dialect().map_or(Framing::Framed, |dialect| dialect.framing)
    }

    pub(super) fn close(&mut self, request: RequestId) {
        self.open.close(request);
    }

    /// Removes a reply that was not finished from the outbound buffer.
    pub(super) fn take_back(&mut self, start: usize) {
        if self.outbound.truncate(start).is_err() {
            self.failure = Some(ConnectionError::new(ConnectionErrorKind::OutboundLost));
        }
    }

    fn begin_answer(&mut self, request: RequestId, message_type: MessageType) -> Result<ReplyWriter<'_>, ReplyError> {
        let Dialect { protocol, framing } = self.dialect().ok_or(ReplyError::NotOpen)?;
        let open = self.open.find(request).ok_or(ReplyError::NotOpen)?;
        if open.kind == CallKind::Oneway {
            return Err(ReplyError::Oneway);
        }
        let start = self.outbound.end();
        let buffer = self.outbound.buffer();
        open_message(buffer, framing);
        let header = MessageHeader { name: &open.function, message_type, sequence_id: open.sequence_id };
        write_header(protocol, open.form, &header, buffer);
        let body = self.outbound.end();
        Ok(ReplyWriter { connection: self, request, start, body, is_finished: false })
    }

    fn needed(&self) -> usize {
        self.cutter.as_ref().map_or(0, Cutter::needed)
    }

    /// How many received bytes no request was made of.
    fn unseen(&self) -> usize {
        self.inbound.len() - self.handed_out.map_or(0, |message| message.header + message.available)
    }

    fn release(&mut self) {
        if let (Some(message), Some(cutter)) = (self.handed_out.take(), &mut self.cutter) {
            cutter.release(&mut self.inbound, message);
        }
    }

    fn next_request(&mut self) -> Result<Option<Request>, ConnectionError> {
        if self.cutter.is_none() {
            self.detect()?;
        }
        let Some(cutter) = &mut self.cutter else { return self.nothing_more() };
        let dialect = cutter.dialect();
        let cut = cutter.next_message(&mut self.inbound);
        match cut {
            Ok(Some(len)) => self.read_request(dialect, len).map(Some),
            Ok(None) => self.nothing_more(),
            Err(CutError::Message(error)) => Err(self.answer_broken(dialect, error)),
            Err(error) => Err(error.into_connection_error()),
        }
    }

    /// Finds out the dialect, if enough came.
    fn detect(&mut self) -> Result<(), ConnectionError> {
        let ServerConfig { protocol, framing, limits, .. } = self.config;
        let accepted = Accepted { protocol, framing, frame_limit: limits.message };
        let dialect = detect(self.inbound.unread(), accepted).map_err(ConnectionError::new)?;
        self.cutter = dialect.map(|dialect| Cutter::new(dialect, limits));
        Ok(())
    }

    fn nothing_more(&self) -> Result<Option<Request>, ConnectionError> {
        match self.inbound.len() {
            received @ 1.. if self.at_eof => Err(ConnectionError::new(ConnectionErrorKind::CutOff { received })),
            _ => Ok(None),
        }
    }

    /// Reads the message at the front of the `len` unread bytes.
    fn read_request(&mut self, dialect: Dialect, len: usize) -> Result<Request, ConnectionError> {
        let protocol = dialect.protocol;
        let message = &self.inbound.unread()[..len];
        let (header, header_len) = protocol
            .read_message_header(message, self.config.limits)
            .map_err(|error| ConnectionError::new(ConnectionErrorKind::Message(error)))?;
        let MessageHeader { name, message_type, sequence_id } = header;
        if name.len() > self.config.max_name {
            let limit = self.config.max_name;
            return Err(ConnectionError::new(ConnectionErrorKind::NameTooLong { size: name.len(), limit }));
        }
        let kind = match message_type {
            MessageType::Call => CallKind::Call,
            MessageType::Oneway => CallKind::Oneway,
            found => return Err(self.answer_wrong_type(dialect, found, sequence_id)),
        };
        let form = HeaderForm::of(protocol, message[0]);
        let service_len = name.iter().position(|byte| *byte == b':');
        let function = service_len.map_or(0, |colon| colon + 1);
        let id = self.open.open(kind, form, sequence_id, &name[function..]);
        let span = |start, len| Span::new(self.inbound.position() + distance(start), len);
        let name_start = name_start(protocol, form, header_len, name.len());
        let request = Request {
            id,
            kind,
            protocol,
            service: service_len.map(|len| span(name_start, len)),
            function: span(name_start + function, name.len() - function),
            body: span(header_len, len - header_len),
        };
        self.handed_out = Some(HandedOut { header: header_len, available: len - header_len, read: None });
        Ok(request)
    }

    fn answer_wrong_type(&mut self, dialect: Dialect, found: MessageType, sequence_id: i32) -> ConnectionError {
        let kind = ConnectionErrorKind::MessageType { found, sequence_id };
        let exception = ApplicationException::new(ApplicationExceptionKind::INVALID_MESSAGE_TYPE, kind.to_string());
        self.answer_front(dialect, &exception, kind)
    }

    /// Answers a message whose structure is broken, if it is a call and its header can be read.
    fn answer_broken(&mut self, dialect: Dialect, error: DecodeError) -> ConnectionError {
        let exception = ApplicationException::new(ApplicationExceptionKind::PROTOCOL_ERROR, error.to_string());
        self.answer_front(dialect, &exception, ConnectionErrorKind::Message(error))
    }

    /// Tells the sender of the message at the front of the unread bytes why the connection ends with it.
    fn answer_front(
        &mut self,
        dialect: Dialect,
        exception: &ApplicationException,
        kind: ConnectionErrorKind,
    ) -> ConnectionError {
        let Self { inbound, outbound, config, .. } = self;
        let (protocol, message) = (dialect.protocol, inbound.unread());
        let Ok((header, _)) = protocol.read_message_header(message, config.limits) else {
            return ConnectionError::new(kind);
        };
        if header.message_type == MessageType::Oneway || header.name.len() > config.max_name {
            return ConnectionError::new(kind);
        }
        let function = header.name.iter().position(|byte| *byte == b':').map_or(0, |colon| colon + 1);
        let answer = MessageHeader {
            name: &header.name[function..],
            message_type: MessageType::Exception,
            sequence_id: header.sequence_id,
        };
        let start = outbound.end();
        let buffer = outbound.buffer();
        open_message(buffer, dialect.framing);
        write_header(protocol, HeaderForm::of(protocol, message[0]), &answer, buffer);
        write_exception(protocol, exception, buffer);
        let closed = close_message(buffer, dialect.framing, start, start, config.limits.message);
        if closed.is_err() {
            buffer.truncate(start);
            return ConnectionError::new(kind);
        }
        ConnectionError::answered(kind)
    }
}
