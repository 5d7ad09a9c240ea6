//! What has to hold of a connection whose messages are carried by something, for any bytes that a peer sends: checks for
//! property tests and fuzzing.

use std::time::Duration;

use fastthrift_rpc::{
    CallKind, Carrier, ClientConfig, ClientConnection, ConnectionError, ConnectionErrorKind, Dialect, Framing,
    SaslClient, SaslError, SaslServer, ServerConfig, ServerConnection,
};
use flate2::FlushCompress;

use crate::connections::{CALLS, LIMITS, hear_as, serve};
use crate::conversation::{DIALECTS, Outcome, owned, wire};
use crate::packing::deflated;

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Any bytes as what a client sends: however they are split, the server's side makes the same of them, in bounded memory.
pub fn carried_server(bytes: &[u8]) {
    let [choice, size, bytes @ ..] = bytes else { return };
    let config = |carrier| ServerConfig { limits: LIMITS, carrier: Some(carrier), ..ServerConfig::default() };
    let (config, bytes) = match choice % 5 {
        0 => (config(Carrier::Zlib), bytes.to_vec()),
        1 => (config(Carrier::Zlib), deflated(bytes.chunks(64), FlushCompress::Sync)),
        2 => (config(Carrier::Http), bytes.to_vec()),
        3 => (config(Carrier::Http), request(bytes)),
        _ => (config(Carrier::Http), chunked(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", bytes)),
    };
    let mut whole = serve(config.clone(), [&bytes[..]]);
    let mut pieces = serve(config, bytes.chunks(usize::from(*size) + 1));
    for served in [&mut whole, &mut pieces] {
        // Whether a client is told to go on depends on what it has sent by then.
        served.outbound = without(&served.outbound, CONTINUE);
    }
    assert_eq!(whole, pieces, "the way the bytes were split shows");
}

/// Any bytes as what a server sends: however they are split, the client's side makes the same of them, in bounded memory.
pub fn carried_client(bytes: &[u8]) {
    let [choice, size, bytes @ ..] = bytes else { return };
    let size = usize::from(*size) + 1;
    let Dialect { protocol, framing } = DIALECTS[usize::from(choice / 5) % DIALECTS.len()];
    let config = ClientConfig { protocol, framing, limits: LIMITS, carrier: Carrier::Zlib, ..ClientConfig::default() };
    let zlib = |bytes: &[u8]| {
        let (whole, pieces) = (hear_as(config.clone(), [bytes]), hear_as(config.clone(), bytes.chunks(size)));
        assert_eq!(whole, pieces, "the way the bytes were split shows");
    };
    let http = |bytes: &[u8]| {
        let dialect = Dialect { protocol, framing: Framing::Unframed };
        let (whole, pieces) = (respond(dialect, [bytes]), respond(dialect, bytes.chunks(size)));
        assert_eq!(whole, pieces, "the way the bytes were split shows");
    };
    match choice % 5 {
        0 => zlib(bytes),
        1 => zlib(&deflated(bytes.chunks(64), FlushCompress::Full)),
        2 => http(bytes),
        3 => http(&[b"HTTP/1.1 200 OK\r\n\r\n", bytes].concat()),
        _ => http(&chunked(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", bytes)),
    }
}

/// What a client's side makes of a response in these pieces, and of the end behind it.
fn respond<'a>(dialect: Dialect, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Outcome>, usize, ConnectionError) {
    let protocol = dialect.protocol;
    let config = ClientConfig { protocol, limits: LIMITS, carrier: Carrier::Http, ..ClientConfig::default() };
    let mut connection = ClientConnection::new(config);
    let mut call = connection.begin_call(CALLS[0], CallKind::Call, None).expect("the connection is new");
    call.buffer().extend_from_slice(&wire::empty_body(protocol));
    call.finish().expect("the call is small");
    connection.advance_outbound(connection.outbound().len());
    let mut outcomes = Vec::new();
    let mut received = 0;
    for piece in pieces {
        received += piece.len();
        connection.receive(piece);
        while let Ok(Some(event)) = connection.poll_event(Duration::ZERO) {
            outcomes.push(owned::outcome(&connection, event));
        }
        assert!(connection.inbound_capacity() <= 4 * received + (16 << 10), "{received} bytes came");
    }
    connection.receive_eof();
    while let Ok(Some(event)) = connection.poll_event(Duration::ZERO) {
        outcomes.push(owned::outcome(&connection, event));
    }
    let failure = connection.poll_event(Duration::ZERO).expect_err("the peer has ended");
    let failed = connection.drain_failed().len();
    assert_eq!(outcomes.len() + failed, 1, "a call ends once");
    (outcomes, failed, failure)
}

/// Any bytes as what peers say about who they are, and behind it: however they are split, each side comes to the same end, in
/// bounded memory, and serves nobody that it did not accept.
pub fn shaken_hands(bytes: &[u8]) {
    let [choice, size, bytes @ ..] = bytes else { return };
    let size = usize::from(*size) + 1;
    let server = |size| judge(bytes.chunks(size));
    assert_eq!(server(bytes.len().max(1)), server(size), "the way the bytes were split shows");
    let mechanism = if choice % 2 == 0 { "PLAIN" } else { "GSSAPI" };
    let client = |size| identify(mechanism, bytes.chunks(size));
    let (whole, pieces) = (client(bytes.len().max(1)), client(size));
    // What answers something is early only if it comes before that was sent.
    let is_early = |failure: &Option<_>| *failure == Some(ConnectionErrorKind::Sasl(SaslError::Early));
    if !is_early(&whole.2) && !is_early(&pieces.2) {
        assert_eq!(whole, pieces, "the way the bytes were split shows");
    }
}

/// How often a server's side was asked, how many calls it served, as whom, and why it ended.
fn judge<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (u32, usize, Option<String>, Option<ConnectionErrorKind>) {
    let sasl = SaslServer::new(["PLAIN", "GSSAPI"]);
    let mut connection = ServerConnection::new(ServerConfig { limits: LIMITS, sasl, ..ServerConfig::default() });
    let (mut asked, mut served, mut received) = (0, 0, 0);
    for piece in pieces {
        received += piece.len();
        connection.receive(piece);
        loop {
            if let Ok(Some(request)) = connection.poll_event() {
                assert!(connection.peer_identity().is_some(), "nobody else is served");
                connection.finish_unanswered(request.id).expect("the request is open");
                served += 1;
                continue;
            }
            let Some(credentials) = connection.credentials() else { break };
            asked += 1;
            match credentials.response {
                [0, ..] => connection.accept_peer("somebody", b""),
                [1, ..] => connection.refuse_peer("no"),
                _ => connection.challenge_peer(b"more"),
            }
        }
        assert!(connection.inbound_capacity() <= 4 * received + (8 << 10), "{received} bytes came");
    }
    let failure = connection.failure().map(|failure| failure.kind().clone());
    (asked, served, connection.peer_identity().map(str::to_owned), failure)
}

/// How often a client's side was asked, whether it is accepted, and why it ended.
fn identify<'a>(
    mechanism: &str,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (u32, bool, Option<ConnectionErrorKind>) {
    let sasl = SaslClient::new(mechanism, b"first".to_vec());
    let mut connection = ClientConnection::new(ClientConfig { limits: LIMITS, sasl, ..ClientConfig::default() });
    let (mut asked, mut received) = (0, 0);
    for piece in pieces {
        received += piece.len();
        connection.receive(piece);
        loop {
            connection.advance_outbound(connection.outbound().len());
            if connection.poll_event(Duration::ZERO).is_err() || connection.challenge().is_none() {
                break;
            }
            asked += 1;
            connection.respond(b"answer");
        }
        assert!(connection.inbound_capacity() <= 4 * received + (8 << 10), "{received} bytes came");
    }
    let failure = connection.failure().map(|failure| failure.kind().clone());
    (asked, !connection.is_handshaking(), failure)
}

fn request(body: &[u8]) -> Vec<u8> {
    [format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

fn chunked(head: &[u8], body: &[u8]) -> Vec<u8> {
    let mut out = head.to_vec();
    for part in body.chunks(29) {
        out.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
        out.extend_from_slice(part);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\n\r\n");
    out
}

fn without(bytes: &[u8], part: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = bytes;
    while let Some(start) = rest.windows(part.len()).position(|window| window == part) {
        out.extend_from_slice(&rest[..start]);
        rest = &rest[start + part.len()..];
    }
    out.extend_from_slice(rest);
    out
}
