//! The request that most requests are, which is known by its bytes before it is read: a call of the function that was called last.

use fastthrift_protocol::{BinaryReader, MessageType, Protocol};

use super::open_requests::Asked;
use super::{Request, RequestId, ServerConnection};
use crate::carrier::Layer;
use crate::codec::HeaderForm;
use crate::cutter::{Cutter, HandedOut};
use crate::framing::FRAME_HEADER;
use crate::header::Envelope;
use crate::span::distance;
use crate::{CallKind, Dialect, Framing, Span};

const USUAL: Dialect = Dialect { protocol: Protocol::Binary, framing: Framing::Framed };
/// Where the name stands in such a message.
const NAME: usize = 8;
/// What a reply in it starts with, and how long that is.
const VERSION: usize = 4;
const REPLY: [u8; VERSION] = [0x80, 0x01, 0, 2];

/// A usual request whose bytes are still there, and which is not yet among the open ones: mostly it is answered before anything else
/// happens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usual {
    id: RequestId,
    sequence_id: i32,
}

impl ServerConnection {
    /// The next request, if it calls the function that was called last and nothing else was received: what [`Self::poll_event`] would
    /// give, with less ado. `None` says nothing; then ask that.
    #[inline]
    pub fn usual_request(&mut self) -> Option<Request> {
        let cutter = self.usual_cutter()?;
        let is_free = self.open.len() == 0 && self.config.max_open > 0 && self.outbound.pending().is_empty();
        if self.handed_out.is_some() || self.handshake.is_some() || !is_free {
            return None;
        }
        let message = cutter.only_frame(&self.inbound)?;
        let name = self.open.last_name()?;
        let name_len = name.len();
        let (sequence_id, header) = BinaryReader::expected_header(message, MessageType::Call, name)?;
        let available = message.len() - header;
        if let Some(cutter) = &mut self.cutter {
            cutter.enter_only_frame(&mut self.inbound);
        }
        let (kind, protocol, id) = (CallKind::Call, USUAL.protocol, self.open.next_id());
        self.handed_out = Some(HandedOut { header, available, read: None });
        self.usual = Some(Usual { id, sequence_id });
        let span = |start, len| Span::new(self.inbound.position() + distance(start), len);
        let (function, body) = (span(NAME, name_len), span(header, available));
        Some(Request { id, kind, protocol, service: None, function, body, timeout: None })
    }

    /// Answers the [usual request](Self::usual_request) that was handed out last with its result, of which this is the struct: as
    /// [`Self::begin_reply`] would, with less ado. False says nothing; then ask that.
    #[inline]
    pub fn reply_usual(&mut self, request: RequestId, body: &[u8]) -> bool {
        let is_usual = self.usual.is_some_and(|usual| usual.id == request);
        let Some(asked) = self.handed_out.filter(|_| is_usual) else { return false };
        // A reply repeats all of its request's header but for the type.
        let repeated = self.inbound.unread().get(VERSION..asked.header);
        let len = asked.header.saturating_add(body.len());
        let (Some(repeated), Ok(length)) = (repeated, i32::try_from(len)) else { return false };
        let buffer = self.outbound.buffer();
        if len > self.config.limits.message || buffer.try_reserve(FRAME_HEADER + len).is_err() {
            return false;
        }
        buffer.extend_from_slice(&length.to_be_bytes());
        buffer.extend_from_slice(&REPLY);
        buffer.extend_from_slice(repeated);
        buffer.extend_from_slice(body);
        self.usual = None;
        true
    }

    /// Puts the usual request among the open ones, if it was handed out and not answered.
    #[inline]
    pub(super) fn open_usual(&mut self) {
        if let Some(usual) = self.usual.take() {
            self.open_late(usual);
        }
    }

    fn open_late(&mut self, Usual { id, sequence_id }: Usual) {
        let (kind, protocol, form) = (CallKind::Call, USUAL.protocol, HeaderForm::Strict);
        self.open.open_again(id, Asked { kind, protocol, form, sequence_id, envelope: Envelope::default() });
    }

    /// Whether nothing was received beyond the last request, whose [body was read](Self::body_read) and which nobody looks at again: it is
    /// let go of, and [`Self::poll_event`] has nothing to say until more is received. False says nothing.
    #[inline]
    pub fn has_no_more(&mut self) -> bool {
        let Some(request) = self.handed_out.filter(|request| request.read == Some(request.available)) else {
            return false;
        };
        let is_all = self.usual_cutter().is_some() && self.inbound.len() == request.header + request.available;
        if is_all {
            self.release();
        }
        is_all
    }

    #[inline]
    fn usual_cutter(&self) -> Option<&Cutter> {
        let is_direct = matches!(self.layer, Layer::Direct) && self.failure().is_none();
        self.cutter.as_ref().filter(|cutter| is_direct && cutter.dialect() == USUAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ServerConfig;

    const CALL: &[u8] = b"\0\0\0\x11\x80\x01\0\x01\0\0\0\x04ping\0\0\0\x07\0";

    fn answer(server: &mut ServerConnection, request: RequestId) -> Vec<u8> {
        server.body_read(1);
        let mut reply = server.begin_reply(request).unwrap();
        reply.buffer().push(0);
        reply.finish().unwrap();
        let sent = server.outbound().to_vec();
        server.advance_outbound(sent.len());
        sent
    }

    /// A connection that answered a call of `ping`.
    fn answered() -> ServerConnection {
        let mut server = ServerConnection::new(ServerConfig::default());
        server.receive(CALL);
        assert_eq!(server.usual_request(), None);
        let request = server.poll_event().unwrap().unwrap();
        assert!(!server.has_no_more());
        answer(&mut server, request.id);
        assert!(server.has_no_more() && !server.has_no_more());
        assert_eq!(server.poll_event(), Ok(None));
        server
    }

    #[test]
    fn a_usual_request_is_what_a_poll_would_give() {
        let (mut usual, mut polled) = (answered(), answered());
        for server in [&mut usual, &mut polled] {
            server.receive(CALL);
        }
        let request = usual.usual_request().unwrap();
        assert_eq!(polled.poll_event(), Ok(Some(request)));
        assert_eq!((usual.bytes(request.function), usual.bytes(request.body)), (&b"ping"[..], &b"\0"[..]));
        assert_eq!((usual.usual_request(), usual.open_requests()), (None, 1));
        let reply = answer(&mut usual, request.id);
        assert_eq!(reply, answer(&mut polled, request.id));
        assert!(usual.has_no_more() && !usual.is_mid_message());
    }

    #[test]
    fn a_usual_reply_is_what_a_writer_would_write_and_is_given_once() {
        for (body, limit) in [(&b"\0"[..], None), (b"\x08\0\0\0\0\0\x09\0", None), (b"\0", Some(17)), (b"", Some(16))] {
            let (mut usual, mut written) = (answered(), answered());
            let mut requests = [&mut usual, &mut written].map(|server| {
                server.receive(CALL);
                server.usual_request().unwrap().id
            });
            let limit = limit.unwrap_or(usual.config.limits.message);
            usual.config.limits.message = limit;
            let [request, other] = &mut requests;
            let is_usual = usual.reply_usual(*request, body);
            assert_eq!(is_usual, 16 + body.len() <= limit);
            let mut reply = written.begin_reply(*other).unwrap();
            reply.buffer().extend_from_slice(body);
            reply.finish().unwrap();
            assert_eq!(usual.outbound(), if is_usual { written.outbound() } else { b"" });
            assert_eq!(usual.open_requests(), usize::from(!is_usual));
            assert!(!is_usual || !usual.reply_usual(*request, body));
        }
    }

    #[test]
    fn a_request_whose_bytes_were_let_go_or_that_is_not_alone_gets_no_usual_reply() {
        let mut server = answered();
        server.config.max_open = 2;
        server.receive(CALL);
        let first = server.usual_request().unwrap();
        server.receive(CALL);
        let second = server.poll_event().unwrap().unwrap();
        for request in [first.id, second.id] {
            assert!(!server.reply_usual(request, b"\0"));
        }
        assert_eq!((server.open_requests(), server.outbound()), (2, &b""[..]));
        let mut polled = answered();
        polled.receive(CALL);
        let request = polled.poll_event().unwrap().unwrap();
        assert!(!polled.reply_usual(request.id, b"\0"));
    }

    #[test]
    fn what_is_no_usual_request_is_left_to_the_poll() {
        let changed = |place: usize, byte: u8| {
            let mut call = CALL.to_vec();
            call[place] = byte;
            call
        };
        for frame in [
            CALL[..CALL.len() - 1].to_vec(),
            [CALL, CALL].concat(),
            changed(7, 4),
            changed(11, 5),
            changed(12, b'k'),
            changed(14, b':'),
            Vec::new(),
        ] {
            let mut server = answered();
            server.receive(&frame);
            assert_eq!(server.usual_request(), None, "{frame:?}");
            assert_eq!((server.open_requests(), server.inbound.len()), (0, frame.len()));
        }
    }

    #[test]
    fn a_request_behind_another_is_seen() {
        let mut server = answered();
        server.receive(&[CALL, CALL].concat());
        let first = server.poll_event().unwrap().unwrap();
        assert_eq!(server.usual_request(), None);
        answer(&mut server, first.id);
        assert!(!server.has_no_more());
        let second = server.usual_request().or_else(|| server.poll_event().unwrap()).unwrap();
        answer(&mut server, second.id);
        assert!(server.has_no_more());
    }
}
