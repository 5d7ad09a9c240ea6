//! What has to hold of a connection for any bytes that a peer sends: checks for property tests and fuzzing.

use std::time::Duration;

use fastthrift_protocol::Limits;
use fastthrift_rpc::{
    CallId, CallKind, Carrier, ClientConfig, ClientConnection, ConnectionError, Dialect, Framing, RequestId,
    ServerConfig, ServerConnection,
};

use crate::conversation::{Incoming, Outcome, owned, wire};

/// All that a server's side made of some bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The requests, in order.
    pub requests: Vec<Incoming>,
    /// What was sent back: each call's body, and what the connection itself had to say.
    pub outbound: Vec<u8>,
    /// Why the connection ended, when it did before the bytes did.
    pub failure: Option<ConnectionError>,
}

/// Serves the peer that sends these pieces and then ends, by sending each call's body back.
///
/// # Panics
/// When memory grows with anything but the bytes that came, or an answer is refused.
pub fn serve<'a>(config: ServerConfig, pieces: impl IntoIterator<Item = &'a [u8]>) -> Served {
    let limit = config.limits.message;
    let mut connection = ServerConnection::new(config);
    let mut served = Served { requests: Vec::new(), outbound: Vec::new(), failure: None };
    let mut received = 0;
    for piece in pieces {
        received += piece.len();
        connection.receive(piece);
        let unpacked = unpacked(connection.carrier(), limit) + restored(connection.dialect(), limit);
        expect_bounded(connection.inbound_capacity(), received + unpacked);
        serve_all(&mut connection, &mut served);
    }
    connection.receive_eof();
    serve_all(&mut connection, &mut served);
    assert!(connection.is_finished(), "nothing is left to do after the peer has ended");
    served
}

fn serve_all(connection: &mut ServerConnection, served: &mut Served) {
    loop {
        let request = connection.poll_event();
        served.outbound.extend_from_slice(connection.outbound());
        connection.advance_outbound(connection.outbound().len());
        match request {
            Ok(Some(request)) => {
                let request = owned::incoming(connection, request);
                answer(connection, request.id, request.kind, &request.body);
                served.requests.push(request);
            }
            Ok(None) => return,
            Err(error) => {
                served.failure = Some(error);
                return;
            }
        }
    }
}

fn answer(connection: &mut ServerConnection, request: RequestId, kind: CallKind, body: &[u8]) {
    match kind {
        CallKind::Call => owned::reply(connection, request, body).expect("an echo is within the limits"),
        CallKind::Oneway => connection.finish_oneway(request).expect("the request is open"),
    }
}

/// All that a client's side made of some bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The events, in order.
    pub outcomes: Vec<Outcome>,
    /// The calls that the end of the connection ended.
    pub failed: Vec<CallId>,
    /// Why the connection ended.
    pub failure: ConnectionError,
}

/// The functions that [`hear`] calls, one after the other.
pub const CALLS: [&str; 3] = ["ping", "echo", "add"];

/// Makes [`CALLS`] calls, and then hears from a peer that sends these pieces and ends.
///
/// # Panics
/// When memory grows with anything but the bytes that came, a call gets no event or more than one, or the connection
/// does not end.
pub fn hear<'a>(dialect: Dialect, pieces: impl IntoIterator<Item = &'a [u8]>) -> Heard {
    let Dialect { protocol, framing } = dialect;
    hear_as(ClientConfig { protocol, framing, limits: LIMITS, ..ClientConfig::default() }, pieces)
}

/// [`hear`] with a client made with this.
///
/// # Panics
/// As [`hear`] does.
pub fn hear_as<'a>(config: ClientConfig, pieces: impl IntoIterator<Item = &'a [u8]>) -> Heard {
    let ClientConfig { protocol, framing, carrier, limits, .. } = config;
    let limit = limits.message;
    let mut connection = ClientConnection::new(config);
    let calls = CALLS.map(|function| {
        let mut call = connection.begin_call(function, CallKind::Call, None).expect("the connection is new");
        call.buffer().extend_from_slice(&wire::empty_body(protocol));
        call.finish().expect("the call is small")
    });
    connection.advance_outbound(connection.outbound().len());
    let (mut outcomes, mut received) = (Vec::new(), 0);
    for piece in pieces {
        received += piece.len();
        connection.receive(piece);
        let unpacked = unpacked(Some(carrier), limit) + restored(Some(Dialect { protocol, framing }), limit);
        expect_bounded(connection.inbound_capacity(), received + unpacked);
        while let Ok(Some(event)) = connection.poll_event(Duration::ZERO) {
            outcomes.push(owned::outcome(&connection, event));
        }
    }
    connection.receive_eof();
    while let Ok(Some(event)) = connection.poll_event(Duration::ZERO) {
        outcomes.push(owned::outcome(&connection, event));
    }
    let failure = connection.poll_event(Duration::ZERO).expect_err("the peer has ended");
    let failed = connection.drain_failed();
    for call in calls {
        let answers = outcomes.iter().filter(|outcome| call_of(outcome) == call).count();
        let failures = failed.iter().filter(|failed| **failed == call).count();
        assert_eq!(answers + failures, 1, "{call:?} got {answers} events and {failures} failures");
    }
    Heard { outcomes, failed, failure }
}

/// The call that an outcome is about.
pub fn call_of(outcome: &Outcome) -> CallId {
    match outcome {
        Outcome::Reply { call, .. } | Outcome::Exception { call, .. } | Outcome::TimedOut { call } => *call,
    }
}

/// The limits that [`server_connection`] and [`client_connection`] set, low enough to be reached.
pub const LIMITS: Limits = Limits { message: 1 << 16, string: 1 << 12, container: 1 << 10, depth: 16, memory: 1 << 20 };

/// Any bytes as what a client sends: however they are split, the server's side makes the same of them, in bounded
/// memory.
pub fn server_connection(bytes: &[u8]) {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let config = ServerConfig { limits: LIMITS, ..ServerConfig::default() };
    let whole = serve(config.clone(), [bytes]);
    let pieces = serve(config, bytes.chunks(piece(*choice)));
    assert_eq!(whole, pieces, "the way the bytes were split shows");
}

/// Any bytes as what a server sends: however they are split, the client's side makes the same of them, in bounded
/// memory, and each call ends once.
pub fn client_connection(bytes: &[u8]) {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let dialects = crate::conversation::DIALECTS;
    let (choice, size) = (usize::from(*choice & 15), choice / 16);
    let dialect = dialects[choice % dialects.len()];
    let whole = hear(dialect, [bytes]);
    let pieces = hear(dialect, bytes.chunks(piece(size)));
    assert_eq!(whole, pieces, "the way the bytes were split shows");
}

fn piece(choice: u8) -> usize {
    usize::from(choice % 31) + 1
}

/// How many bytes may be held that never came in this form.
fn unpacked(carrier: Option<Carrier>, message_limit: usize) -> usize {
    match carrier {
        None | Some(Carrier::Direct) => 0,
        Some(Carrier::Zlib | Carrier::Http) => message_limit + (32 << 10),
    }
}

/// How many bytes may be held that a frame of the Header transport had in another form.
fn restored(dialect: Option<Dialect>, message_limit: usize) -> usize {
    match dialect.map(|dialect| dialect.framing) {
        None | Some(Framing::Framed | Framing::Unframed) => 0,
        Some(Framing::Header) => message_limit + (8 << 10),
    }
}

fn expect_bounded(capacity: usize, received: usize) {
    assert!(capacity <= 4 * received + (8 << 10), "{received} bytes came and {capacity} are held");
}
