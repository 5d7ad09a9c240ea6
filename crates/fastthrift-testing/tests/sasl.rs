//! Saying who one is before the first call: mechanisms of one and of several steps, and peers that do it wrong.

use std::time::Duration;

use fastthrift_protocol::{MessageType, Protocol};
use fastthrift_rpc::{
    CallKind, ClientConfig, ClientConnection, ClientEvent, ConnectionErrorKind, Dialect, Fault, Framing,
    PlainCredentials, SaslClient, SaslError, SaslServer, ServerConfig, ServerConnection,
};
use fastthrift_testing::Pair;
use fastthrift_testing::conversation::{owned, wire};

const FRAMED: Dialect = Dialect { protocol: Protocol::Binary, framing: Framing::Framed };

fn client_config(sasl: Option<SaslClient>) -> ClientConfig {
    ClientConfig { sasl, ..ClientConfig::default() }
}

fn server_config() -> ServerConfig {
    let sasl = SaslServer::new(["PLAIN", "GSSAPI"]);
    assert!(sasl.is_some());
    ServerConfig { sasl, ..ServerConfig::default() }
}

fn frame(status: u8, content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len()).expect("a test's frame is small");
    [&[status], &size.to_be_bytes()[..], content].concat()
}

/// Judges what a client says who knows the password.
fn judge(server: &mut ServerConnection) {
    let Some(credentials) = server.credentials() else { return };
    assert_eq!(credentials.mechanism, "PLAIN");
    match PlainCredentials::read(credentials.response) {
        Some(PlainCredentials { username: "user", password: "secret", authorization }) => {
            let identity = if authorization.is_empty() { "user".to_owned() } else { authorization.to_owned() };
            server.accept_peer(&identity, b"");
        }
        _ => server.refuse_peer("there is no such user"),
    }
}

#[test]
fn calls_wait_for_the_handshake_and_go_out_behind_it() {
    for (chunk, authorization, identity) in [(1, "", "user"), (usize::MAX, "admin", "admin")] {
        let mut pair = Pair::new(client_config(SaslClient::plain("user", "secret", authorization)), server_config());
        pair.chunk = chunk;
        let body = wire::body(Protocol::Binary, "hello");
        let call = pair.call("echo", CallKind::Call, &body, None).expect("the connection is good");
        assert!(pair.client.outbound().starts_with(&frame(1, b"PLAIN")));
        assert!(pair.client.outbound().ends_with(b"\0user\0secret"), "the call does not go out yet");
        assert!(pair.client.is_handshaking() && !pair.client.is_idle());
        assert_eq!(pair.request(), Ok(None));
        assert_eq!(pair.server.peer_identity(), None);
        judge(&mut pair.server);
        assert_eq!((pair.server.outbound(), pair.server.peer_identity()), (&frame(5, b"")[..], Some(identity)));
        assert_eq!(pair.event(), Ok(None));
        assert!(!pair.client.is_handshaking());
        assert!(pair.echo());
        assert!(matches!(pair.event(), Ok(Some(ClientEvent::Reply { call: answered, .. })) if answered == call));
        assert!(pair.client.is_idle());
    }
}

#[test]
fn wrong_credentials_are_refused_with_a_text_on_both_sides() {
    for sasl in [SaslClient::plain("user", "guess", ""), SaslClient::new("PLAIN", b"no parts".to_vec())] {
        let mut pair = Pair::new(client_config(sasl), server_config());
        let call = pair.call("echo", CallKind::Call, &wire::empty_body(Protocol::Binary), None).expect("it waits");
        assert_eq!(pair.request(), Ok(None));
        judge(&mut pair.server);
        let failure = pair.server.failure().expect("the peer was refused").clone();
        assert!(failure.is_answered() && failure.fault() == Fault::Peer);
        assert_eq!(pair.server.outbound(), frame(3, b"there is no such user"));
        let error = pair.event().expect_err("the peer refused");
        assert_eq!(error.to_string(), "the peer refused the SASL handshake: there is no such user");
        assert_eq!((pair.client.drain_failed(), pair.client.outbound()), (vec![call], &b""[..]));
        assert!(pair.server.is_finished());
        assert_eq!(pair.request().expect_err("the failure stays"), failure);
    }
}

#[test]
fn a_mechanism_of_several_steps_is_led_by_whoever_knows_it() {
    let mut pair = Pair::new(client_config(SaslClient::new("GSSAPI", b"token".to_vec())), server_config());
    for chunk in [1, usize::MAX] {
        pair.chunk = chunk;
    }
    for round in 0..3 {
        assert_eq!(pair.request(), Ok(None));
        let response = pair.server.credentials().expect("there is a response").response.to_vec();
        assert_eq!(response, if round == 0 { b"token".to_vec() } else { format!("answer {round}").into_bytes() });
        pair.server.challenge_peer(format!("challenge {}", round + 1).as_bytes());
        assert_eq!(pair.server.credentials(), None);
        assert_eq!(pair.event(), Ok(None));
        assert_eq!(pair.client.challenge(), Some(format!("challenge {}", round + 1).as_bytes()));
        pair.client.respond(format!("answer {}", round + 1).as_bytes());
        assert_eq!(pair.client.challenge(), None);
    }
    assert_eq!(pair.request(), Ok(None));
    pair.server.accept_peer("user@REALM", b"who the server is");
    assert_eq!(pair.event(), Ok(None));
    assert_eq!(pair.client.challenge(), Some(&b"who the server is"[..]));
    assert!(pair.client.is_handshaking());
    pair.client.respond(b"not sent");
    assert!(!pair.client.is_handshaking() && pair.client.is_idle());
    pair.call("echo", CallKind::Call, &wire::empty_body(Protocol::Binary), None).expect("the connection is good");
    assert!(pair.echo());
    assert_eq!(pair.server.peer_identity(), Some("user@REALM"));
}

#[test]
fn a_client_may_complete_with_its_first_response_and_send_calls_behind_it() {
    let call = wire::text_message(FRAMED, "echo", MessageType::Call, 7, "hello");
    let mut server = ServerConnection::new(server_config());
    for part in [frame(1, b"PLAIN"), frame(5, b"\0user\0secret"), call] {
        server.receive(&part);
    }
    assert_eq!(server.poll_event(), Ok(None), "nothing is served before it is known who asks");
    judge(&mut server);
    let request = server.poll_event().expect("the peer is good").expect("the call waits");
    let body = server.bytes(request.body).to_vec();
    owned::reply(&mut server, request.id, &body).expect("the request is open");
    let reply = wire::text_message(FRAMED, "echo", MessageType::Reply, 7, "hello");
    assert_eq!(server.outbound(), [frame(5, b""), reply].concat());
}

fn refusal(bytes: &[u8]) -> (SaslError, ServerConnection) {
    let mut server = ServerConnection::new(server_config());
    server.receive(bytes);
    let failure = server.poll_event().expect_err("this is no handshake");
    let ConnectionErrorKind::Sasl(error) = failure.kind() else { panic!("{failure}") };
    assert!(server.credentials().is_none() && server.peer_identity().is_none());
    (error.clone(), server)
}

#[test]
fn clients_that_do_it_wrong_are_refused() {
    let (error, server) = refusal(&frame(1, b"SCRAM-SHA-256"));
    assert!(matches!(&error, SaslError::Mechanism { expected, .. } if expected == "PLAIN, GSSAPI"));
    assert_eq!(server.outbound(), frame(3, error.to_string().as_bytes()));
    let plain = frame(1, b"PLAIN");
    assert_eq!(refusal(&frame(2, b"\0user\0secret")).0, SaslError::OutOfOrder);
    assert_eq!(refusal(&[&plain[..], &plain].concat()).0, SaslError::OutOfOrder);
    assert_eq!(refusal(&[&plain[..], &frame(4, b"never mind")].concat()).0, SaslError::GivenUp);
    assert!(matches!(refusal(b"\x01\x7f\xff\xff\xff").0, SaslError::FrameTooLarge { .. }));
    let call = wire::text_message(FRAMED, "echo", MessageType::Call, 7, "hello");
    assert_eq!(refusal(&[&plain[..], &call].concat()).0, SaslError::NotSasl(0), "no call before the handshake");
}

#[test]
fn a_client_that_knows_of_no_handshake_is_told_in_its_own_dialect() {
    for framing in [Framing::Framed, Framing::Unframed] {
        let mut pair = Pair::new(ClientConfig { framing, ..ClientConfig::default() }, server_config());
        pair.call("echo", CallKind::Call, &wire::body(Protocol::Binary, "x"), None).expect("the connection is good");
        let failure = pair.request().expect_err("nobody said who it is");
        assert!(failure.is_answered(), "{failure}");
        let event = pair.event().expect("the answer is good").expect("there is one");
        let ClientEvent::Reply { body: fastthrift_rpc::ReplyBody::Exception(exception), .. } = event else {
            panic!("{event:?}");
        };
        assert!(exception.message.starts_with("expected a SASL handshake"), "{}", exception.message);
    }
}

#[test]
fn servers_that_do_it_wrong_are_left() {
    for (bytes, error) in [
        (frame(1, b"PLAIN"), SaslError::OutOfOrder),
        (frame(2, b"more"), SaslError::OutOfOrder),
        (frame(4, b"broken\r\n"), SaslError::Refused("broken".to_owned())),
        (frame(2, b"").repeat(2), SaslError::Early),
        (b"\0\0\0\x10".to_vec(), SaslError::NotSasl(0)),
        (b"\x02\xff\0\0\0".to_vec(), SaslError::FrameTooLarge { size: 0xff00_0000, limit: 128 << 10 }),
    ] {
        let mut client = ClientConnection::new(client_config(SaslClient::plain("user", "secret", "")));
        client.advance_outbound(client.outbound().len());
        client.receive(&bytes);
        let failure = client.poll_event(Duration::ZERO).expect_err("this is no handshake");
        assert_eq!(*failure.kind(), ConnectionErrorKind::Sasl(error));
        assert_eq!(client.outbound(), b"");
    }
    let mut client = ClientConnection::new(client_config(SaslClient::plain("user", "secret", "")));
    client.receive(&frame(5, b""));
    let failure = client.poll_event(Duration::ZERO).expect_err("nothing was sent");
    assert_eq!(*failure.kind(), ConnectionErrorKind::Sasl(SaslError::Early));
}

#[test]
fn a_handshake_without_end_is_ended() {
    let mut client = ClientConnection::new(client_config(SaslClient::plain("user", "secret", "")));
    let mut server = ServerConnection::new(server_config());
    server.receive(&frame(1, b"GSSAPI"));
    let (mut left, mut refused) = (false, false);
    for _ in 0..40 {
        client.advance_outbound(client.outbound().len());
        client.receive(&frame(2, b""));
        left |= client.poll_event(Duration::ZERO).is_err();
        server.receive(&frame(2, b"again"));
        refused |= server.poll_event().is_err();
        server.challenge_peer(b"again");
    }
    assert!(left && refused);
}

#[test]
fn a_call_times_out_in_a_handshake_and_a_slow_peer_is_known() {
    let mut client = ClientConnection::new(client_config(SaslClient::plain("user", "secret", "")));
    let mut call = client.begin_call("echo", CallKind::Call, Some(Duration::from_secs(1))).expect("it waits");
    call.buffer().extend_from_slice(&wire::empty_body(Protocol::Binary));
    let call = call.finish().expect("the call is small");
    assert_eq!(client.poll_event(Duration::ZERO), Ok(None));
    assert_eq!(client.poll_event(Duration::from_secs(1)), Ok(Some(ClientEvent::TimedOut { call })));
    let mut server = ServerConnection::new(server_config());
    assert!(!server.is_mid_message());
    for byte in frame(1, b"PLAIN") {
        server.receive(&[byte]);
        assert_eq!(server.poll_event(), Ok(None));
        assert!(server.is_mid_message() && server.wants_read());
    }
    server.receive(&frame(2, b"\0user\0secret"));
    assert_eq!(server.poll_event(), Ok(None));
    assert!(!server.is_mid_message(), "now this side is to go on");
    server.receive_eof();
    judge(&mut server);
    assert_eq!(server.poll_event(), Ok(None));
    server.advance_outbound(server.outbound().len());
    assert!(server.is_finished());
}

#[test]
fn a_large_response_is_received_whatever_may_wait_otherwise() {
    let mut server = ServerConnection::new(ServerConfig { max_inbound: 1024, ..server_config() });
    let bytes = [frame(1, b"GSSAPI"), frame(2, &vec![7; 64 << 10])].concat();
    for piece in bytes.chunks(512) {
        assert!(server.wants_read());
        server.receive(piece);
        assert_eq!(server.poll_event(), Ok(None));
    }
    assert_eq!(server.credentials().expect("all of it came").response.len(), 64 << 10);
}

#[test]
fn mechanisms_and_names_that_cannot_be_are_refused() {
    for name in ["", "plain", "A-NAME-THAT-IS-TOO-LONG", "P N"] {
        assert!(SaslClient::new(name, Vec::new()).is_none() && SaslServer::new([name]).is_none(), "{name}");
    }
    assert!(SaslServer::new([]).is_none());
    assert!(SaslClient::plain("user\0", "secret", "").is_none());
}

#[test]
fn a_peer_that_is_refused_at_length_hears_the_start_of_it() {
    let mut pair = Pair::new(client_config(SaslClient::plain("user", "guess", "")), server_config());
    assert_eq!(pair.request(), Ok(None));
    assert!(pair.server.credentials().is_some());
    pair.server.refuse_peer(&"\u{fc}x".repeat(100_000));
    assert_eq!(pair.server.outbound(), frame(3, "\u{fc}x".repeat(341).as_bytes()).as_slice());
}
