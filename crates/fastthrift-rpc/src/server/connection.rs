use fastthrift_protocol::{ApplicationException, MessageHeader, MessageType};

use super::open_requests::{Asked, OpenRequest, OpenRequests};
use super::usual::Usual;
use super::{ReplyWriter, Request, RequestId};
use crate::carrier::{Layer, ServerHttp, Zlib};
use crate::codec::write_header;
use crate::cutter::{Cutter, HandedOut};
use crate::framing::open_message;
use crate::header::{Envelope, HeaderFrame};
use crate::inbound::{Inbound, LARGE};
use crate::outbound::Outbound;
use crate::sasl::{Credentials, ServerHandshake};
use crate::{
    CallKind, Carrier, ConnectionError, ConnectionErrorKind, Dialect, Framing, Headers, ReplyError, SaslError,
    ServerConfig, Span,
};

/// How many bytes a peer that is refused is told at most.
const MAX_REFUSAL: usize = 1 << 10;

/// The server's side of one connection.
///
/// Input is [`Self::receive`] (or [`Self::receive_buffer`] with [`Self::received`]) and [`Self::receive_eof`]. Output
/// is [`Self::outbound`] and [`Self::poll_event`], which is to be asked after each input and each answer until it has
/// nothing to say. Commands are [`Self::begin_reply`], [`Self::reply_exception`] and [`Self::finish_oneway`].
///
/// The dialect is found out from the peer's first bytes, and each answer is given in it.
///
/// As long as [`Self::wants_read`] is heeded, what a peer sends takes no more memory than twice the larger of the
/// message limit and [`ServerConfig::max_inbound`], and one read; and what is held for it to read no more than
/// [`ServerConfig::max_outbound`] and the answers to the open requests. Where messages are carried compressed, as much again as
/// they came, and the streams' own memory, which is about 300 KiB. Where a frame of the Header transport is compressed, twice the
/// message limit for what it restores, and the same once more while one of several transforms is undone.
/// Where HTTP carries them, the head of a request too.
#[derive(Debug)]
pub struct ServerConnection {
    pub(super) config: ServerConfig,
    pub(super) outbound: Outbound,
    /// There while the peer has to say who it is.
    pub(super) handshake: Option<Box<ServerHandshake>>,
    /// Who the peer is.
    identity: Option<String>,
    /// What carries the messages, once it is known.
    pub(super) carrier: Option<Carrier>,
    /// As long as the carrier is not known, received bytes go where those of messages do.
    pub(super) layer: Layer<ServerHttp>,
    /// The bytes of messages.
    pub(super) inbound: Inbound,
    /// There once the dialect is known.
    pub(super) cutter: Option<Cutter>,
    pub(super) open: OpenRequests,
    /// The request that was handed out last.
    pub(super) handed_out: Option<HandedOut>,
    /// The same, if [`Self::usual_request`] gave it and it is not yet among the open ones.
    pub(super) usual: Option<Usual>,
    pub(super) at_eof: bool,
    failure: Option<ConnectionError>,
}

impl ServerConnection {
    /// A connection on which nothing was sent or received.
    pub fn new(mut config: ServerConfig) -> Self {
        let handshake = config.sasl.clone().map(|sasl| Box::new(ServerHandshake::new(sasl)));
        if handshake.is_some() {
            (config.framing, config.carrier) = (Some(Framing::Framed), Some(Carrier::Direct));
        }
        let layer = match config.carrier {
            None | Some(Carrier::Direct) => Layer::Direct,
            Some(Carrier::Zlib) => Layer::Zlib(Box::new(Zlib::new(Inbound::default()))),
            Some(Carrier::Http) => Layer::Http(Box::new(ServerHttp::new(config.http.clone(), config.limits.message))),
        };
        Self {
            handshake,
            identity: None,
            carrier: config.carrier,
            layer,
            config,
            outbound: Outbound::default(),
            inbound: Inbound::default(),
            cutter: None,
            open: OpenRequests::default(),
            handed_out: None,
            usual: None,
            at_eof: false,
            failure: None,
        }
    }

    /// What the connection was made with.
    pub fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// The dialect, once it is known. Over the Header transport its protocol is that of the frame that came last.
    pub fn dialect(&self) -> Option<Dialect> {
        self.cutter.as_ref().map(Cutter::dialect)
    }

    /// What carries the messages, once it is known.
    pub fn carrier(&self) -> Option<Carrier> {
        self.carrier
    }

    /// What the peer says about who it is, to be judged by [`Self::accept_peer`], [`Self::challenge_peer`] or
    /// [`Self::refuse_peer`]; to be asked for when [`Self::poll_event`] has no request. Until then none comes.
    #[inline]
    pub fn credentials(&self) -> Option<Credentials<'_>> {
        self.handshake.as_ref()?.credentials()
    }

    /// Accepts the peer as this one; `last` is what its mechanism has to hear, mostly nothing. Does nothing when there is
    /// nothing to judge.
    pub fn accept_peer(&mut self, identity: &str, last: &[u8]) {
        if self.handshake.take_if(|handshake| handshake.take_response()).is_some() {
            ServerHandshake::write_complete(self.outbound.buffer(), last);
            self.identity = Some(identity.to_owned());
        }
    }

    /// Asks the peer's mechanism for more. Does nothing when there is nothing to judge.
    pub fn challenge_peer(&mut self, challenge: &[u8]) {
        if self.handshake.as_mut().is_some_and(|handshake| handshake.take_response()) {
            ServerHandshake::write_challenge(self.outbound.buffer(), challenge);
        }
    }

    /// Refuses the peer and tells it why, which should not help to guess a password: the connection fails, and is to be closed
    /// when what is outbound was sent. Of a long text it gets the start, at most 1,024 bytes. Does nothing when there is nothing to
    /// judge.
    pub fn refuse_peer(&mut self, text: &str) {
        let text = &text[..text.floor_char_boundary(MAX_REFUSAL)];
        if self.handshake.as_mut().is_some_and(|handshake| handshake.take_response()) {
            ServerHandshake::write_refusal(self.outbound.buffer(), text);
            let kind = SaslError::Rejected(text.to_owned()).into();
            self.failure.get_or_insert_with(|| ConnectionError::answered(kind));
        }
    }

    /// Who the peer was accepted as.
    pub fn peer_identity(&self) -> Option<&str> {
        self.identity.as_deref()
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

    /// Notes that the peer sends nothing more. What it sent before is still served.
    pub fn receive_eof(&mut self) {
        self.at_eof = true;
    }

    /// Whether more should be received. False while enough is held that waits to be served or to be sent.
    #[inline]
    pub fn wants_read(&self) -> bool {
        !self.at_eof
            && self.failure.is_none()
            && !self.is_exhausted()
            && self.outbound.pending().len() <= self.config.max_outbound
            && self.has_room()
    }

    /// The next request. `None` means: nothing until more is received, an open request is answered, or bytes are sent.
    ///
    /// An error is final and comes again each time. If it [is answered](ConnectionError::is_answered), send what is
    /// outbound before closing.
    pub fn poll_event(&mut self) -> Result<Option<Request>, ConnectionError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        if self.is_exhausted() {
            let failure = ConnectionError::new(ConnectionErrorKind::OutOfMemory);
            self.failure = Some(failure.clone());
            return Err(failure);
        }
        self.open_usual();
        if self.open.len() >= self.max_open() || self.outbound.pending().len() > self.config.max_outbound {
            return Ok(None);
        }
        self.release();
        self.next_request().map_err(|error| {
            let error = self.answer_in_http(error);
            self.failure = Some(error.clone());
            error
        })
    }

    /// The bytes of a request's name or body. Empty once they were let go.
    #[inline]
    pub fn bytes(&self, span: Span) -> &[u8] {
        let bytes = match &self.cutter {
            Some(cutter) => cutter.bytes(&self.inbound, span),
            None => self.inbound.bytes(span),
        };
        debug_assert!(bytes.is_some(), "the request's bytes were let go by a later poll");
        bytes.unwrap_or_default()
    }

    /// Takes the body of the request that was handed out last, if it is large and can be had without a copy: memory that ends with it, and
    /// where it starts there. The request's bytes are let go of then. `None` says nothing; then ask [`Self::bytes`].
    #[inline]
    pub fn take_body(&mut self, body: Span) -> Option<(Vec<u8>, usize)> {
        if body.len() < LARGE { None } else { self.take_large(body) }
    }

    fn take_large(&mut self, body: Span) -> Option<(Vec<u8>, usize)> {
        if self.layer.http().is_some() {
            // What carries the answer is known by what carried the request until that is let go of.
            return None;
        }
        let (cutter, message) = (self.cutter.as_mut()?, self.handed_out?);
        let taken = cutter.take(&mut self.inbound, message, body.len())?;
        self.open_usual();
        self.handed_out = None;
        Some(taken)
    }

    /// Notes that the last request's body was read and how long it was. Saves the connection measuring it; optional.
    #[inline]
    pub fn body_read(&mut self, len: usize) {
        if let Some(handed_out) = &mut self.handed_out {
            handed_out.read = Some(len);
        }
    }

    /// Starts the reply to an open request: its result, or an exception that the function declares.
    pub fn begin_reply(&mut self, request: RequestId) -> Result<ReplyWriter<'_>, ReplyError> {
        self.begin_answer(request, MessageType::Reply, Headers::none())
    }

    /// Starts the reply to an open request, with headers; they are left out where none travel.
    #[inline]
    pub fn begin_reply_with(&mut self, request: RequestId, headers: &Headers) -> Result<ReplyWriter<'_>, ReplyError> {
        self.begin_answer(request, MessageType::Reply, headers)
    }

    /// What came beside the request that was handed out last. They stay until the next one is.
    pub fn request_headers(&self) -> &Headers {
        match (&self.layer, &self.cutter) {
            (Layer::Http(http), _) => http.headers(),
            (_, Some(cutter)) => cutter.headers(),
            (_, None) => Headers::none(),
        }
    }

    /// Answers an open request with an exception that the function does not declare.
    pub fn reply_exception(&mut self, request: RequestId, exception: &ApplicationException) -> Result<(), ReplyError> {
        self.reply_exception_with(request, exception, Headers::none())
    }

    /// Answers an open request with an exception that the function does not declare, and with headers; they are left out
    /// where none travel.
    pub fn reply_exception_with(
        &mut self,
        request: RequestId,
        exception: &ApplicationException,
        headers: &Headers,
    ) -> Result<(), ReplyError> {
        let mut writer = self.begin_answer(request, MessageType::Exception, headers)?;
        exception.encode(writer.dialect.protocol, writer.buffer());
        writer.finish()
    }

    /// Closes a oneway request, which gets no answer.
    pub fn finish_oneway(&mut self, request: RequestId) -> Result<(), ReplyError> {
        self.open_usual();
        match self.open.find(request).ok_or(ReplyError::NotOpen)?.asked.kind {
            CallKind::Call => Err(ReplyError::AwaitsReply),
            CallKind::Oneway => self.finish_unanswered(request),
        }
    }

    /// Closes a request without an answer, whatever its message asks for: for a function that the schema declares oneway and that a
    /// peer calls by a plain message, as some libraries do. It waits for no answer.
    pub fn finish_unanswered(&mut self, request: RequestId) -> Result<(), ReplyError> {
        self.open_usual();
        if !self.open.close(request) {
            return Err(ReplyError::NotOpen);
        }
        if let Some(http) = self.layer.http_mut() {
            http.answer_empty(self.outbound.buffer());
            self.at_eof |= !http.answered();
        }
        Ok(())
    }

    /// Sets what is answered to `GET /healthz` and `GET /readyz`, where HTTP carries the messages: 200, or 503 when it is false.
    /// Before, it is true.
    #[inline]
    pub fn set_serving(&mut self, is_serving: bool) {
        if let Some(http) = self.layer.http_mut() {
            http.set_serving(is_serving);
        }
    }

    /// How many requests were handed out and not answered.
    pub fn open_requests(&self) -> usize {
        self.open.len() + usize::from(self.usual.is_some())
    }

    /// The bytes to send next.
    #[inline]
    pub fn outbound(&self) -> &[u8] {
        self.outbound.pending()
    }

    /// Notes that the first `count` bytes of [`Self::outbound`] were sent.
    ///
    /// # Panics
    /// When `count` is more than there are.
    #[inline]
    pub fn advance_outbound(&mut self, count: usize) {
        self.outbound.advance(count);
    }

    /// Why no further request comes.
    #[inline]
    pub fn failure(&self) -> Option<&ConnectionError> {
        self.failure.as_ref()
    }

    /// Whether all is done and the connection is to be closed: it failed, or the peer sends nothing more and has its
    /// answers.
    #[inline]
    pub fn is_finished(&self) -> bool {
        let is_served = || self.open_requests() == 0 && self.unseen() == 0 && self.layer.is_drained();
        let ended = self.failure.is_some() || (self.at_eof && is_served());
        ended && self.outbound.pending().is_empty()
    }

    /// Whether a part of a message came and the rest did not: a peer that leaves it so for long is to be cut off.
    #[inline]
    pub fn is_mid_message(&self) -> bool {
        match (&self.handshake, &self.layer) {
            (Some(handshake), _) => handshake.awaits_peer() || self.needed() > 0,
            (None, Layer::Http(http)) => http.is_mid_message(),
            (None, _) => self.needed() > 0 || (self.cutter.is_none() && self.inbound.len() > 0),
        }
    }

    /// How many bytes of memory the bytes to send take.
    pub fn outbound_capacity(&self) -> usize {
        self.outbound.capacity()
    }

    /// How many bytes of memory the received bytes take.
    pub fn inbound_capacity(&self) -> usize {
        self.inbound.capacity() + self.layer.capacity() + self.cutter.as_ref().map_or(0, Cutter::capacity)
    }

    #[inline]
    pub(super) fn close(&mut self, request: RequestId) {
        self.open.close(request);
        if let Some(http) = self.layer.http_mut() {
            self.at_eof |= !http.answered();
        }
    }

    /// Removes a reply that was not finished from the outbound buffer.
    pub(super) fn take_back(&mut self, start: usize) {
        if self.outbound.truncate(start).is_err() {
            self.failure.get_or_insert_with(|| ConnectionError::new(ConnectionErrorKind::OutboundLost));
        }
    }

    #[inline]
    fn begin_answer(
        &mut self,
        request: RequestId,
        message_type: MessageType,
        headers: &Headers,
    ) -> Result<ReplyWriter<'_>, ReplyError> {
        self.open_usual();
        let framing = self.dialect().ok_or(ReplyError::NotOpen)?.framing;
        let OpenRequest { asked, function, .. } = self.open.find(request).ok_or(ReplyError::NotOpen)?;
        let Asked { kind, protocol, form, sequence_id, envelope: Envelope { flags, transforms, .. } } = *asked;
        if kind == CallKind::Oneway {
            return Err(ReplyError::Oneway);
        }
        let start = self.outbound.end();
        let buffer = self.outbound.buffer();
        if let Some(http) = self.layer.http() {
            http.open(buffer, headers).map_err(ReplyError::Headers)?;
        }
        let message = buffer.len();
        open_message(buffer, framing, || HeaderFrame {
            flags,
            sequence_id: asked.envelope.sequence_id,
            protocol,
            transforms: &asked.envelope.transforms,
            headers,
            timeout: None,
        })
        .map_err(ReplyError::Headers)?;
        write_header(protocol, form, &MessageHeader { name: function, message_type, sequence_id }, buffer);
        let body = self.outbound.end();
        let dialect = Dialect { protocol, framing };
        Ok(ReplyWriter {
            connection: self,
            request,
            dialect,
            transforms,
            start,
            message,
            body,
            loss: None,
            is_finished: false,
        })
    }

    /// Gives the reply that starts there in the outbound buffer the form in which it is carried.
    #[inline]
    pub(super) fn seal(&mut self, message: usize) -> Result<(), ReplyError> {
        self.layer.seal(self.outbound.buffer(), message).map_err(|kind| {
            self.failure = Some(ConnectionError::new(kind));
            self.outbound.clear();
            ReplyError::OutOfMemory
        })
    }

    /// Whether little enough is held that waits to be served.
    #[inline]
    fn has_room(&self) -> bool {
        let limit = self.config.max_inbound;
        match &self.layer {
            Layer::Http(http) => http.wants_read(limit),
            layer => self.inbound.len() < limit.max(self.needed()) && layer.waiting() < limit,
        }
    }

    /// How many requests may be open: HTTP answers them in their order.
    fn max_open(&self) -> usize {
        if self.layer.http().is_some() { self.config.max_open.min(1) } else { self.config.max_open }
    }

    #[inline]
    fn is_exhausted(&self) -> bool {
        self.inbound.is_exhausted() || self.layer.is_exhausted()
    }

    #[inline]
    fn needed(&self) -> usize {
        if let Some(handshake) = &self.handshake {
            return handshake.needed(self.inbound.unread());
        }
        self.cutter.as_ref().map_or(0, Cutter::needed)
    }

    /// How many received bytes no request was made of.
    fn unseen(&self) -> usize {
        if self.layer.http().is_some() {
            // The carrier knows which bodies were looked at.
            return 0;
        }
        let held = self.handed_out.zip(self.cutter.as_ref()).map_or(0, |(message, cutter)| cutter.held(message));
        self.inbound.len() - held
    }

    #[inline]
    pub(super) fn release(&mut self) {
        self.open_usual();
        if let (Some(message), Some(cutter)) = (self.handed_out.take(), &mut self.cutter) {
            cutter.release(&mut self.inbound, message);
            if self.layer.http().is_some() {
                self.inbound.consume(self.inbound.len());
                self.cutter = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CallError, ClientConfig, ClientConnection};
    use fastthrift_protocol::{Limits, Sink};

    #[test]
    fn a_call_of_what_the_schema_says_is_oneway_is_closed_without_a_byte() {
        let mut client = ClientConnection::new(ClientConfig::default());
        let mut server = ServerConnection::new(ServerConfig::default());
        for _ in 0..2 {
            let mut writer = client.begin_call("fire", CallKind::Call, None).unwrap();
            writer.buffer().push(0);
            writer.finish().unwrap();
        }
        server.receive(client.outbound());
        let first = server.poll_event().unwrap().unwrap();
        assert_eq!(server.poll_event(), Ok(None));
        assert_eq!(server.finish_unanswered(first.id), Ok(()));
        assert_eq!(server.finish_unanswered(first.id), Err(ReplyError::NotOpen));
        assert_eq!(server.outbound(), b"");
        let second = server.poll_event().unwrap().unwrap();
        assert_ne!(first.id, second.id);
    }
    #[test]
    fn a_connection_without_memory_to_receive_into_fails() {
        let mut client = ClientConnection::new(ClientConfig::default());
        let mut server = ServerConnection::new(ServerConfig::default());
        let mut writer = client.begin_call("fire", CallKind::Call, None).unwrap();
        writer.buffer().push(0);
        writer.finish().unwrap();
        server.receive(client.outbound());
        let request = server.poll_event().unwrap().unwrap();
        let room = server.receive_buffer(usize::MAX).len();
        server.received(room);
        assert!(!server.wants_read());
        assert_eq!(server.bytes(request.function), b"fire");
        for _ in 0..2 {
            assert_eq!(*server.poll_event().unwrap_err().kind(), ConnectionErrorKind::OutOfMemory);
        }
        assert!(server.is_finished());

        assert!(!client.receive_buffer(usize::MAX).is_empty());
        let error = client.poll_event(std::time::Duration::ZERO).unwrap_err();
        assert_eq!(*error.kind(), ConnectionErrorKind::OutOfMemory);
        assert_eq!(client.drain_failed().len(), 1);
    }

    #[test]
    fn a_reply_takes_no_memory_for_what_is_over_the_limit_and_the_request_stays_open() {
        let limits = Limits { message: 1000, ..Limits::DEFAULT };
        let mut client = ClientConnection::new(ClientConfig { limits, ..ClientConfig::default() });
        let mut server = ServerConnection::new(ServerConfig { limits, ..ServerConfig::default() });
        let mut call = client.begin_call("fetch", CallKind::Call, None).unwrap();
        call.sink().put([0]);
        call.finish().unwrap();
        let mut call = client.begin_call("fetch", CallKind::Call, None).unwrap();
        call.sink().put_slice(&[0; 2000]);
        assert_eq!(call.finish(), Err(CallError::TooLarge { size: 1001, limit: 1000 }));
        server.receive(client.outbound());
        let request = server.poll_event().unwrap().unwrap();
        let mut reply = server.begin_reply(request.id).unwrap();
        for _ in 0..1000 {
            reply.sink().put_slice(&[0; 100]);
        }
        assert!(reply.sink().has_lost());
        assert!(reply.buffer().capacity() < 1200);
        assert_eq!(reply.finish(), Err(ReplyError::TooLarge { size: 1001, limit: 1000 }));
        assert_eq!((server.open_requests(), server.outbound()), (1, &b""[..]));
        let mut reply = server.begin_reply(request.id).unwrap();
        let header = reply.body_start() - 4;
        reply.sink().put_slice(&vec![0; 1000 - header]);
        assert_eq!(reply.finish(), Ok(()));
        assert_eq!(server.outbound().len(), 1004);
    }
}
