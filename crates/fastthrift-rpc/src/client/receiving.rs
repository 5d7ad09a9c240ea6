//! What a client's connection makes of the bytes that it received.

use std::time::Duration;

use fastthrift_protocol::{ApplicationException, MessageHeader, MessageType};

use super::{CallId, ClientConnection, ClientEvent, ReplyBody};
use crate::carrier::{ClientHttp, Pumped};
use crate::codec::{body_span_len, read_header};
use crate::cutter::{CutError, HandedOut};
use crate::sasl::Step;
use crate::span::distance;
use crate::{CallKind, ConnectionError, ConnectionErrorKind, Framing, HttpError, Span};

/// What a received message means.
enum Received {
    Event(ClientEvent),
    /// The reply to an abandoned call.
    Dropped,
    /// More bytes have to come.
    Nothing,
}

impl ClientConnection {
    pub(super) fn next_event(&mut self, now: Duration) -> Result<Option<ClientEvent>, ConnectionError> {
        if self.inbound.is_exhausted() || self.layer.is_exhausted() {
            return Err(ConnectionError::new(ConnectionErrorKind::OutOfMemory));
        }
        if self.calls.abandoned() > self.config.max_abandoned {
            let limit = self.config.max_abandoned;
            return Err(ConnectionError::new(ConnectionErrorKind::TooManyAbandoned { limit }));
        }
        while self.has_shaken_hands()? {
            match self.next_received()? {
                Received::Event(event) => return Ok(Some(event)),
                Received::Dropped => self.release(),
                Received::Nothing if self.pump()? => {}
                Received::Nothing => break,
            }
        }
        if self.at_eof {
            return Err(self.closed());
        }
        Ok(self.calls.expire(now).map(|call| ClientEvent::TimedOut { call }))
    }

    /// Whether calls may be answered: this side said who it is, if it has to.
    fn has_shaken_hands(&mut self) -> Result<bool, ConnectionError> {
        let Some(handshake) = &mut self.handshake else { return Ok(true) };
        let step = handshake.receive(&mut self.inbound).map_err(|error| ConnectionError::new(error.into()))?;
        if step == Step::Over {
            self.handshake = None;
        }
        Ok(self.handshake.is_none())
    }

    /// Takes more bytes of messages out of the carrier; false when there are none.
    fn pump(&mut self) -> Result<bool, ConnectionError> {
        let pumped =
            self.layer.pump(&mut self.inbound, &mut self.outbound, self.at_eof).map_err(ConnectionError::new)?;
        self.at_eof |= pumped == Pumped::End;
        Ok(pumped == Pumped::More)
    }

    pub(super) fn closed(&self) -> ConnectionError {
        let is_owed = self.layer.http().is_none_or(ClientHttp::is_owed);
        ConnectionError::new(match self.unseen() + self.layer.waiting() {
            _ if !is_owed => ConnectionErrorKind::Closed { waiting: self.calls.waiting() },
            0 => ConnectionErrorKind::Closed { waiting: self.calls.waiting() },
            received => ConnectionErrorKind::CutOff { received },
        })
    }

    fn next_received(&mut self) -> Result<Received, ConnectionError> {
        if self.layer.http().is_some() {
            return self.next_response();
        }
        let cut = self.cutter.next_message(&mut self.inbound);
        match cut.map_err(CutError::into_connection_error)? {
            Some(len) => self.read_message(len),
            None => Ok(Received::Nothing),
        }
    }

    /// Reads the message of a response, when all of it came.
    fn next_response(&mut self) -> Result<Received, ConnectionError> {
        let Some(kind) = self.layer.http().and_then(ClientHttp::answered) else { return Ok(Received::Nothing) };
        let received = match kind {
            CallKind::Oneway => Received::Dropped,
            CallKind::Call => {
                let cut = self.cutter.next_message(&mut self.inbound).map_err(CutError::into_connection_error)?;
                let cut_off = HttpError::BodyCut { size: self.inbound.len() };
                self.read_message(cut.ok_or_else(|| ConnectionError::new(cut_off.into()))?)?
            }
        };
        self.at_eof |= !self.layer.http_mut().is_none_or(ClientHttp::finish);
        Ok(received)
    }

    /// Reads the message at the front of the `len` unread bytes.
    fn read_message(&mut self, len: usize) -> Result<Received, ConnectionError> {
        let source = self.cutter.source(&self.inbound);
        let message = &source.unread()[..len];
        let protocol = self.config.protocol;
        let (header, body_start) = read_header(protocol, self.config.strict, message, self.config.limits)
            .map_err(|error| ConnectionError::new(ConnectionErrorKind::Message(error)))?;
        let call = self.check_reply(&header)?;
        let is_exception = header.message_type == MessageType::Exception;
        let sequence_id = header.sequence_id;
        let mut handed_out = HandedOut { header: body_start, available: len - body_start, read: None };
        let position = source.position() + distance(body_start);
        let body = if is_exception {
            let (exception, read) = ApplicationException::decode(protocol, &message[body_start..], self.config.limits)
                .map_err(|error| ConnectionError::new(ConnectionErrorKind::Body(error)))?;
            handed_out.read = Some(read);
            ReplyBody::Exception(exception)
        } else {
            ReplyBody::Result(Span::new(position, body_span_len(protocol, &message[body_start..])))
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
        if self.cutter.position(&self.inbound) < call.received_before || self.outbound.sent() <= call.sent_from {
            return broken(ConnectionErrorKind::EarlyReply(sequence_id));
        }
        // A server that cannot read what is in a frame of the Header transport knows no name.
        let is_nameless =
            name.is_empty() && message_type == MessageType::Exception && self.config.framing == Framing::Header;
        if !is_nameless && !call.is_named(name) {
            let expected = call.name[call.function..].into();
            return broken(ConnectionErrorKind::WrongName { expected, found: name.into() });
        }
        Ok(call.call)
    }

    /// Lets go of the reply that was handed out last.
    #[inline]
    pub(super) fn release(&mut self) {
        if let Some(message) = self.handed_out.take() {
            self.cutter.release(&mut self.inbound, message);
            self.leave_body();
        }
    }

    /// Lets go of what follows a message in the body that carries it.
    #[inline]
    pub(super) fn leave_body(&mut self) {
        if self.layer.http().is_some() {
            self.inbound.consume(self.inbound.len());
        }
    }
}
