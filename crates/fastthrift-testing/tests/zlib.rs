//! Messages in compressed streams: the same as without, for any split and flush, and in bounded memory.

use std::time::Duration;

use fastthrift_protocol::{MessageHeader, MessageType, Protocol};
use fastthrift_rpc::{
    CallKind, Carrier, ClientConfig, ClientConnection, ConnectionErrorKind, Dialect, Fault, Framing, ServerConfig,
    ServerConnection,
};
use fastthrift_testing::connections::{CALLS, hear, hear_as, serve};
use fastthrift_testing::conversation::{DIALECTS, owned, wire};
use fastthrift_testing::packing::{deflated, deflated_to_the_end};
use flate2::FlushCompress;

const KIB: usize = 1 << 10;
const UNFRAMED: Dialect = Dialect { protocol: Protocol::Binary, framing: Framing::Unframed };

fn messages(dialect: Dialect, message_type: MessageType) -> Vec<Vec<u8>> {
    let message = |(name, sequence_id)| {
        let text = format!("text {sequence_id} of {name}");
        wire::text_message(dialect, name, message_type, sequence_id, &text)
    };
    CALLS.into_iter().zip(1..).map(message).collect()
}

fn client(dialect: Dialect) -> ClientConfig {
    let Dialect { protocol, framing } = dialect;
    ClientConfig { protocol, framing, carrier: Carrier::Zlib, ..ClientConfig::default() }
}

#[test]
fn requests_and_replies_are_those_of_a_plain_connection_at_every_split() {
    for dialect in DIALECTS {
        let requests = messages(dialect, MessageType::Call);
        let replies = messages(dialect, MessageType::Reply);
        let plain = serve(ServerConfig::default(), [&requests.concat()[..]]);
        let heard = hear(dialect, [&replies.concat()[..]]);
        for flush in [FlushCompress::Sync, FlushCompress::Full] {
            let sent = deflated(requests.iter().map(Vec::as_slice), flush);
            let answered = deflated(replies.iter().map(Vec::as_slice), flush);
            for split in 1..sent.len() {
                let served = serve(ServerConfig::default(), sent.chunks(split));
                assert_eq!((&served.requests, served.failure), (&plain.requests, None));
            }
            for split in 1..answered.len() {
                assert_eq!(hear_as(client(dialect), answered.chunks(split)), heard);
            }
        }
    }
}

#[test]
fn a_peer_that_finishes_its_stream_is_served_and_has_ended() {
    let requests = messages(UNFRAMED, MessageType::Call).concat();
    let served = serve(ServerConfig::default(), [&deflated_to_the_end(&requests)[..]]);
    assert_eq!((served.requests.len(), served.failure), (CALLS.len(), None));
    let mut connection = ServerConnection::new(ServerConfig::default());
    connection.receive(&deflated_to_the_end(&requests));
    while let Some(request) = connection.poll_event().expect("the peer is good") {
        let body = connection.bytes(request.body).to_vec();
        owned::reply(&mut connection, request.id, &body).expect("the request is open");
    }
    assert!(!connection.wants_read() && !connection.is_finished(), "the replies are not sent");
    connection.advance_outbound(connection.outbound().len());
    assert!(connection.is_finished(), "without an end of the connection itself");
    let replies = messages(UNFRAMED, MessageType::Reply).concat();
    let heard = hear_as(client(UNFRAMED), [&deflated_to_the_end(&replies)[..]]);
    assert_eq!(heard.outcomes.len(), CALLS.len());
    assert_eq!(*heard.failure.kind(), ConnectionErrorKind::Closed { waiting: 0 });
}

#[test]
fn a_few_bytes_for_many_take_no_more_memory_than_a_message_may() {
    let limits = fastthrift_protocol::Limits { message: 256 * KIB, ..fastthrift_protocol::Limits::DEFAULT };
    let header = MessageHeader { name: b"echo", message_type: MessageType::Call, sequence_id: 7 };
    // A string that announces 100 MiB and has them, all the same.
    let mut message = wire::message(UNFRAMED, &header, b"\x0b\0\x01\x06\x40\0\0");
    message.extend(vec![b'x'; 100 << 20]);
    let bomb = deflated([&message[..]], FlushCompress::Sync);
    assert!(bomb.len() < 300 * KIB);
    let mut server = ServerConnection::new(ServerConfig { limits, ..ServerConfig::default() });
    let mut failure = None;
    for piece in bomb.chunks(16 * KIB) {
        server.receive(piece);
        failure = failure.or_else(|| server.poll_event().err());
        assert!(server.inbound_capacity() <= 2 * 256 * KIB + 64 * KIB, "{}", server.inbound_capacity());
    }
    assert_eq!(failure.expect("the message is over the limit").fault(), Fault::Peer);
}

#[test]
fn small_messages_packed_tightly_are_taken_out_one_by_one() {
    let message = wire::text_message(UNFRAMED, "echo", MessageType::Oneway, 1, &"x".repeat(KIB));
    // The last of them may not be there yet, as nothing is flushed.
    let bytes = deflated(std::iter::repeat_n(&message[..], 20_000), FlushCompress::None);
    assert!((16 * KIB..256 * KIB).contains(&bytes.len()), "{}", bytes.len());
    let mut server = ServerConnection::new(ServerConfig { max_inbound: 16 * KIB, ..ServerConfig::default() });
    server.receive(&bytes);
    assert!(!server.wants_read(), "as much as may wait does");
    let mut requests = 0;
    while let Some(request) = server.poll_event().expect("the peer is good") {
        server.finish_oneway(request.id).expect("the request is open");
        requests += 1;
        assert!(server.inbound_capacity() <= 4 * bytes.len() + 128 * KIB, "{}", server.inbound_capacity());
    }
    assert!(requests > 10_000, "{requests}");
    assert!(server.wants_read());
}

#[test]
fn flushes_without_a_message_are_read_without_end_and_without_memory() {
    let mut server = ServerConnection::new(ServerConfig::default());
    server.receive(b"\x78\x9c");
    for _ in 0..10_000 {
        assert!(server.wants_read());
        server.receive(&b"\0\0\0\xff\xff".repeat(10));
        assert_eq!(server.poll_event(), Ok(None));
    }
    assert!(server.inbound_capacity() <= 64 * KIB);
}

#[test]
fn a_broken_stream_is_named() {
    let served = serve(ServerConfig::default(), [&b"\x78\x9c\xff\xff\xff"[..]]);
    let failure = served.failure.expect("there is no such block");
    assert!(failure.to_string().starts_with("the compressed stream is broken after "), "{failure}");
    assert_eq!(failure.fault(), Fault::Peer);
    let fixed = ServerConfig { carrier: Some(Carrier::Zlib), ..ServerConfig::default() };
    let plain = messages(UNFRAMED, MessageType::Call).concat();
    assert!(serve(fixed, [&plain[..]]).failure.is_some(), "only compressed streams are accepted");
    let direct = ServerConfig { carrier: Some(Carrier::Direct), ..ServerConfig::default() };
    let packed = deflated([&plain[..]], FlushCompress::Sync);
    assert!(serve(direct, [&packed[..]]).failure.is_some(), "compressed streams are not accepted");
}

#[test]
fn a_reply_that_came_before_its_call_is_refused_even_if_it_was_not_unpacked() {
    let forged = messages(UNFRAMED, MessageType::Reply);
    let mut connection = ClientConnection::new(client(UNFRAMED));
    connection.receive(&deflated([&forged[0][..]], FlushCompress::Sync));
    assert!(!connection.is_idle());
    let mut call = connection.begin_call(CALLS[0], CallKind::Call, None).expect("the connection is good");
    call.buffer().extend_from_slice(&wire::empty_body(Protocol::Binary));
    call.finish().expect("the call is small");
    connection.advance_outbound(connection.outbound().len());
    let error = connection.poll_event(Duration::ZERO).expect_err("the reply is forged");
    assert_eq!(*error.kind(), ConnectionErrorKind::EarlyReply(1));
}

#[test]
fn what_no_call_asked_for_is_unpacked_within_the_limit_only() {
    let limits = fastthrift_protocol::Limits { message: 64 * KIB, ..fastthrift_protocol::Limits::DEFAULT };
    let mut connection = ClientConnection::new(ClientConfig { limits, ..client(UNFRAMED) });
    connection.receive(&deflated([&vec![0; 10 << 20][..]], FlushCompress::Sync));
    let error = connection.begin_call("ping", CallKind::Call, None).map(drop).expect_err("nothing was asked for");
    assert_eq!(
        error.to_string(),
        "the connection cannot be used any more: got more than 65536 bytes that no call asked for"
    );
    assert!(connection.is_failed() && connection.inbound_capacity() <= 512 * KIB);
}
