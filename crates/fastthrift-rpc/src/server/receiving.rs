//! What a server's connection makes of the bytes that it received.

use fastthrift_protocol::{
    ApplicationException, ApplicationExceptionKind, DecodeError, MessageHeader, MessageType, Protocol,
};

use super::open_requests::Asked;
use super::{Request, ServerConnection};
use crate::carrier::{Layer, Pumped, ServerHttp, Zlib, starts_zlib};
use crate::codec::{HeaderForm, body_span_len, name_start, read_header, write_header};
use crate::cutter::{CutError, Cutter, HandedOut};
use crate::detect::{Accepted, detect};
use crate::framing::{FRAME_HEADER, close_message, open_message};
use crate::header::{Envelope, HeaderFrame};
use crate::outbound::Outbound;
use crate::sasl::ServerHandshake;
use crate::span::distance;
use crate::{
    CallKind, Carrier, ConnectionError, ConnectionErrorKind, Dialect, Fault, Framing, HeaderError, Headers, HttpError,
    SaslError, ServerConfig, Span,
};

impl ServerConnection {
    pub(super) fn next_request(&mut self) -> Result<Option<Request>, ConnectionError> {
        if self.layer.http().is_some() {
            return self.next_body();
        }
        if !self.has_shaken_hands()? {
            return self.nothing_more();
        }
        loop {
            if self.cutter.is_none() {
                self.detect()?;
            }
            if let Some(request) = self.cut_request()? {
                return Ok(Some(request));
            }
            if !self.pump()? {
                return self.nothing_more();
            }
        }
    }

    /// Whether requests may come: the peer said who it is, if it has to.
    fn has_shaken_hands(&mut self) -> Result<bool, ConnectionError> {
        let Some(handshake) = &mut self.handshake else { return Ok(true) };
        match handshake.receive(&mut self.inbound) {
            Ok(()) => Ok(false),
            Err(error) => Err(self.answer_handshake(error)),
        }
    }

    /// Tells a peer why it cannot go on, in the handshake or, if it knows of none, in its own dialect.
    fn answer_handshake(&mut self, error: SaslError) -> ConnectionError {
        match error {
            SaslError::NotSasl(_) => self.answer_stranger(error.into()),
            SaslError::GivenUp => ConnectionError::new(error.into()),
            _ => {
                ServerHandshake::write_refusal(self.outbound.buffer(), &error.to_string());
                ConnectionError::answered(error.into())
            }
        }
    }

    /// Answers a call that came instead of a handshake, as far as it can be read.
    fn answer_stranger(&mut self, kind: ConnectionErrorKind) -> ConnectionError {
        let ServerConfig { protocol, limits, .. } = self.config;
        let accepted = Accepted { protocol, framing: None, frame_limit: limits.message };
        let Ok(Some(dialect)) = detect(self.inbound.unread(), accepted) else { return ConnectionError::new(kind) };
        match dialect.framing {
            Framing::Framed => self.inbound.consume(FRAME_HEADER),
            Framing::Unframed => {}
            Framing::Header => return ConnectionError::new(kind),
        }
        let exception = ApplicationException::new(ApplicationExceptionKind::UNSUPPORTED_CLIENT_TYPE, kind.to_string());
        self.answer_front(dialect, &exception, kind)
    }

    /// The request whose message is the body of one of HTTP, when all of it came.
    fn next_body(&mut self) -> Result<Option<Request>, ConnectionError> {
        if !self.pump()? {
            return self.nothing_more();
        }
        self.detect()?;
        let Some(request) = self.cut_request()? else {
            let cut = HttpError::BodyCut { size: self.inbound.len() };
            return Err(ConnectionError::new(cut.into()));
        };
        let http = self.layer.http_mut().expect("invariant: only what HTTP carries has a body");
        http.hand_out();
        Ok(Some(Request { timeout: http.timeout(), ..request }))
    }

    /// The request at the front of the unread bytes, if the dialect is known and all of it came.
    fn cut_request(&mut self) -> Result<Option<Request>, ConnectionError> {
        let Some(cutter) = &mut self.cutter else { return Ok(None) };
        let cut = cutter.next_message(&mut self.inbound);
        let dialect = cutter.dialect();
        match cut {
            Ok(Some(len)) => self.read_request(dialect, len).map(Some),
            Ok(None) => Ok(None),
            Err(CutError::Message(error)) => Err(self.answer_broken(dialect, error)),
            Err(CutError::Header(error)) => Err(self.answer_header(error)),
            Err(error) => Err(error.into_connection_error()),
        }
    }

    /// Finds out the carrier and the dialect, if enough came.
    fn detect(&mut self) -> Result<(), ConnectionError> {
        if self.carrier.is_none() {
            self.detect_carrier();
        }
        if self.carrier.is_none() {
            return Ok(());
        }
        let ServerConfig { protocol, framing, limits, .. } = self.config;
        let framing = if self.carrier == Some(Carrier::Http) { Some(Framing::Unframed) } else { framing };
        let accepted = Accepted { protocol, framing, frame_limit: limits.message };
        let dialect = detect(self.inbound.unread(), accepted).map_err(ConnectionError::new)?;
        self.cutter = dialect.map(|dialect| Cutter::new(dialect, protocol, limits));
        Ok(())
    }

    fn detect_carrier(&mut self) {
        self.carrier = match starts_zlib(self.inbound.unread()) {
            None => return,
            Some(false) => Some(Carrier::Direct),
            Some(true) => {
                let received = std::mem::take(&mut self.inbound);
                self.layer = Layer::Zlib(Box::new(Zlib::new(received)));
                Some(Carrier::Zlib)
            }
        };
    }

    /// Takes more bytes of messages out of the carrier; false when there are none.
    fn pump(&mut self) -> Result<bool, ConnectionError> {
        let pumped =
            self.layer.pump(&mut self.inbound, &mut self.outbound, self.at_eof).map_err(ConnectionError::new)?;
        self.at_eof |= pumped == Pumped::End;
        Ok(pumped == Pumped::More)
    }

    fn nothing_more(&self) -> Result<Option<Request>, ConnectionError> {
        let received = self.inbound.len() + self.layer.waiting();
        if self.at_eof && (received > 0 || !self.layer.is_drained()) {
            return Err(ConnectionError::new(ConnectionErrorKind::CutOff { received }));
        }
        Ok(None)
    }

    /// Reads the message at the front of the `len` unread bytes.
    fn read_request(&mut self, dialect: Dialect, len: usize) -> Result<Request, ConnectionError> {
        let protocol = dialect.protocol;
        let source = self.cutter.as_ref().map_or(&self.inbound, |cutter| cutter.source(&self.inbound));
        let message = &source.unread()[..len];
        let (header, header_len) = read_header(protocol, self.config.strict, message, self.config.limits)
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
        let envelope = self.envelope();
        let id = self.open.open(Asked { kind, protocol, form, sequence_id, envelope }, &name[function..]);
        let span = |start, len| Span::new(source.position() + distance(start), len);
        let name_start = name_start(message, name);
        let body_len = body_span_len(protocol, &message[header_len..]);
        let request = Request {
            id,
            kind,
            protocol,
            service: service_len.map(|len| span(name_start, len)),
            function: span(name_start + function, name.len() - function),
            body: span(header_len, body_len),
            timeout: self.request_headers().timeout(),
        };
        self.handed_out = Some(HandedOut { header: header_len, available: len - header_len, read: None });
        Ok(request)
    }

    /// Tells a peer of HTTP why the connection ends, unless it was told or is gone.
    pub(super) fn answer_in_http(&mut self, error: ConnectionError) -> ConnectionError {
        let Self { layer: Layer::Http(http), outbound, .. } = self else { return error };
        if error.is_answered() || error.fault() != Fault::Peer {
            return error;
        }
        http.refuse(error.kind(), outbound.buffer());
        ConnectionError::answered(error.kind().clone())
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
        let envelope = self.envelope();
        let Self { inbound, cutter, outbound, layer, config, .. } = self;
        let source = cutter.as_ref().map_or(&*inbound, |cutter| cutter.source(inbound));
        let (protocol, message) = (dialect.protocol, source.unread());
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
        let form = HeaderForm::of(protocol, message[0]);
        let answer = Answer { dialect, envelope, form, header: answer, exception };
        answer.send(outbound, layer, config.limits.message, kind)
    }

    /// Tells the sender of a frame of the Header transport that what it asks for is not known here, and why the connection
    /// ends with it. What was called cannot be read, so the answer has no name and the frame's sequence id.
    fn answer_header(&mut self, error: HeaderError) -> ConnectionError {
        let asked = match error {
            HeaderError::UnknownProtocol(_) => ApplicationExceptionKind::INVALID_PROTOCOL,
            HeaderError::UnknownTransform(_) => ApplicationExceptionKind::INVALID_TRANSFORM,
            _ => return ConnectionError::new(ConnectionErrorKind::Header(error)),
        };
        let exception = ApplicationException::new(asked, error.to_string());
        let protocol = self.cutter.as_ref().map_or(Protocol::Binary, Cutter::named_protocol);
        let Envelope { flags, sequence_id, .. } = self.envelope();
        let envelope = Envelope { flags, sequence_id, ..Envelope::default() };
        let header = MessageHeader { name: b"", message_type: MessageType::Exception, sequence_id };
        let dialect = Dialect { protocol, framing: Framing::Header };
        let answer = Answer { dialect, envelope, form: HeaderForm::Strict, header, exception: &exception };
        let kind = ConnectionErrorKind::Header(error);
        answer.send(&mut self.outbound, &mut self.layer, self.config.limits.message, kind)
    }

    fn envelope(&self) -> Envelope {
        self.cutter.as_ref().map_or_else(Envelope::default, Cutter::envelope)
    }
}

/// What the connection itself has to say to its peer, before it ends.
struct Answer<'a> {
    dialect: Dialect,
    envelope: Envelope,
    form: HeaderForm,
    header: MessageHeader<'a>,
    exception: &'a ApplicationException,
}

impl Answer<'_> {
    /// Makes the answer ready to send, unless it is over the limit, and gives the error that the connection ends with.
    fn send(
        &self,
        outbound: &mut Outbound,
        layer: &mut Layer<ServerHttp>,
        limit: usize,
        kind: ConnectionErrorKind,
    ) -> ConnectionError {
        let start = outbound.end();
        let buffer = outbound.buffer();
        if let Some(http) = layer.http_mut() {
            http.close();
            http.open(buffer, Headers::none()).expect("invariant: no headers are not too many");
        }
        let message = buffer.len();
        if !self.write(buffer, limit) {
            buffer.truncate(start);
            return ConnectionError::new(kind);
        }
        match layer.seal(buffer, message) {
            Ok(()) => ConnectionError::answered(kind),
            Err(kind) => ConnectionError::new(kind),
        }
    }

    /// Appends the answer; false when it is over the limit.
    fn write(&self, buffer: &mut Vec<u8>, limit: usize) -> bool {
        let Dialect { protocol, framing } = self.dialect;
        let Envelope { flags, sequence_id, transforms } = &self.envelope;
        let start = buffer.len();
        let opened = open_message(buffer, framing, || HeaderFrame {
            flags: *flags,
            sequence_id: *sequence_id,
            protocol,
            transforms,
            headers: Headers::none(),
            timeout: None,
        });
        write_header(protocol, self.form, &self.header, buffer);
        self.exception.encode(protocol, buffer);
        opened.is_ok() && close_message(buffer, self.dialect, transforms, start, start, limit).is_ok()
    }
}
