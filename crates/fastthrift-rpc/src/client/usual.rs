//! The reply that most replies are, which is known by its bytes before it is read.

use fastthrift_protocol::{BinaryReader, MessageType, Protocol};

use super::{CallId, ClientConnection};
use crate::cutter::HandedOut;
use crate::span::distance;
use crate::{Carrier, ClientConfig, Framing, Span};

/// Whether replies may be recognised on connections that are configured so.
pub(super) fn may_be_usual(config: &ClientConfig) -> bool {
    let is_direct = config.carrier == Carrier::Direct && config.sasl.is_none();
    is_direct && config.framing == Framing::Framed && config.protocol == Protocol::Binary
}

impl ClientConnection {
    /// The body of the reply to the only call in flight, if it came and nothing else did: what [`Self::poll_event`] would give, with less
    /// ado. `None` says nothing; then ask that.
    #[inline]
    pub fn usual_reply(&mut self, call: CallId) -> Option<Span> {
        if !self.may_be_usual || self.failure().is_some() || self.at_eof || self.handed_out.is_some() {
            return None;
        }
        let waiting = self.calls.only().filter(|waiting| waiting.call == call)?;
        let message = self.cutter.only_frame(&self.inbound)?;
        let name = &waiting.name[waiting.function..];
        let (sequence_id, body) = BinaryReader::expected_header(message, MessageType::Reply, name)?;
        let is_early = self.inbound.position() < waiting.received_before || self.outbound.sent() <= waiting.sent_from;
        if sequence_id != call.sequence_id() || is_early {
            return None;
        }
        let available = message.len() - body;
        self.cutter.enter_only_frame(&mut self.inbound);
        let span = Span::new(self.inbound.position() + distance(body), available);
        self.handed_out = Some(HandedOut { header: body, available, read: None });
        if let Some(name) = self.calls.remove_only() {
            self.reuse_name(name);
        }
        Some(span)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{CallKind, ClientEvent, ReplyBody};

    const REPLY: &[u8] = b"\0\0\0\x11\x80\x01\0\x02\0\0\0\x04ping\0\0\0\x01\0";

    /// A connection with one call, whose sequence id is 1, that was sent.
    fn asked(config: ClientConfig) -> (ClientConnection, CallId) {
        let mut connection = ClientConnection::new(config);
        let mut writer = connection.begin_call("ping", CallKind::Call, None).unwrap();
        writer.buffer().push(0);
        let call = writer.finish().unwrap();
        connection.advance_outbound(connection.outbound().len());
        (connection, call)
    }

    #[test]
    fn a_usual_reply_is_what_a_poll_would_give() {
        let (mut usual, call) = asked(ClientConfig::default());
        let (mut polled, _) = asked(ClientConfig::default());
        for connection in [&mut usual, &mut polled] {
            connection.receive(REPLY);
        }
        let body = usual.usual_reply(call).unwrap();
        let event = polled.poll_event(Duration::ZERO).unwrap();
        assert_eq!(event, Some(ClientEvent::Reply { call, body: ReplyBody::Result(body) }));
        assert_eq!((usual.bytes(body), usual.reply_len()), (&b"\0"[..], polled.reply_len()));
        assert_eq!(usual.usual_reply(call), None);
        usual.body_read(1);
        usual.reply_used();
        assert!(usual.is_idle() && usual.reply_len() == 0);
        assert_eq!(usual.poll_event(Duration::ZERO), Ok(None));
    }

    #[test]
    fn what_is_no_usual_reply_is_left_to_the_poll() {
        let changed = |place: usize, byte: u8| {
            let mut reply = REPLY.to_vec();
            reply[place] = byte;
            reply
        };
        let frames = [
            REPLY[..REPLY.len() - 1].to_vec(),
            [REPLY, REPLY].concat(),
            changed(3, 0x12),
            changed(7, 3),
            changed(11, 5),
            changed(12, b'k'),
            changed(19, 2),
            b"\0\0\0\0".to_vec(),
            Vec::new(),
        ];
        for frame in frames {
            let (mut connection, call) = asked(ClientConfig::default());
            connection.receive(&frame);
            assert_eq!(connection.usual_reply(call), None, "{frame:?}");
            assert!(connection.waiting() == 1 && connection.inbound.len() == frame.len());
        }
        for config in [
            ClientConfig { framing: Framing::Unframed, ..ClientConfig::default() },
            ClientConfig { protocol: Protocol::Compact, ..ClientConfig::default() },
            ClientConfig { carrier: Carrier::Zlib, ..ClientConfig::default() },
        ] {
            let (mut connection, call) = asked(config);
            connection.receive(REPLY);
            assert_eq!(connection.usual_reply(call), None);
        }
    }

    #[test]
    fn no_reply_is_usual_for_a_call_that_is_not_the_only_one_or_was_given_up() {
        let (mut connection, call) = asked(ClientConfig::default());
        let mut writer = connection.begin_call("ping", CallKind::Call, None).unwrap();
        writer.buffer().push(0);
        let second = writer.finish().unwrap();
        connection.advance_outbound(connection.outbound().len());
        connection.receive(REPLY);
        assert_eq!((connection.usual_reply(call), connection.usual_reply(second)), (None, None));

        let (mut connection, call) = asked(ClientConfig::default());
        connection.cancel(call);
        connection.receive(REPLY);
        assert_eq!(connection.usual_reply(call), None);
        assert_eq!(connection.poll_event(Duration::ZERO), Ok(None));
    }

    #[test]
    fn a_reply_that_came_before_its_call_was_sent_is_left_to_the_poll() {
        let mut connection = ClientConnection::new(ClientConfig::default());
        let mut writer = connection.begin_call("ping", CallKind::Call, None).unwrap();
        writer.buffer().push(0);
        let call = writer.finish().unwrap();
        connection.receive(REPLY);
        assert_eq!(connection.usual_reply(call), None);
        assert!(connection.poll_event(Duration::ZERO).is_err());

        let mut connection = ClientConnection::new(ClientConfig::default());
        connection.receive(REPLY);
        let mut writer = connection.begin_call("ping", CallKind::Call, None).unwrap();
        writer.buffer().push(0);
        let call = writer.finish().unwrap();
        connection.advance_outbound(connection.outbound().len());
        assert_eq!(connection.usual_reply(call), None);
        assert!(connection.poll_event(Duration::ZERO).is_err());
    }
}
