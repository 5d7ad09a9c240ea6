//! The same bytes in any pieces give the same events, and each part of them gives a clean end.

use fastthrift_protocol::{MessageHeader, MessageType};
use fastthrift_rpc::{ConnectionErrorKind, Dialect, Framing, ServerConfig};
use fastthrift_testing::connections::{CALLS, hear, serve};
use fastthrift_testing::conversation::{DIALECTS, Outcome, wire};

const REQUESTS: [(&str, MessageType); 4] = [
    ("ping", MessageType::Call),
    ("Log:write", MessageType::Oneway),
    ("Calculator:add", MessageType::Call),
    ("echo", MessageType::Call),
];

/// Messages, each with where it ends.
fn transcript<'a>(dialect: Dialect, names: impl IntoIterator<Item = (&'a str, MessageType)>) -> (Vec<u8>, Vec<usize>) {
    let (mut bytes, mut ends) = (Vec::new(), vec![0]);
    for ((name, message_type), sequence_id) in names.into_iter().zip(1..) {
        let header = MessageHeader { name: name.as_bytes(), message_type, sequence_id };
        let body = wire::body(dialect.protocol, &format!("text {sequence_id} for {name}"));
        bytes.extend(wire::message(dialect, &header, &body));
        ends.push(bytes.len());
    }
    (bytes, ends)
}

fn replies(dialect: Dialect) -> (Vec<u8>, Vec<usize>) {
    transcript(dialect, CALLS.map(|name| (name, MessageType::Reply)))
}

/// The dialect with frames, if it has none.
fn framed(dialect: Dialect) -> Dialect {
    let framing = if dialect.framing == Framing::Unframed { Framing::Framed } else { dialect.framing };
    Dialect { framing, ..dialect }
}

/// Messages in one frame.
fn frame(dialect: Dialect, messages: &[u8]) -> Vec<u8> {
    match dialect.framing {
        Framing::Header => wire::header_frame(dialect.protocol, 1, messages),
        Framing::Framed | Framing::Unframed => wire::frame(messages),
    }
}

#[test]
fn requests_are_the_same_at_every_split_in_two() {
    for dialect in DIALECTS {
        let (bytes, _) = transcript(dialect, REQUESTS);
        let whole = serve(ServerConfig::default(), [&bytes[..]]);
        assert_eq!((whole.requests.len(), whole.failure.clone()), (4, None));
        assert_eq!(whole.requests[1].service.as_deref(), Some(&b"Log"[..]));
        for split in 0..=bytes.len() {
            assert_eq!(serve(ServerConfig::default(), [&bytes[..split], &bytes[split..]]), whole);
        }
    }
}

#[test]
fn requests_are_the_same_in_pieces_of_every_size() {
    for dialect in DIALECTS {
        let (bytes, _) = transcript(dialect, REQUESTS);
        let whole = serve(ServerConfig::default(), [&bytes[..]]);
        for size in 1..bytes.len() {
            assert_eq!(serve(ServerConfig::default(), bytes.chunks(size)), whole);
        }
    }
}

#[test]
fn replies_are_the_same_at_every_split_and_size() {
    for dialect in DIALECTS {
        let (bytes, _) = replies(dialect);
        let whole = hear(dialect, [&bytes[..]]);
        assert_eq!((whole.outcomes.len(), whole.failed.len()), (3, 0));
        for split in 1..bytes.len() {
            assert_eq!(hear(dialect, [&bytes[..split], &bytes[split..]]), whole);
            assert_eq!(hear(dialect, bytes.chunks(split)), whole);
        }
    }
}

#[test]
fn each_prefix_of_requests_serves_what_is_whole_and_ends_cleanly() {
    for dialect in DIALECTS {
        let (bytes, ends) = transcript(dialect, REQUESTS);
        for len in 0..=bytes.len() {
            let served = serve(ServerConfig::default(), [&bytes[..len]]);
            let whole = ends.iter().filter(|end| **end <= len).count() - 1;
            assert_eq!(served.requests.len(), whole);
            let rest = len - ends[whole];
            let failure = served.failure.map(|error| error.kind().clone());
            assert_eq!(failure, (rest > 0).then_some(ConnectionErrorKind::CutOff { received: rest }));
        }
    }
}

#[test]
fn each_prefix_of_replies_answers_what_is_whole_and_fails_the_rest() {
    for dialect in DIALECTS {
        let (bytes, ends) = replies(dialect);
        for len in 0..=bytes.len() {
            let heard = hear(dialect, [&bytes[..len]]);
            let whole = ends.iter().filter(|end| **end <= len).count() - 1;
            assert_eq!((heard.outcomes.len(), heard.failed.len()), (whole, CALLS.len() - whole));
            let expected = match len - ends[whole] {
                0 => ConnectionErrorKind::Closed { waiting: CALLS.len() - whole },
                received => ConnectionErrorKind::CutOff { received },
            };
            assert_eq!(*heard.failure.kind(), expected);
        }
    }
}

#[test]
fn several_messages_in_one_frame_are_each_served() {
    for dialect in DIALECTS {
        let unframed = Dialect { framing: Framing::Unframed, ..dialect };
        let framed = framed(dialect);
        let (messages, _) = transcript(unframed, REQUESTS);
        let bytes = [frame(framed, &messages), transcript(framed, REQUESTS).0].concat();
        let served = serve(ServerConfig::default(), [&bytes[..]]);
        assert_eq!((served.requests.len(), served.failure), (8, None));
        let replies = frame(framed, &replies(unframed).0);
        let heard = hear(framed, replies.chunks(5));
        assert!(heard.outcomes.iter().all(|outcome| matches!(outcome, Outcome::Reply { .. })));
        assert_eq!(heard.outcomes.len(), 3);
    }
}

#[test]
fn bytes_after_the_message_in_a_frame_are_ignored() {
    for dialect in DIALECTS {
        let unframed = Dialect { framing: Framing::Unframed, ..dialect };
        let mut bytes = Vec::new();
        for request in REQUESTS {
            let (message, _) = transcript(unframed, [request]);
            bytes.extend(frame(framed(dialect), &[&message[..], b"\0\0 padding"].concat()));
        }
        let served = serve(ServerConfig::default(), [&bytes[..]]);
        assert_eq!((served.requests.len(), served.failure), (4, None));
    }
}

#[test]
fn old_binary_messages_are_answered_in_their_own_form() {
    // The length of the name, the name, the type, the sequence id -2, an empty struct.
    let call = b"\0\0\0\x08Svc:ping\x01\xff\xff\xff\xfe\0";
    let reply = b"\0\0\0\x04ping\x02\xff\xff\xff\xfe\0";
    let served = serve(ServerConfig::default(), call.chunks(1));
    assert_eq!((&served.outbound[..], served.failure), (&reply[..], None));
    let served = serve(ServerConfig::default(), [&wire::frame(call)[..]]);
    assert_eq!((served.outbound, served.failure), (wire::frame(reply), None));
}
