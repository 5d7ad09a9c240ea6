//! Peers that mean harm: no panic, bounded memory, a typed end.

use std::time::Duration;

use fastthrift_protocol::{MessageHeader, MessageType, Protocol};
use fastthrift_rpc::{
    CallKind, ClientConnection, ConnectionErrorKind, Dialect, Fault, Framing, ServerConfig, ServerConnection,
};
use fastthrift_testing::connections::{client_connection, serve, server_connection};
use fastthrift_testing::conversation::{DIALECTS, wire};
use fastthrift_testing::{Pair, conversation};
use proptest::prelude::*;

const KIB: usize = 1 << 10;

fn call(dialect: Dialect, text: &str) -> Vec<u8> {
    let header = MessageHeader { name: b"echo", message_type: MessageType::Call, sequence_id: 7 };
    wire::message(dialect, &header, &wire::body(dialect.protocol, text))
}

#[test]
fn a_huge_announced_frame_takes_no_more_memory_than_what_came() {
    let mut server = ServerConnection::new(ServerConfig::default());
    server.receive(&(100_i32 << 20).to_be_bytes());
    server.receive(&call(DIALECTS[1], "starts like a message")[..]);
    for _ in 0..64 {
        assert!(server.receive_buffer(4 * KIB).len() <= 96 * KIB);
        server.received(KIB);
        assert_eq!(server.poll_event(), Ok(None));
        assert!(server.wants_read());
    }
    assert!(server.inbound_capacity() <= 3 * 64 * KIB, "{}", server.inbound_capacity());
    assert!(server.is_mid_message());
}

#[test]
fn a_huge_announced_string_takes_no_more_memory_than_what_came() {
    for (protocol, len) in [(Protocol::Binary, &b"\x05\xf5\xe0\xff"[..]), (Protocol::Compact, b"\xff\xc1\xd7\x2f")] {
        let dialect = Dialect { protocol, framing: Framing::Unframed };
        let message = call(dialect, "");
        // The message ends with the string's length and the end of the struct.
        let cut = message.len() - if protocol == Protocol::Binary { 5 } else { 2 };
        let mut server = ServerConnection::new(ServerConfig::default());
        server.receive(&message[..cut]);
        server.receive(len);
        for _ in 0..64 {
            server.receive(&[b'x'; KIB]);
            assert_eq!(server.poll_event(), Ok(None));
        }
        assert!(server.inbound_capacity() <= 3 * 64 * KIB, "{}", server.inbound_capacity());
    }
}

#[test]
fn a_frame_over_the_limit_is_refused_by_its_length_alone() {
    let served = serve(ServerConfig::default(), [&((100_i32 << 20) + 1).to_be_bytes()[..]]);
    let expected = ConnectionErrorKind::FrameTooLarge { size: (100 << 20) + 1, limit: 100 << 20 };
    assert_eq!(served.failure.map(|error| error.kind().clone()), Some(expected));
}

#[test]
fn other_protocols_are_named() {
    for (bytes, name) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], "HTTP"),
        (b"POST /rpc HTTP/1.1\r\n\r\n", "HTTP"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "TLS"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "a text protocol"),
    ] {
        let failure = serve(ServerConfig::default(), [bytes]).failure.expect("these are no Thrift messages");
        assert!(failure.to_string().ends_with(&format!(": the peer speaks {name}")), "{failure}");
        assert_eq!(failure.fault(), Fault::Peer);
    }
}

#[test]
fn a_call_nested_too_deep_without_a_frame_is_answered() {
    for protocol in Protocol::ALL {
        let dialect = Dialect { protocol: *protocol, framing: Framing::Unframed };
        let header = MessageHeader { name: b"Svc:deep", message_type: MessageType::Call, sequence_id: 9 };
        let open: &[u8] = match protocol {
            Protocol::Binary => &[12, 0, 1],
            Protocol::Compact => &[0x1c],
            Protocol::Json => br#"{"1":{"rec":"#,
            Protocol::SimpleJson => br#"{"a":[{"b":"#,
        };
        let bytes = wire::message(dialect, &header, &open.repeat(100));
        let served = serve(ServerConfig::default(), bytes.chunks(3));
        assert!(served.failure.is_some_and(|failure| failure.is_answered()));
        let (answer, _) = protocol
            .read_message_header(&served.outbound, fastthrift_protocol::Limits::DEFAULT)
            .expect("the answer is a message");
        assert_eq!((answer.name, answer.message_type, answer.sequence_id), (&b"deep"[..], MessageType::Exception, 9));
    }
}

#[test]
fn a_client_that_sends_without_reading_is_not_served_further() {
    let config = ServerConfig { max_outbound: 8 * KIB, max_inbound: 16 * KIB, ..ServerConfig::default() };
    for dialect in DIALECTS {
        let mut server = ServerConnection::new(config.clone());
        let message = call(dialect, &"x".repeat(KIB));
        let mut sent = 0;
        while server.wants_read() {
            server.receive(&message);
            sent += message.len();
            while let Ok(Some(request)) = server.poll_event() {
                let body = server.bytes(request.body).to_vec();
                conversation::owned::reply(&mut server, request.id, &body).expect("the request is open");
            }
            assert!(sent < KIB * KIB, "reading never pauses");
        }
        assert!(server.outbound().len() <= 10 * KIB, "{}", server.outbound().len());
        server.advance_outbound(server.outbound().len());
        assert!(server.poll_event().is_ok());
        assert!(server.wants_read());
    }
}

#[test]
fn requests_wait_while_one_is_open() {
    for dialect in DIALECTS {
        let mut server = ServerConnection::new(ServerConfig { max_inbound: 4 * KIB, ..ServerConfig::default() });
        server.receive(&call(dialect, "first"));
        let first = server.poll_event().expect("the peer is good").expect("a request came");
        while server.wants_read() {
            server.receive(&call(dialect, "next"));
            assert_eq!(server.poll_event(), Ok(None));
        }
        assert!(server.inbound_capacity() <= 16 * KIB);
        let body = server.bytes(first.body).to_vec();
        let text = wire::text(dialect.protocol, &body).expect("the body is a struct").0;
        assert_eq!(text, "first", "the body stays while its request is open");
        conversation::owned::reply(&mut server, first.id, &body).expect("the request is open");
        assert!(server.poll_event().expect("the peer is good").is_some());
    }
}

#[test]
fn a_reply_that_came_before_its_call_is_refused() {
    for dialect in DIALECTS {
        let Dialect { protocol, framing } = dialect;
        let config = fastthrift_rpc::ClientConfig { protocol, framing, ..Default::default() };
        let header = MessageHeader { name: b"echo", message_type: MessageType::Reply, sequence_id: 1 };
        let early = wire::message(dialect, &header, &wire::body(protocol, "forged"));
        // The forged reply is received, but not looked at, before the call that it guesses.
        let mut client = ClientConnection::new(config.clone());
        client.receive(&early);
        begin_echo(&mut client);
        client.advance_outbound(client.outbound().len());
        let error = client.poll_event(Duration::ZERO).expect_err("the reply is forged");
        assert_eq!(*error.kind(), ConnectionErrorKind::EarlyReply(1));
        // It is received after the call was written, but before any of it was sent.
        let mut client = ClientConnection::new(config);
        begin_echo(&mut client);
        client.receive(&early);
        let error = client.poll_event(Duration::ZERO).expect_err("the reply is forged");
        assert_eq!(*error.kind(), ConnectionErrorKind::EarlyReply(1));
        assert_eq!(client.drain_failed().len(), 1);
        assert_eq!(client.outbound(), b"", "nothing more is sent on a failed connection");
    }
}

fn begin_echo(client: &mut ClientConnection) {
    let mut call = client.begin_call("echo", CallKind::Call, None).expect("the connection is good");
    call.buffer().extend_from_slice(&wire::empty_body(Protocol::Binary));
    call.finish().expect("the call is small");
}

#[test]
fn an_abandoned_call_writer_leaves_no_trace() {
    let mut pair = Pair::default();
    let first =
        pair.call("ping", CallKind::Call, &wire::empty_body(Protocol::Binary), None).expect("the call is small");
    let outbound = pair.client.outbound().to_vec();
    let mut writer = pair.client.begin_call("broken", CallKind::Call, None).expect("the connection is good");
    writer.buffer().extend_from_slice(b"half an argument");
    drop(writer);
    assert_eq!(pair.client.outbound(), outbound);
    let second =
        pair.call("ping", CallKind::Call, &wire::empty_body(Protocol::Binary), None).expect("the connection is good");
    assert_eq!(second.sequence_id(), first.sequence_id() + 1);
    assert!(pair.echo() && pair.echo());
    assert!(matches!(pair.event(), Ok(Some(fastthrift_rpc::ClientEvent::Reply { call, .. })) if call == first));
    assert!(matches!(pair.event(), Ok(Some(fastthrift_rpc::ClientEvent::Reply { call, .. })) if call == second));
    assert_eq!(pair.event(), Ok(None));
    assert!(pair.client.is_idle());
}

#[test]
fn a_body_writer_that_eats_earlier_messages_ends_the_connection() {
    let mut pair = Pair::default();
    pair.call("ping", CallKind::Call, &wire::empty_body(Protocol::Binary), None).expect("the call is small");
    let mut writer = pair.client.begin_call("broken", CallKind::Call, None).expect("the connection is good");
    writer.buffer().clear();
    assert_eq!(writer.finish(), Err(fastthrift_rpc::CallError::BufferShrunk));
    assert_eq!(pair.client.failure().map(fastthrift_rpc::ConnectionError::fault), Some(Fault::Local));
    assert_eq!(pair.client.outbound(), b"");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn random_bytes_never_break_a_connection(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        server_connection(&bytes);
        client_connection(&bytes);
    }

    #[test]
    fn changed_messages_never_break_a_connection(
        dialect in 0..DIALECTS.len(),
        choice in any::<u8>(),
        texts in proptest::collection::vec("[a-z]{0,20}", 1..4),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let mut bytes = vec![choice & 0xf0 | u8::try_from(dialect).expect("there are twelve")];
        let dialect = DIALECTS[dialect];
        for (text, sequence_id) in texts.iter().zip(1..) {
            let name = fastthrift_testing::connections::CALLS[usize::try_from(sequence_id).expect("small") - 1];
            let message_type = if choice & 1 == 0 { MessageType::Call } else { MessageType::Reply };
            let header = MessageHeader { name: name.as_bytes(), message_type, sequence_id };
            bytes.extend(wire::message(dialect, &header, &wire::body(dialect.protocol, text)));
        }
        for (index, value) in changes {
            let index = index.index(bytes.len());
            if index > 0 {
                bytes[index] = value;
            }
        }
        server_connection(&bytes);
        client_connection(&bytes);
    }
}
