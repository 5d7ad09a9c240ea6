//! Messages over HTTP: both sides against each other and against bytes written by hand, good and bad.

use std::time::Duration;

use fastthrift_protocol::{ApplicationException, ApplicationExceptionKind, Limits, MessageType, Protocol};
use fastthrift_rpc::{
    CallError, CallKind, CallOptions, Carrier, ClientConfig, ClientConnection, ClientEvent, ConnectionErrorKind,
    Dialect, Fault, Framing, Headers, HeadersError, HttpClient, HttpError, HttpServer, ReplyBody, ReplyError,
    ServerConfig, ServerConnection,
};
use fastthrift_testing::Pair;
use fastthrift_testing::connections::serve;
use fastthrift_testing::conversation::{owned, wire};

const KIB: usize = 1 << 10;
const BINARY: Dialect = Dialect { protocol: Protocol::Binary, framing: Framing::Unframed };

fn client_config(protocol: Protocol) -> ClientConfig {
    let http = HttpClient::new("host:80", "/rpc", Headers::none()).expect("a good target");
    ClientConfig { protocol, carrier: Carrier::Http, http, ..ClientConfig::default() }
}

fn server_config() -> ServerConfig {
    ServerConfig { carrier: Some(Carrier::Http), ..ServerConfig::default() }
}

fn message(message_type: MessageType, sequence_id: i32, text: &str) -> Vec<u8> {
    wire::text_message(BINARY, "echo", message_type, sequence_id, text)
}

/// A request with this body, whose length is told.
fn post(version: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("POST /rpc HTTP/{version}\r\nHost: host\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let mut out = b"POST /rpc HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    out.extend(chunks(body, size));
    out
}

fn chunks(body: &[u8], size: usize) -> Vec<u8> {
    let chunk = |part: &[u8]| [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat();
    [body.chunks(size).flat_map(chunk).collect(), b"0\r\n\r\n".to_vec()].concat()
}

/// The status of each answer, in order.
fn statuses(outbound: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(outbound);
    text.split("HTTP/1.1 ").skip(1).map(|answer| answer[..3].to_owned()).collect()
}

#[test]
fn calls_get_their_replies_in_every_protocol_and_pieces_of_every_size() {
    for protocol in Protocol::ALL {
        for chunk in [1, 7, usize::MAX] {
            let mut pair = Pair::new(client_config(*protocol), server_config());
            pair.chunk = chunk;
            for round in 0..3 {
                let body = wire::body(*protocol, &format!("round {round}"));
                let call = pair.call("echo", CallKind::Call, &body, None).expect("the connection is free");
                assert!(!pair.client.is_idle());
                assert!(pair.echo());
                let event = pair.event().expect("the peer is good").expect("the reply came");
                let ClientEvent::Reply { call: answered, body: ReplyBody::Result(span) } = event else {
                    panic!("expected a result, got {event:?}");
                };
                assert_eq!((answered, pair.client.bytes(span)), (call, &body[..]));
                assert!(pair.client.is_idle());
            }
        }
    }
}

#[test]
fn a_oneway_is_answered_without_a_body_and_owes_it_until_then() {
    for unanswered in [false, true] {
        let mut pair = Pair::new(client_config(Protocol::Binary), server_config());
        let body = wire::body(Protocol::Binary, "line");
        pair.call("log", CallKind::Oneway, &body, None).expect("the connection is free");
        let request = pair.request().expect("the peer is good").expect("the call came");
        assert_eq!(request.kind, CallKind::Oneway);
        assert_eq!(pair.call("log", CallKind::Oneway, &body, None), Err(CallError::ResponseOwed));
        if unanswered {
            pair.server.finish_unanswered(request.id).expect("the request is open");
        } else {
            pair.server.finish_oneway(request.id).expect("the request is open");
        }
        assert_eq!(pair.server.outbound(), b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        assert!(!pair.client.is_idle());
        assert_eq!(pair.event(), Ok(None));
        assert!(pair.client.is_idle());
        pair.call("echo", CallKind::Call, &body, None).expect("the connection is free again");
        assert!(pair.echo());
        assert!(matches!(pair.event(), Ok(Some(ClientEvent::Reply { .. }))));
    }
}

#[test]
fn a_call_that_was_given_up_owes_its_response_which_is_dropped() {
    let mut pair = Pair::new(client_config(Protocol::Binary), server_config());
    let body = wire::body(Protocol::Binary, "slow");
    let call = pair.call("echo", CallKind::Call, &body, None).expect("the connection is free");
    assert!(pair.client.cancel(call));
    assert_eq!(pair.call("echo", CallKind::Call, &body, None), Err(CallError::ResponseOwed));
    assert!(!pair.client.is_idle());
    assert!(pair.echo());
    assert_eq!(pair.event(), Ok(None));
    assert!(pair.client.is_idle());
    pair.call("echo", CallKind::Call, &body, None).expect("the connection is free again");
}

#[test]
fn headers_and_the_time_that_is_left_travel_both_ways() {
    let mut pair = Pair::new(client_config(Protocol::Compact), server_config());
    let headers = [("traceparent", "00-1-2-01"), ("X-Tenant", "\u{fc}ml")].into_iter().collect();
    let timeout = Some(Duration::from_micros(1_500_001));
    let options = CallOptions { headers: &headers, timeout, ..CallOptions::new("echo", CallKind::Call) };
    let mut writer = pair.client.begin(options).expect("the connection is free");
    writer.buffer().extend_from_slice(&wire::empty_body(Protocol::Compact));
    writer.finish().expect("the call is small");
    let request = pair.request().expect("the peer is good").expect("the call came");
    assert_eq!(request.timeout, Some(Duration::from_millis(1501)));
    let found = |name| pair.server.request_headers().find(name);
    assert_eq!((found("traceparent"), found("x-tenant")), (Some("00-1-2-01"), Some("\u{fc}ml")));
    assert_eq!((found("host"), found("content-type")), (Some("host:80"), Some("application/x-thrift")));
    assert_eq!((found("content-length"), found("connection")), (None, None));
    let reply_headers = [("Server-Load", "0.5")].into_iter().collect();
    let mut reply = pair.server.begin_reply_with(request.id, &reply_headers).expect("the request is open");
    reply.buffer().extend_from_slice(&wire::empty_body(Protocol::Compact));
    reply.finish().expect("the reply is small");
    assert!(matches!(pair.event(), Ok(Some(ClientEvent::Reply { .. }))));
    assert_eq!(pair.client.reply_headers().find("server-load"), Some("0.5"));
}

#[test]
fn headers_that_would_smuggle_others_are_refused_and_leave_no_trace() {
    let mut pair = Pair::new(client_config(Protocol::Binary), server_config());
    for (name, value) in [("a", "b\r\nX: y"), ("a\nb", "c"), ("Content-Length", "0")] {
        let headers = [(name, value)].into_iter().collect();
        let options = CallOptions { headers: &headers, ..CallOptions::new("echo", CallKind::Call) };
        let error = pair.client.begin(options).map(drop).expect_err("the header is bad");
        assert!(matches!(error, CallError::Headers(_)), "{error:?}");
        assert_eq!(pair.client.outbound(), b"");
    }
    let body = wire::body(Protocol::Binary, "x");
    pair.call("echo", CallKind::Call, &body, None).expect("the connection is free");
    let request = pair.request().expect("the peer is good").expect("the call came");
    let bad = [("a", "b\nc")].into_iter().collect();
    let error = pair.server.begin_reply_with(request.id, &bad).map(drop).expect_err("the header is bad");
    assert_eq!(error, ReplyError::Headers(HeadersError::NotForHttp { index: 0 }));
    assert_eq!(pair.server.outbound(), b"");
    pair.reply(&request, &body);
    assert!(matches!(pair.event(), Ok(Some(ClientEvent::Reply { .. }))));
}

#[test]
fn requests_of_every_form_are_served_in_order_however_they_are_split() {
    let bodies: Vec<_> = (1..6).map(|id| message(MessageType::Call, id, &"x".repeat(40))).collect();
    let bytes = [
        post("1.1", "", &bodies[0]),
        b"\r\n".to_vec(),
        chunked(&bodies[1], 9),
        b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nHEAD /readyz HTTP/1.1\r\n\r\n".to_vec(),
        b"POST /healthz HTTP/1.1\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n<script>!".to_vec(),
        b"DELETE / HTTP/1.1\r\n\r\n".to_vec(),
        post("1.0", "Connection: keep-alive\r\nContent-Type: Application/Octet-Stream\r\n", &bodies[2]),
        post("1.1", "Expect: 100-continue\r\nContent-Encoding: identity\r\n", &bodies[3]),
        post("1.0", "", &bodies[4]),
        b"POST what follows the last request".to_vec(),
    ]
    .concat();
    let whole = serve(server_config(), [&bytes[..]]);
    assert_eq!((whole.requests.len(), &whole.failure), (5, &None));
    let expected = ["200", "200", "200", "200", "415", "405", "200", "200", "200"];
    assert_eq!(statuses(&whole.outbound), expected);
    let text = String::from_utf8_lossy(&whole.outbound);
    assert_eq!(text.matches("Connection: close").count(), 1);
    assert_eq!(text.matches("Connection: keep-alive").count(), 1);
    assert_eq!(text.matches("Allow: POST").count(), 1);
    let without_continue =
        |outbound: &[u8]| String::from_utf8_lossy(outbound).replace("HTTP/1.1 100 Continue\r\n\r\n", "");
    for size in 1..bytes.len() {
        let served = serve(server_config(), bytes.chunks(size));
        assert_eq!((&served.requests, &served.failure), (&whole.requests, &None));
        assert_eq!(without_continue(&served.outbound), without_continue(&whole.outbound));
    }
}

#[test]
fn a_client_that_asks_first_is_told_to_go_on() {
    let request = post("1.1", "Expect: 100-continue\r\n", &message(MessageType::Call, 1, "x"));
    let head = request.len() - message(MessageType::Call, 1, "x").len();
    let mut server = ServerConnection::new(server_config());
    server.receive(&request[..head]);
    assert_eq!(server.poll_event(), Ok(None));
    assert_eq!(server.outbound(), b"HTTP/1.1 100 Continue\r\n\r\n");
    server.receive(&request[head..]);
    assert!(server.poll_event().expect("the peer is good").is_some());
}

#[test]
fn health_is_what_it_was_set_to() {
    let mut server = ServerConnection::new(server_config());
    server.set_serving(false);
    server.receive(b"GET /readyz HTTP/1.1\r\n\r\n");
    assert_eq!(server.poll_event(), Ok(None));
    let answer = String::from_utf8_lossy(server.outbound()).into_owned();
    assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n") && answer.ends_with("\r\n\r\nnot serving\n"));
    assert!(answer.contains("Content-Length: 12\r\n"), "{answer}");
    server.set_serving(true);
    server.receive(b"GET /healthz HTTP/1.0\r\n\r\n");
    assert_eq!(server.poll_event(), Ok(None));
    assert_eq!(statuses(server.outbound()), ["503", "200"]);
    server.advance_outbound(server.outbound().len());
    assert!(server.is_finished(), "HTTP 1.0 has one request a connection");
}

#[test]
fn a_call_at_another_path_is_not_taken() {
    let http = HttpServer { path: Some("/thrift".to_owned()), ..HttpServer::default() };
    let config = ServerConfig { http, ..server_config() };
    let call = post("1.1", "", &message(MessageType::Call, 1, "x"));
    let good = |target: &str| [b"POST ", target.as_bytes(), &call["POST /rpc".len()..]].concat();
    for target in ["/thrift", "/thrift?a=b", "http://host:1/thrift"] {
        assert_eq!(serve(config.clone(), [&good(target)[..]]).requests.len(), 1, "{target}");
    }
    let served = serve(config, [&good("/thrift/")[..], &good("/thrift")[..]]);
    assert_eq!((statuses(&served.outbound), served.requests.len()), (vec!["404".to_owned(), "200".to_owned()], 1));
}

#[test]
fn broken_requests_are_answered_with_what_is_wrong_and_end_the_connection() {
    let long = "x".repeat(40 * KIB);
    for (request, status) in [
        ("POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nContent-Length: 1e3\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 1\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nA: b\r\n Content-Length: 5\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nContent-Length : 5\r\n\r\n", "400"),
        ("POST / HTTP/1.1\nContent-Length: 5\n\nhello", "400"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400"),
        ("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nno", "400"),
        ("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nno Thrift", "400"),
        ("\0\0\0\x10\x70\x01\0\x01", "400"),
        ("\r\n\r\n\r\n\r\n\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", "501"),
        ("POST / HTTP/1.1\r\n\r\n", "411"),
        ("POST / HTTP/1.1\r\nContent-Length: 104857601\r\n\r\n", "413"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n6400001\r\n", "413"),
        ("POST / HTTP/1.1\r\nExpect: tea\r\nContent-Length: 5\r\n\r\n", "417"),
        ("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n", "415"),
        ("PUT / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n", "405"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"),
        (&format!("POST / HTTP/1.1\r\nA: {long}"), "431"),
        (&format!("POST / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(101)), "431"),
    ] {
        let short = &request[..request.len().min(80)];
        let served = serve(server_config(), request.as_bytes().chunks(13));
        let failure = served.failure.unwrap_or_else(|| panic!("{short:?} is broken"));
        assert!(failure.is_answered() && failure.fault() == Fault::Peer, "{short:?}: {failure}");
        assert_eq!(statuses(&served.outbound), [status], "{short:?}: {failure}");
        let text = String::from_utf8_lossy(&served.outbound).into_owned();
        assert!(text.contains("Connection: close\r\n") && text.ends_with(&format!("{failure}\n")), "{short:?}: {text}");
        assert_eq!(served.requests, []);
    }
}

#[test]
fn a_call_that_is_broken_inside_is_answered_by_its_exception() {
    let mut body = wire::message(
        BINARY,
        &fastthrift_protocol::MessageHeader { name: b"deep", message_type: MessageType::Call, sequence_id: 9 },
        &[12, 0, 1].repeat(100),
    );
    body.extend_from_slice(&[0; 101]);
    let served = serve(server_config(), [&post("1.1", "", &body)[..]]);
    assert!(served.failure.is_some_and(|failure| failure.is_answered()));
    assert_eq!(statuses(&served.outbound), ["200"]);
    let text = String::from_utf8_lossy(&served.outbound).into_owned();
    assert!(text.contains("Connection: close") && text.contains("deep"), "{text}");
}

#[test]
fn a_request_cut_off_is_not_served() {
    let request = post("1.1", "", &message(MessageType::Call, 1, "text"));
    for len in 1..request.len() {
        let served = serve(server_config(), [&request[..len]]);
        let failure = served.failure.expect("the request is not whole");
        assert!(matches!(failure.kind(), ConnectionErrorKind::CutOff { .. }), "{failure}");
        assert_eq!(served.requests, []);
    }
}

#[test]
fn memory_stays_within_what_may_come() {
    let limits = Limits { message: 64 * KIB, ..Limits::DEFAULT };
    let config = ServerConfig { limits, max_inbound: 16 * KIB, ..server_config() };
    for flood in [
        b"A: b\r\n".repeat(64),
        b"1\r\nx\r\n".repeat(64),
        vec![b'x'; 512],
        b"GET /healthz HTTP/1.1\r\n\r\n".repeat(16),
        b"\r\n".repeat(256),
    ] {
        for start in [
            "",
            "POST / HTTP/1.1\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 65536\r\n\r\n",
        ] {
            let mut server = ServerConnection::new(config.clone());
            server.receive(start.as_bytes());
            for _ in 0..2000 {
                if !server.wants_read() {
                    break;
                }
                server.receive(&flood);
                let polled = server.poll_event();
                assert!(server.inbound_capacity() <= 4 * 64 * KIB, "{}", server.inbound_capacity());
                assert!(server.outbound().len() <= 128 * KIB, "{}", server.outbound().len());
                server.advance_outbound(server.outbound().len());
                if polled.is_ok_and(|request| request.is_some()) {
                    break;
                }
            }
        }
    }
}

/// A client whose call was sent, and what it makes of these bytes and, if so, of the connection's end.
fn hear(
    kind: CallKind,
    pieces: &[&[u8]],
    ends: bool,
) -> (ClientConnection, Result<Option<ClientEvent>, ConnectionErrorKind>) {
    let mut client = ClientConnection::new(client_config(Protocol::Binary));
    let mut call = client.begin_call("echo", kind, None).expect("the connection is new");
    call.buffer().extend_from_slice(&wire::empty_body(Protocol::Binary));
    call.finish().expect("the call is small");
    client.advance_outbound(client.outbound().len());
    let mut event = Ok(None);
    for piece in pieces {
        client.receive(piece);
        if event == Ok(None) {
            event = client.poll_event(Duration::ZERO);
        }
    }
    if ends {
        client.receive_eof();
        if event == Ok(None) {
            event = client.poll_event(Duration::ZERO);
        }
    }
    let event = event.map_err(|error| error.kind().clone());
    (client, event)
}

#[test]
fn responses_of_every_form_are_read_however_they_are_split() {
    let body = message(MessageType::Reply, 1, "the reply");
    let length = format!("Content-Length: {}\r\n", body.len());
    let join = |head: &str, body: &[u8]| [head.as_bytes(), body].concat();
    for (response, ends, stays) in [
        (join(&format!("HTTP/1.1 200 OK\r\n{length}\r\n"), &body), false, true),
        (join("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", &chunks(&body, 5)), false, true),
        (
            join(
                &format!("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 \r\nA: b\r\n\r\nHTTP/1.1 200\r\n{length}\r\n"),
                &body,
            ),
            false,
            true,
        ),
        (join(&format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{length}\r\n"), &body), false, false),
        (join(&format!("HTTP/1.0 200 OK\r\n{length}\r\n"), &body), false, false),
        (join("HTTP/1.0 200 OK\r\nServer: x\r\n\r\n", &body), true, false),
        (join("HTTP/1.1 200 OK\r\n\r\n", &body), true, false),
    ] {
        for size in 1..=response.len() {
            let pieces: Vec<_> = response.chunks(size).collect();
            let (client, event) = hear(CallKind::Call, &pieces, ends);
            let Ok(Some(ClientEvent::Reply { body: ReplyBody::Result(span), .. })) = event else {
                panic!("{}: {event:?}", response.escape_ascii());
            };
            assert_eq!(wire::text(Protocol::Binary, client.bytes(span)).expect("a struct").0, "the reply");
            assert_eq!(client.is_idle(), stays, "{}", response.escape_ascii());
        }
    }
}

#[test]
fn after_the_last_response_a_call_says_that_nothing_was_sent() {
    let body = message(MessageType::Reply, 1, "the reply");
    let response = [format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), &body].concat();
    let (mut client, event) = hear(CallKind::Call, &[&response], false);
    assert!(matches!(event, Ok(Some(_))));
    let error = client.begin_call("echo", CallKind::Call, None).map(drop).expect_err("the peer closes");
    let CallError::Connection(error) = error else { panic!("{error:?}") };
    assert_eq!(*error.kind(), ConnectionErrorKind::Closed { waiting: 0 });
}

#[test]
fn a_oneway_is_answered_in_every_way_that_servers_have() {
    let exception = ApplicationException::new(ApplicationExceptionKind::UNKNOWN_METHOD, "no");
    let header =
        fastthrift_protocol::MessageHeader { name: b"echo", message_type: MessageType::Exception, sequence_id: 1 };
    let answer = wire::message(BINARY, &header, &wire::exception_body(Protocol::Binary, &exception));
    let with_answer =
        [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", answer.len()).as_bytes(), &answer].concat();
    for (response, stays) in [
        (&b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"[..], true),
        (b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", true),
        (b"HTTP/1.1 204 No Content\r\n\r\n", true),
        (&with_answer, true),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false),
    ] {
        let (client, event) = hear(CallKind::Oneway, &response.chunks(1).collect::<Vec<_>>(), false);
        match event {
            Ok(None) => assert!(client.is_idle() && stays),
            Err(ConnectionErrorKind::Closed { waiting: 0 }) => assert!(!stays),
            other => panic!("{}: {other:?}", response.escape_ascii()),
        }
    }
    // Some servers say nothing at all.
    let (mut client, event) = hear(CallKind::Oneway, &[], false);
    assert_eq!((event, client.is_idle()), (Ok(None), false));
    assert_eq!(client.begin_call("echo", CallKind::Call, None).map(drop), Err(CallError::ResponseOwed));
    // Python's closes without saying how long its empty body is.
    let (_, event) = hear(CallKind::Oneway, &[b"HTTP/1.0 200 OK\r\n\r\n"], true);
    assert_eq!(event, Err(ConnectionErrorKind::Closed { waiting: 0 }));
}

#[test]
fn a_refusal_is_an_error_with_its_status_and_text() {
    let response = b"HTTP/1.1 503 Service  Unavailable\r\nContent-Length: 20\r\n\r\n<p>try\r\nlater\0</p>\n\n";
    for size in 1..response.len() {
        let (_, event) = hear(CallKind::Call, &response.chunks(size).collect::<Vec<_>>(), false);
        let error = event.expect_err("the call was refused");
        assert_eq!(
            error.to_string(),
            "the peer answered with the HTTP status 503 Service Unavailable: <p>try later </p>"
        );
    }
    let endless = [&b"HTTP/1.1 404 \r\n\r\n"[..], &[b'x'; 5000]].concat();
    let (client, event) = hear(CallKind::Call, &[&endless], false);
    let Err(ConnectionErrorKind::Http(HttpError::Status { status: 404, reason, text })) = event else {
        panic!("{event:?}");
    };
    assert_eq!((reason.len(), text.len()), (0, 512));
    assert!(client.is_failed());
    let (mut client, event) = hear(CallKind::Call, &[b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n"], true);
    assert!(matches!(event, Err(ConnectionErrorKind::Http(HttpError::Status { status: 302, .. }))), "{event:?}");
    assert_eq!(client.drain_failed().len(), 1);
}

#[test]
fn broken_responses_end_the_connection_with_a_typed_error() {
    let other = message(MessageType::Reply, 2, "to another call");
    let other = [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", other.len()).as_bytes(), &other].concat();
    let http = ConnectionErrorKind::Http;
    for (response, error) in [
        (&b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"[..], http(HttpError::BodyCut { size: 0 })),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n\x80\x01\0\x02\0\0\0", http(HttpError::BodyCut { size: 7 })),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 104857601\r\n\r\n", http(HttpError::BodyTooLarge { limit: 100 << 20 })),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", http(HttpError::Length)),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", http(HttpError::Chunk)),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n", http(HttpError::Encoded)),
        (b"HTTP/2.0 200 OK\r\n\r\n", http(HttpError::Version)),
        (b"SSH-2.0-OpenSSH_9.9\r\n\r\n", http(HttpError::Version)),
        (&b"HTTP/1.1 100 Continue\r\n\r\n".repeat(17), http(HttpError::Head)),
        (&vec![b'H'; 33 * KIB], http(HttpError::HeadTooLarge { limit: 32 * KIB })),
        (&other, ConnectionErrorKind::UnknownSequenceId(2)),
    ] {
        let (mut client, event) = hear(CallKind::Call, &[response], false);
        let found = event.expect_err("the response is broken");
        assert!(found == error || matches!(found, ConnectionErrorKind::Http(HttpError::Head)), "{found} for {error}");
        assert_eq!(client.drain_failed().len(), 1);
    }
}

#[test]
fn a_response_that_no_request_asked_for_ends_the_connection() {
    let body = message(MessageType::Reply, 1, "the reply");
    let response = [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), &body].concat();
    let (mut client, event) = hear(CallKind::Call, &[&response.repeat(2)], false);
    assert!(matches!(event, Ok(Some(_))));
    assert!(!client.is_idle());
    let unasked = ConnectionErrorKind::Http(HttpError::Unasked);
    let error = client.begin_call("echo", CallKind::Call, None).map(drop).expect_err("the peer cannot be trusted");
    let CallError::Connection(error) = error else { panic!("{error:?}") };
    assert_eq!(*error.kind(), unasked);
    let mut client = ClientConnection::new(client_config(Protocol::Binary));
    client.receive(b"HTTP/1.1 408 Request Timeout\r\n\r\n");
    assert_eq!(*client.poll_event(Duration::ZERO).expect_err("nothing was asked").kind(), unasked);
}

#[test]
fn a_response_cut_off_fails_its_call() {
    let body = message(MessageType::Reply, 1, "the reply");
    let response = [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), &body].concat();
    for len in 1..response.len() {
        let (_, event) = hear(CallKind::Call, &[&response[..len]], true);
        assert!(
            matches!(event, Err(ConnectionErrorKind::CutOff { .. } | ConnectionErrorKind::Closed { waiting: 1 })),
            "{event:?}"
        );
    }
    let (_, event) = hear(CallKind::Call, &[], true);
    assert_eq!(event, Err(ConnectionErrorKind::Closed { waiting: 1 }));
}

#[test]
fn a_reply_over_the_limit_leaves_the_request_open() {
    let limits = Limits { message: 100, ..Limits::DEFAULT };
    let mut pair = Pair::new(client_config(Protocol::Binary), ServerConfig { limits, ..server_config() });
    pair.call("echo", CallKind::Call, &wire::body(Protocol::Binary, "x"), None).expect("the connection is free");
    let request = pair.request().expect("the peer is good").expect("the call came");
    let body = wire::body(Protocol::Binary, &"x".repeat(200));
    assert!(matches!(owned::reply(&mut pair.server, request.id, &body), Err(ReplyError::TooLarge { .. })));
    assert_eq!(pair.server.outbound(), b"");
    let exception = ApplicationException::new(ApplicationExceptionKind::INTERNAL_ERROR, "too large");
    pair.server.reply_exception(request.id, &exception).expect("the request is open");
    assert!(matches!(pair.event(), Ok(Some(ClientEvent::Reply { body: ReplyBody::Exception(_), .. }))));
}
