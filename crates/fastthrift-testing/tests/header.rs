//! The Header transport: what each frame asks for is what its reply has, compressed or not, from any peer.

use std::time::Duration;

use fastthrift_protocol::{ApplicationExceptionKind, Limits, MessageHeader, MessageType, Protocol};
use fastthrift_rpc::{
    CallKind, ClientConfig, ClientConnection, ClientEvent, ConnectionErrorKind, Dialect, Framing, HeaderError,
    HeadersError, ReplyBody, ServerConfig, ServerConnection, Transform,
};
use fastthrift_testing::Pair;
use fastthrift_testing::connections::{CALLS, hear, serve};
use fastthrift_testing::conversation::wire::{self, HeaderFront};
use fastthrift_testing::conversation::{DIALECTS, Outcome, owned};
use fastthrift_testing::packing::deflated_to_the_end;

const BINARY: Dialect = Dialect { protocol: Protocol::Binary, framing: Framing::Header };
const ZLIB: u8 = 1;

/// A message as it stands in a frame.
fn message(protocol: Protocol, name: &str, message_type: MessageType, sequence_id: i32, text: &str) -> Vec<u8> {
    let dialect = Dialect { protocol, framing: Framing::Unframed };
    wire::text_message(dialect, name, message_type, sequence_id, text)
}

fn call(name: &str, sequence_id: i32, text: &str) -> Vec<u8> {
    message(Protocol::Binary, name, MessageType::Call, sequence_id, text)
}

fn zlib_frame(content: &[u8]) -> Vec<u8> {
    HeaderFront { transforms: &[ZLIB], ..HeaderFront::of(Protocol::Binary) }.frame(&deflated_to_the_end(content))
}

fn client(transforms: &[Transform]) -> ClientConnection {
    let transforms = transforms.to_vec();
    ClientConnection::new(ClientConfig { framing: Framing::Header, transforms, ..ClientConfig::default() })
}

fn begin_ping(client: &mut ClientConnection) -> Vec<u8> {
    let mut call = client.begin_call("ping", CallKind::Call, None).expect("the connection is good");
    call.buffer().push(0);
    call.finish().expect("the call is small");
    let sent = client.outbound().to_vec();
    client.advance_outbound(sent.len());
    sent
}

fn failure(client: &mut ClientConnection) -> ConnectionErrorKind {
    client.poll_event(Duration::ZERO).expect_err("the connection has to fail").kind().clone()
}

#[test]
fn each_frame_is_answered_as_it_asks() {
    // The frame's own sequence id may differ from its message's, as fbthrift's clients have it.
    let mut sent = Vec::new();
    for (protocol, flags, sequence_id) in [(Protocol::Binary, 0, 7), (Protocol::Compact, 9, -8), (Protocol::Json, 1, 9)]
    {
        let front = HeaderFront { flags, sequence_id, ..HeaderFront::of(protocol) };
        sent.extend(front.frame(&message(protocol, "ping", MessageType::Call, 0, "hello")));
    }
    let served = serve(ServerConfig::default(), sent.chunks(5));
    assert_eq!((served.requests.len(), served.failure), (3, None));
    let mut expected = Vec::new();
    for (protocol, flags, sequence_id) in [(Protocol::Binary, 0, 7), (Protocol::Compact, 9, -8), (Protocol::Json, 1, 9)]
    {
        let front = HeaderFront { flags, sequence_id, ..HeaderFront::of(protocol) };
        expected.extend(front.frame(&message(protocol, "ping", MessageType::Reply, 0, "hello")));
    }
    assert_eq!(served.outbound, expected);
}

#[test]
fn a_server_of_one_protocol_refuses_frames_of_others() {
    let config = ServerConfig { protocol: Some(Protocol::Compact), ..ServerConfig::default() };
    let compact = wire::header_frame(Protocol::Compact, 1, &message(Protocol::Compact, "a", MessageType::Call, 1, ""));
    let served = serve(config, [&compact[..], &wire::header_frame(Protocol::Binary, 2, &call("b", 2, ""))]);
    let error = served.failure.expect("Binary is not accepted");
    assert_eq!(error.to_string(), "expected header compact, the peer speaks header binary");
    assert_eq!(served.requests.len(), 1);
}

#[test]
fn what_is_unknown_is_answered_so_that_the_client_understands() {
    // The places of the protocol and of the only transform in a frame.
    for (place, number, kind) in
        [(14, 3, ApplicationExceptionKind::INVALID_PROTOCOL), (16, 7, ApplicationExceptionKind::INVALID_TRANSFORM)]
    {
        let mut client = client(&[Transform::Zlib]);
        let mut sent = begin_ping(&mut client);
        sent[place] = number;
        let served = serve(ServerConfig::default(), [&sent[..]]);
        assert!(served.failure.is_some_and(|failure| failure.is_answered()));
        client.receive(&served.outbound);
        let Ok(Some(ClientEvent::Reply { body: ReplyBody::Exception(exception), .. })) =
            client.poll_event(Duration::ZERO)
        else {
            panic!("the call is answered")
        };
        assert_eq!(exception.kind, kind);
        assert!(exception.message.contains(&format!("the number {number} is not known")), "{}", exception.message);
        assert!(client.is_idle());
    }
}

#[test]
fn an_answer_without_a_name_is_no_result_and_no_answer_elsewhere() {
    for (framing, message_type) in [(Framing::Header, MessageType::Reply), (Framing::Framed, MessageType::Exception)] {
        let mut client = ClientConnection::new(ClientConfig { framing, ..ClientConfig::default() });
        begin_ping(&mut client);
        let header = MessageHeader { name: b"", message_type, sequence_id: 1 };
        client.receive(&wire::message(Dialect { framing, ..BINARY }, &header, b"\0"));
        assert!(matches!(failure(&mut client), ConnectionErrorKind::WrongName { .. }));
    }
}

#[test]
fn a_client_takes_replies_in_its_own_dialect_alone() {
    let reply = message(Protocol::Binary, "ping", MessageType::Reply, 1, "");
    let compact = message(Protocol::Compact, "ping", MessageType::Reply, 1, "");
    let other = |protocol, framing| ConnectionErrorKind::OtherDialect {
        expected: BINARY,
        found: Dialect { protocol, framing },
    };
    for (bytes, expected) in [
        (wire::frame(&reply), other(Protocol::Binary, Framing::Framed)),
        (wire::frame(&compact), other(Protocol::Compact, Framing::Framed)),
        (wire::header_frame(Protocol::Compact, 1, &compact), other(Protocol::Compact, Framing::Header)),
        (wire::frame(b"anything"), ConnectionErrorKind::Header(HeaderError::NotHeader)),
        (reply, ConnectionErrorKind::FrameLength(i32::from_be_bytes([0x80, 1, 0, 2]))),
    ] {
        let mut client = client(&[]);
        begin_ping(&mut client);
        client.receive(&bytes);
        assert_eq!(failure(&mut client), expected);
        assert_eq!(client.drain_failed().len(), 1);
    }
}

#[test]
fn compressed_messages_are_the_same_at_every_split() {
    let frame = zlib_frame(&[call("one", 1, "a"), call("Svc:two", 2, "b"), b"\0 padding".to_vec()].concat());
    let bytes = [frame, wire::header_frame(Protocol::Binary, 3, &call("three", 3, "c"))].concat();
    let whole = serve(ServerConfig::default(), [&bytes[..]]);
    assert_eq!((whole.requests.len(), whole.failure.clone()), (3, None));
    assert_eq!(whole.requests[1].service.as_deref(), Some(&b"Svc"[..]));
    let replies = CALLS.into_iter().zip(1..);
    let reply = |(name, id)| message(Protocol::Binary, name, MessageType::Reply, id, "reply");
    let replies = zlib_frame(&replies.map(reply).collect::<Vec<_>>().concat());
    let heard = hear(BINARY, [&replies[..]]);
    assert!(heard.outcomes.iter().all(|outcome| matches!(outcome, Outcome::Reply { .. })));
    assert_eq!(heard.outcomes.len(), 3);
    for split in 1..bytes.len() {
        assert_eq!(serve(ServerConfig::default(), [&bytes[..split], &bytes[split..]]), whole);
        assert_eq!(serve(ServerConfig::default(), bytes.chunks(split)), whole);
        assert_eq!(hear(BINARY, replies.chunks(split)), heard);
    }
}

#[test]
fn a_body_stays_as_long_as_its_request_is_open_wherever_it_came_from() {
    let mut server = ServerConnection::new(ServerConfig::default());
    server.receive(&zlib_frame(&[call("one", 1, "first"), call("two", 2, "second")].concat()));
    server.receive(&wire::header_frame(Protocol::Binary, 3, &call("three", 3, "third")));
    for text in ["first", "second", "third"] {
        let request = server.poll_event().expect("the peer is good").expect("a request came");
        server.receive(&wire::header_frame(Protocol::Binary, 9, &call("later", 9, &"x".repeat(9000))));
        let body = server.bytes(request.body).to_vec();
        let (found, read) = wire::text(Protocol::Binary, &body).expect("the body is a struct");
        assert_eq!(found, text);
        server.body_read(read);
        assert_eq!(server.poll_event(), Ok(None), "a request is open");
        assert_eq!(server.bytes(request.body), body);
        owned::reply(&mut server, request.id, &body[..read]).expect("the request is open");
    }
}

#[test]
fn a_few_bytes_for_many_take_no_more_memory_than_a_message_may() {
    let limits = Limits { message: 256 << 10, ..Limits::DEFAULT };
    let bomb = zlib_frame(&vec![0; 16 << 20]);
    assert!(bomb.len() < limits.message, "the frame itself is allowed");
    let mut server = ServerConnection::new(ServerConfig { limits, ..ServerConfig::default() });
    server.receive(&bomb);
    let error = server.poll_event().expect_err("it is too large");
    let expected = HeaderError::TooLarge { transform: Transform::Zlib, limit: limits.message };
    assert_eq!(*error.kind(), ConnectionErrorKind::Header(expected));
    assert!(server.inbound_capacity() <= 3 * limits.message, "{}", server.inbound_capacity());
}

#[test]
fn header_bombs_are_refused() {
    let names = |count: u8| [&[1, count][..], &b"\x01n\x01v".repeat(usize::from(count))].concat();
    let thrice = [names(100), names(100), names(100)].concat();
    let front = HeaderFront { infos: &thrice, ..HeaderFront::of(Protocol::Binary) };
    let served = serve(ServerConfig::default(), [&front.frame(&call("ping", 1, ""))[..]]);
    let error = HeadersError::TooMany { count: 300, limit: 256 };
    let found = served.failure.map(|error| error.kind().clone());
    assert_eq!(found, Some(ConnectionErrorKind::Header(HeaderError::Headers(error))));
    let front = HeaderFront { transforms: &[ZLIB; 5], ..HeaderFront::of(Protocol::Binary) };
    let served = serve(ServerConfig::default(), [&front.frame(b"")[..]]);
    let found = served.failure.map(|error| error.kind().clone());
    assert_eq!(found, Some(ConnectionErrorKind::Header(HeaderError::TooManyTransforms)));
}

#[test]
fn a_compressed_reply_that_came_before_its_call_is_refused() {
    let mut client = client(&[Transform::Zlib]);
    client.receive(&zlib_frame(&message(Protocol::Binary, "ping", MessageType::Reply, 1, "forged")));
    begin_ping(&mut client);
    assert_eq!(failure(&mut client), ConnectionErrorKind::EarlyReply(1));
}

#[test]
fn headers_of_a_reply_come_with_it_whatever_was_dropped_before() {
    let config = ClientConfig { framing: Framing::Header, ..ClientConfig::default() };
    let mut pair = Pair::new(config, ServerConfig { max_open: 2, ..ServerConfig::default() });
    let cancelled = pair.call("ping", CallKind::Call, b"\0", None).expect("the call is small");
    let waiting = pair.call("ping", CallKind::Call, b"\0", None).expect("the call is small");
    assert!(pair.client.cancel(cancelled));
    for value in ["dropped", "kept"] {
        let request = pair.request().expect("the peer is good").expect("a request came");
        let headers = [("who", value)].into_iter().collect();
        owned::reply_with(&mut pair.server, request.id, b"\0", &headers).expect("the request is open");
    }
    let event = pair.event().expect("the peer is good");
    assert!(matches!(event, Some(ClientEvent::Reply { call, .. }) if call == waiting));
    assert_eq!(pair.client.reply_headers().find("who"), Some("kept"));
    assert!(pair.client.is_idle());
}

#[test]
fn a_request_of_another_framing_has_no_headers_to_carry() {
    for dialect in DIALECTS.into_iter().filter(|dialect| dialect.framing != Framing::Header) {
        let Dialect { protocol, framing } = dialect;
        let config = ClientConfig { protocol, framing, transforms: vec![Transform::Zlib], ..ClientConfig::default() };
        let plain = ClientConfig { protocol, framing, ..ClientConfig::default() };
        let mut sent = Vec::new();
        for (config, header) in [(config, "value"), (plain, "")] {
            let mut client = ClientConnection::new(config);
            assert!(!client.carries_headers());
            let headers = [("name", header)].into_iter().collect();
            let timeout = Some(Duration::from_secs(1));
            let options = fastthrift_rpc::CallOptions::new("ping", CallKind::Call);
            let call = client.begin(fastthrift_rpc::CallOptions { timeout, headers: &headers, ..options });
            let mut call = call.expect("the connection is good");
            call.buffer().extend(wire::empty_body(protocol));
            call.finish().expect("the call is small");
            sent.push(client.outbound().to_vec());
        }
        assert_eq!(sent[0], sent[1]);
    }
}
