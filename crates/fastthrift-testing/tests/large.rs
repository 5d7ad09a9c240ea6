//! Bodies that are handed over instead of being copied.
#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::time::Duration;

use fastthrift_protocol::{
    BinaryWriter, CompactWriter, FieldHeader, JsonWriter, Limits, OutputProtocol, Protocol, TType,
};
use fastthrift_rpc::{
    CallKind, CallOptions, Carrier, ClientConfig, ClientConnection, ClientEvent, ConnectionErrorKind, Framing,
    ReplyBody, ServerConfig, ServerConnection, Transform,
};

const LARGE: usize = 300_000;

/// A struct that holds a text of this length, and as many small ones.
fn body(protocol: Protocol, len: usize, small: i16) -> Vec<u8> {
    fn write(mut out: impl OutputProtocol, len: usize, small: i16) {
        let text: Vec<u8> = (b'a'..=b'z').cycle().take(len).collect();
        let scope = out.begin_struct();
        out.write_field(FieldHeader { ttype: TType::String, id: 1 });
        out.write_text(&text);
        for id in 2..small + 2 {
            out.write_field(FieldHeader { ttype: TType::String, id });
            out.write_text(b"small");
        }
        out.end_struct(scope);
    }
    let mut out = Vec::new();
    match protocol {
        Protocol::Binary => write(BinaryWriter::new(&mut out), len, small),
        Protocol::Compact => write(CompactWriter::new(&mut out), len, small),
        Protocol::Json | Protocol::SimpleJson => write(JsonWriter::new(&mut out), len, small),
    }
    out
}

fn client(protocol: Protocol, framing: Framing, carrier: Carrier) -> ClientConnection {
    ClientConnection::new(ClientConfig { protocol, framing, carrier, ..ClientConfig::default() })
}

fn call(client: &mut ClientConnection, function: &str, body: &[u8]) -> Vec<u8> {
    let mut writer = client.begin(CallOptions::new(function, CallKind::Call)).unwrap();
    writer.buffer().extend_from_slice(body);
    writer.finish().unwrap();
    let sent = client.outbound().to_vec();
    client.advance_outbound(sent.len());
    sent
}

/// What a request is, and where its body was before it was handed over, if it was.
fn served(server: &mut ServerConnection) -> Option<(String, Vec<u8>, bool)> {
    let request = server.poll_event().unwrap()?;
    let name = String::from_utf8(server.bytes(request.function).to_vec()).unwrap();
    let (place, copy) = (server.bytes(request.body).as_ptr(), server.bytes(request.body).to_vec());
    let taken = server.take_body(request.body);
    let is_taken = taken.is_some();
    if let Some((memory, start)) = taken {
        assert!(std::ptr::eq(memory[start..].as_ptr(), place), "it is no copy");
        assert_eq!(memory[start..], copy);
        assert_eq!(server.take_body(request.body), None);
    }
    let mut reply = server.begin_reply(request.id).unwrap();
    reply.buffer().extend_from_slice(&copy);
    reply.finish().unwrap();
    Some((name, copy, is_taken))
}

/// The next reply's body, and whether it was handed over.
fn answered(client: &mut ClientConnection) -> Option<(Vec<u8>, bool)> {
    let event = client.poll_event(Duration::ZERO).unwrap()?;
    let ClientEvent::Reply { body: ReplyBody::Result(span), .. } = event else { panic!("{event:?}") };
    let copy = client.bytes(span).to_vec();
    let taken = client.take_body(span);
    let is_taken = taken.is_some();
    if let Some((memory, start)) = taken {
        assert_eq!(memory[start..], copy);
        assert_eq!((client.reply_len(), client.take_body(span)), (0, None));
    }
    Some((copy, is_taken))
}

#[test]
fn large_bodies_are_handed_over_and_small_ones_around_them_served_however_the_bytes_are_split() {
    for protocol in [Protocol::Binary, Protocol::Compact, Protocol::Json] {
        for (framing, carrier) in [
            (Framing::Framed, Carrier::Direct),
            (Framing::Unframed, Carrier::Direct),
            (Framing::Header, Carrier::Direct),
            (Framing::Framed, Carrier::Zlib),
            (Framing::Unframed, Carrier::Http),
        ] {
            for step in [1777, 65_537, usize::MAX] {
                let mut client = client(protocol, framing, carrier);
                let carrier_there = Some(carrier).filter(|carrier| *carrier == Carrier::Http);
                let mut server =
                    ServerConnection::new(ServerConfig { carrier: carrier_there, ..ServerConfig::default() });
                let bodies = [5, LARGE, 70_000, 5, LARGE, LARGE].map(|len| body(protocol, len, 2));
                for round in bodies.chunks(if carrier == Carrier::Http { 1 } else { 3 }) {
                    let sent: Vec<u8> = round.iter().flat_map(|body| call(&mut client, "echo", body)).collect();
                    let mut came = Vec::new();
                    for part in sent.chunks(step.min(sent.len())) {
                        server.receive(part);
                        came.extend(std::iter::from_fn(|| served(&mut server)));
                    }
                    let sent = server.outbound().to_vec();
                    server.advance_outbound(sent.len());
                    came.extend(std::iter::from_fn(|| served(&mut server)));
                    let more = server.outbound().to_vec();
                    server.advance_outbound(more.len());
                    let mut replies = Vec::new();
                    for part in [sent, more].concat().chunks(step.min(LARGE)) {
                        client.receive(part);
                        replies.extend(std::iter::from_fn(|| answered(&mut client)));
                    }
                    let is_measured = protocol != Protocol::Json || framing == Framing::Unframed;
                    for (index, expected) in round.iter().enumerate() {
                        let (name, body, is_taken) = &came[index];
                        assert!(name == "echo" && body == expected && replies[index].0 == *expected);
                        let is_alone = step < LARGE && expected.len() > LARGE;
                        if expected.len() < 1000 || !is_measured {
                            assert!(!is_taken && !replies[index].1);
                        } else if is_alone {
                            assert!(
                                (*is_taken || carrier == Carrier::Http) && replies[index].1,
                                "{protocol} {framing} {carrier} {step}"
                            );
                        }
                    }
                    assert_eq!((came.len(), replies.len()), (round.len(), round.len()));
                }
                assert!(client.is_idle() && server.open_requests() == 0 && !server.is_mid_message());
            }
        }
    }
}

#[test]
fn what_a_transformed_frame_holds_is_handed_over() {
    let config =
        ClientConfig { framing: Framing::Header, transforms: vec![Transform::Zlib], ..ClientConfig::default() };
    let mut client = ClientConnection::new(config);
    let mut server = ServerConnection::new(ServerConfig::default());
    let large = body(Protocol::Binary, LARGE, 2);
    for expected in [&large, &body(Protocol::Binary, 5, 1), &large] {
        server.receive(&call(&mut client, "echo", expected));
        let (_, came, is_taken) = served(&mut server).unwrap();
        assert_eq!((&came, is_taken), (expected, expected.len() > LARGE));
        client.receive(server.outbound());
        server.advance_outbound(server.outbound().len());
        assert_eq!(answered(&mut client), Some((came, is_taken)));
    }
}

#[test]
fn a_large_body_of_many_values_or_with_a_message_behind_it_in_its_frame_is_copied() {
    let mut client = client(Protocol::Binary, Framing::Framed, Carrier::Direct);
    let mut server = ServerConnection::new(ServerConfig { max_open: 2, ..ServerConfig::default() });
    let many = body(Protocol::Binary, LARGE, 1000);
    server.receive(&call(&mut client, "many", &many));
    assert_eq!(served(&mut server), Some(("many".to_owned(), many, false)));

    let large = body(Protocol::Binary, LARGE, 0);
    let first = call(&mut client, "first", &large);
    let second = call(&mut client, "second", b"\0");
    let messages = [&first[4..], &second[4..]].concat();
    server.receive(&u32::try_from(messages.len()).unwrap().to_be_bytes());
    server.receive(&messages);
    let request = server.poll_event().unwrap().unwrap();
    assert_eq!(server.take_body(request.body), None);
    assert!(server.bytes(request.body).starts_with(&large));
    assert_eq!(server.bytes(request.function), b"first");
    server.body_read(large.len());
    assert_eq!(served(&mut server), Some(("second".to_owned(), b"\0".to_vec(), false)));
}

#[test]
fn what_is_announced_takes_no_memory_before_it_comes() {
    let mut server = ServerConnection::new(ServerConfig::default());
    server.receive(&(100_u32 << 20).to_be_bytes());
    server.receive(b"\x80\x01\0\x01\0\0\0\x04");
    for received in [12, 100_012, 200_012] {
        assert_eq!(server.poll_event(), Ok(None));
        assert!(server.wants_read() && !server.receive_buffer(1).is_empty());
        assert!(server.inbound_capacity() <= 2 * received + (8 << 10), "{}", server.inbound_capacity());
        server.receive(&vec![b'x'; 100_000]);
    }
    let limits = Limits { message: LARGE, ..Limits::DEFAULT };
    let mut server = ServerConnection::new(ServerConfig { limits, ..ServerConfig::default() });
    server.receive(&u32::try_from(LARGE + 1).unwrap().to_be_bytes());
    server.receive(b"\x80\x01\0\x01");
    let error = server.poll_event().unwrap_err();
    assert_eq!(*error.kind(), ConnectionErrorKind::FrameTooLarge { size: LARGE + 1, limit: LARGE });
}

#[test]
fn a_large_reply_is_received_beside_calls_that_are_made_meanwhile() {
    for framing in [Framing::Framed, Framing::Unframed, Framing::Header] {
        for step in [1, 777, 16_384, 1 << 20] {
            let mut client = client(Protocol::Binary, framing, Carrier::Direct);
            let mut server = ServerConnection::new(ServerConfig::default());
            let large = body(Protocol::Binary, LARGE, 2);
            server.receive(&call(&mut client, "large", &large));
            served(&mut server).unwrap();
            let reply = server.outbound().to_vec();
            server.advance_outbound(reply.len());
            assert!(client.begin_large().is_none());
            let (first, mut rest) = reply.split_at(1000);
            client.receive(first);
            assert_eq!(client.poll_event(Duration::ZERO), Ok(None));
            let mut message = client.begin_large().unwrap();
            while !message.is_over() {
                let room = message.receive_buffer();
                assert!(room.len() <= rest.len(), "no more is received than belongs to it");
                let count = room.len().min(step);
                room[..count].copy_from_slice(&rest[..count]);
                rest = &rest[count..];
                message.received(count);
                assert_eq!(client.poll_event(Duration::ZERO), Ok(None));
            }
            server.receive(&call(&mut client, "small", b"\0"));
            client.end_large(message);
            client.receive(rest);
            let (came, is_taken) = answered(&mut client).unwrap();
            assert!(came == large && is_taken, "{framing} {step} {is_taken}");
            served(&mut server).unwrap();
            client.receive(server.outbound());
            assert_eq!(answered(&mut client), Some((b"\0".to_vec(), false)));
            assert!(client.poll_event(Duration::ZERO) == Ok(None) && client.is_idle());
        }
    }
}

#[test]
fn a_large_reply_that_is_cut_off_ends_its_connection_with_that() {
    let mut client = client(Protocol::Binary, Framing::Framed, Carrier::Direct);
    call(&mut client, "large", b"\0");
    client.receive(&(100_u32 << 20).to_be_bytes());
    client.receive(b"\x80\x01\0\x02\0\0\0\x05large");
    assert_eq!(client.poll_event(Duration::ZERO), Ok(None));
    let mut message = client.begin_large().unwrap();
    assert!(message.receive_buffer().len() <= 64 << 10);
    message.receive_buffer()[..100].fill(0);
    message.received(100);
    client.end_large(message);
    assert_eq!(client.poll_event(Duration::ZERO), Ok(None));
    client.receive_eof();
    let error = client.poll_event(Duration::ZERO).unwrap_err();
    assert_eq!(*error.kind(), ConnectionErrorKind::CutOff { received: 117 });
}
