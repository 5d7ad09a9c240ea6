//! Deadlines, limits, drains, and peers that mean no good.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "these are tests")]

mod calculator;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calculator::{AddError, CalculatorClient, CalculatorServer, Handler};
use fastthrift::{
    ApplicationExceptionKind, CallErrorKind, Channel, Framing, Interceptor, Limits, Request, Response, Server,
    ServerBuilder, Service,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(60);

type Builder = ServerBuilder<CalculatorServer<Handler>>;

async fn serve(handler: Handler, change: impl FnOnce(Builder) -> Builder) -> (String, JoinHandle<()>) {
    let server = change(Server::builder(CalculatorServer::new(handler))).bind("tcp://127.0.0.1:0").await.unwrap();
    (server.url(), tokio::spawn(server.serve()))
}

async fn raw(url: &str) -> TcpStream {
    TcpStream::connect(url.trim_start_matches("tcp://")).await.unwrap()
}

async fn client(url: &str) -> CalculatorClient {
    CalculatorClient::new(Channel::connect(url).await.unwrap())
}

async fn until(is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(PATIENCE, wait).await.expect("it becomes so");
}

/// Waits until the peer closes the connection.
async fn closed(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    // It may be reset, too.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("the peer closes the connection");
    rest
}

/// A framed call of `add(2, 3)` in strict Binary.
fn call() -> Vec<u8> {
    let message = b"\x80\x01\0\x01\0\0\0\x03add\0\0\0\x07\x08\0\x01\0\0\0\x02\x08\0\x02\0\0\0\x03\0";
    [&u32::try_from(message.len()).unwrap().to_be_bytes()[..], message].concat()
}

#[tokio::test]
async fn a_handler_ends_when_the_time_that_its_client_announced_is_over() {
    let handler = Handler::default();
    let running = Arc::clone(&handler.running);
    let (url, server) = serve(handler, |builder| builder).await;
    let channel = Channel::builder(&url).framing(Framing::Header).timeout(SHORT).connect().await.unwrap();
    let error = CalculatorClient::new(channel).greet("never").await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    until(|| running.load(Ordering::SeqCst) == 0).await;
    server.abort();
}

async fn serve_again_and_again(url: &str) {
    let mut url = url.to_owned();
    for _ in 0..200 {
        let server = Server::builder(CalculatorServer::new(Handler::default())).bind(&url).await.unwrap();
        url = server.url();
        let serving = tokio::spawn(server.serve());
        assert_eq!(client(&url).await.add(2, 3).await.unwrap(), 5);
        serving.abort();
        assert!(serving.await.unwrap_err().is_cancelled());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_ends_a_server_by_dropping_it_can_listen_there_at_once() {
    serve_again_and_again("tcp://127.0.0.1:0").await;
    serve_again_and_again("memory://again and again").await;
    #[cfg(unix)]
    {
        let path = std::env::temp_dir().join(format!("fastthrift-again-{}.sock", std::process::id()));
        serve_again_and_again(&format!("unix://{}", path.display())).await;
    }
}

/// Notes how long clients say that they wait, and calls another server before the handler runs.
struct HandsOn(Option<CalculatorClient>, Arc<Mutex<Vec<u64>>>);

impl Interceptor for HandsOn {
    async fn serve<S: Service>(&self, request: Request, next: &S) -> Response {
        let announced = request.call().headers().find("client_timeout").unwrap().parse().unwrap();
        self.1.lock().unwrap().push(announced);
        if let Some(next) = &self.0 {
            next.ping().await.unwrap();
        }
        next.serve(request).await
    }
}

#[tokio::test]
async fn the_time_that_is_announced_shrinks_from_server_to_server() {
    let announced = Arc::new(Mutex::new(Vec::new()));
    let mut next = None;
    for _ in 0..4 {
        let hands_on = HandsOn(next, Arc::clone(&announced));
        let builder = Server::builder(CalculatorServer::new(Handler::default())).interceptor(hands_on);
        let server = builder.bind("tcp://127.0.0.1:0").await.unwrap();
        let builder = Channel::builder(&server.url()).framing(Framing::Header);
        tokio::spawn(server.serve());
        next = Some(CalculatorClient::new(builder.timeout(PATIENCE).connect().await.unwrap()));
    }
    next.unwrap().ping().await.unwrap();
    let announced = announced.lock().unwrap();
    assert_eq!(announced.len(), 4);
    assert!(announced.windows(2).all(|times| times[0] > times[1]), "{announced:?}");
}

#[tokio::test]
async fn a_server_that_stops_answers_what_came_and_takes_no_more() {
    let handler = Handler::default();
    let running = Arc::clone(&handler.running);
    let server = Server::builder(CalculatorServer::new(handler)).bind("tcp://127.0.0.1:0").await.unwrap();
    let (url, (stop, stopped)) = (server.url(), oneshot::channel::<()>());
    let serving = tokio::spawn(server.serve_until(async { drop(stopped.await) }));
    let client = client(&url).await;
    let asked = tokio::spawn(async move { client.greet("slowly").await });
    until(|| running.load(Ordering::SeqCst) == 1).await;
    stop.send(()).unwrap();
    assert_eq!(asked.await.unwrap().unwrap(), "Hello, slowly!");
    timeout(PATIENCE, serving).await.unwrap().unwrap();
    assert!(Channel::connect(&url).await.is_err());
}

#[tokio::test]
async fn calls_over_the_limit_are_refused_at_once() {
    let handler = Handler::default();
    let running = Arc::clone(&handler.running);
    let (url, server) = serve(handler, |builder| builder.max_in_flight(1)).await;
    let (first, second) = (client(&url).await, client(&url).await);
    let waiting = tokio::spawn(async move { first.greet("never").await });
    until(|| running.load(Ordering::SeqCst) == 1).await;
    let error = second.greet("Ada").await.unwrap_err();
    assert_eq!(error.application_exception().unwrap().kind, ApplicationExceptionKind::LOADSHEDDING);
    waiting.abort();
    server.abort();
}

#[tokio::test]
async fn slow_and_silent_peers_are_cut_off_and_others_served() {
    let (url, server) = serve(Handler::default(), |builder| builder.message_timeout(SHORT).idle_timeout(SHORT)).await;
    let mut silent = raw(&url).await;
    let mut stuck = raw(&url).await;
    stuck.write_all(&call()[..9]).await.unwrap();
    let trickling = raw(&url).await;
    let (mut trickling, mut drops) = trickling.into_split();
    let trickle = tokio::spawn(async move {
        for byte in [&[0, 0, 1, 0][..], &[0x80, 1, 0, 1], &[0; 256]].concat() {
            if drops.write_all(&[byte]).await.is_err() {
                break;
            }
            sleep(SHORT / 4).await;
        }
    });
    assert_eq!(client(&url).await.add(2, 3).await.unwrap(), 5);
    assert_eq!(closed(&mut silent).await, b"");
    assert_eq!(closed(&mut stuck).await, b"");
    let mut rest = Vec::new();
    let _ = timeout(PATIENCE, trickling.read_to_end(&mut rest)).await.expect("it is cut off");
    trickle.abort();
    server.abort();
}

#[tokio::test]
async fn garbage_ends_its_own_connection_alone() {
    let limits = Limits { message: 64 << 10, ..Limits::DEFAULT };
    let (url, server) = serve(Handler::default(), |builder| builder.limits(limits)).await;
    let client = client(&url).await;
    let mut flipped = call();
    flipped[12] ^= 0x40;
    let mut large = call();
    large[0] = 0x7f;
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 64], &[0x16, 3, 1, 2, 0, 1, 0], &large, b"\0\0\0\0\0\0\0\0"]
    {
        let mut stream = raw(&url).await;
        stream.write_all(garbage).await.unwrap();
        stream.shutdown().await.unwrap();
        closed(&mut stream).await;
        assert_eq!(client.add(2, 3).await.unwrap(), 5);
    }
    let mut stream = raw(&url).await;
    stream.write_all(&flipped).await.unwrap();
    stream.shutdown().await.unwrap();
    closed(&mut stream).await;
    assert_eq!(client.add(2, 3).await.unwrap(), 5);
    server.abort();
}

#[tokio::test]
async fn a_peer_that_sends_nothing_more_still_gets_its_answers() {
    let (url, server) = serve(Handler::default(), |builder| builder).await;
    let mut stream = raw(&url).await;
    let calls = [call(), call()].concat();
    stream.write_all(&calls).await.unwrap();
    stream.shutdown().await.unwrap();
    let replies = closed(&mut stream).await;
    let reply = b"\x80\x01\0\x02\0\0\0\x03add\0\0\0\x07\x08\0\0\0\0\0\x05\0";
    assert_eq!(replies.windows(reply.len()).filter(|it| it == reply).count(), 2);
    server.abort();
}

#[tokio::test]
async fn messages_over_the_limits_are_refused_and_the_connection_goes_on() {
    let limits = Limits { message: 64 << 10, ..Limits::DEFAULT };
    let (url, server) = serve(Handler::default(), |builder| builder.limits(limits)).await;
    let channel = Channel::builder(&url).limits(limits).connect().await.unwrap();
    let client = CalculatorClient::new(channel);
    let error = client.greet(&"x".repeat(70_000)).await.unwrap_err();
    assert!(matches!(error.kind(), CallErrorKind::Limit(_)) && !error.was_sent(), "{error}");
    let error = client.greet("large").await.unwrap_err();
    assert_eq!(error.application_exception().unwrap().kind, ApplicationExceptionKind::INTERNAL_ERROR);
    assert_eq!(client.add(2, 3).await.unwrap(), 5);
    server.abort();
}

#[tokio::test]
async fn a_server_that_breaks_the_protocol_ends_its_calls_with_that() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let answers: [&[u8]; 4] = [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\0\0\0\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        // The right form, and a sequence id that no call has.
        b"\0\0\0\x17\x80\x01\0\x02\0\0\0\x03add\0\0\0\x63\x08\0\0\0\0\0\x05\0",
        b"\0\0\0\x17\x80\x01",
    ];
    let server = tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 256];
            let _ = stream.read(&mut buffer).await.unwrap();
            stream.write_all(answer).await.unwrap();
        }
    });
    for _ in answers {
        let client = client(&url).await;
        let AddError::Call(error) = timeout(PATIENCE, client.add(2, 3)).await.unwrap().unwrap_err() else {
            panic!("nothing is declared")
        };
        let is_right = matches!(error.kind(), CallErrorKind::Peer(_) | CallErrorKind::ConnectionLost(_));
        assert!(is_right && error.was_sent(), "{error}");
    }
    server.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_gives_each_call_a_connection_and_each_caller_its_answer() {
    let (url, server) = serve(Handler::default(), |builder| builder.max_open(1)).await;
    let channel = Channel::builder(&url).one_call_a_connection().connections(4).connect().await.unwrap();
    let callers: Vec<_> = (0..16)
        .map(|caller| {
            let client = CalculatorClient::new(channel.clone());
            tokio::spawn(async move {
                for call in 0..50 {
                    assert_eq!(client.add(caller * 1000, call).await.unwrap(), caller * 1000 + call);
                    if call % 10 == 0 {
                        client.log("a line").await.unwrap();
                        // Given up, so its connection is closed.
                        let _ = timeout(Duration::from_millis(1), client.greet("later")).await;
                    }
                }
            })
        })
        .collect();
    for caller in callers {
        timeout(PATIENCE, caller).await.unwrap().unwrap();
    }
    server.abort();
}

#[tokio::test]
async fn a_pool_whose_connections_are_all_taken_waits_no_longer_than_the_call_may() {
    let (url, server) = serve(Handler::default(), |builder| builder).await;
    let channel = Channel::builder(&url).one_call_a_connection().connections(1).connect().await.unwrap();
    let first = CalculatorClient::new(channel.clone());
    let waiting = tokio::spawn(async move { first.greet("never").await });
    sleep(Duration::from_millis(20)).await;
    let hurried = CalculatorClient::new(channel.with_timeout(SHORT));
    let error = hurried.ping().await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    waiting.abort();
    let patient = CalculatorClient::new(channel.with_timeout(PATIENCE));
    patient.ping().await.unwrap();
    server.abort();
}

#[tokio::test]
async fn oneways_wait_while_more_is_unsent_than_may_be() {
    let handler = Handler::default();
    let lines = Arc::clone(&handler.lines);
    let (url, server) = serve(handler, |builder| builder).await;
    let client = client(&url).await;
    let line = "x".repeat(100_000);
    for _ in 0..100 {
        timeout(PATIENCE, client.log(&line)).await.unwrap().unwrap();
    }
    client.ping().await.unwrap();
    assert_eq!(lines.lock().unwrap().len(), 100);
    server.abort();
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_the_next_call_makes_another() {
    let (url, server) = serve(Handler::default(), |builder| builder).await;
    let channel = Channel::builder(&url).idle_timeout(SHORT).max_age(4 * SHORT).connect().await.unwrap();
    let client = CalculatorClient::new(channel);
    for _ in 0..4 {
        client.ping().await.unwrap();
        sleep(2 * SHORT).await;
    }
    server.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_are_larger_than_all_memory_together_get_their_turn_one_by_one() {
    let (url, server) = serve(Handler::default(), |builder| builder.max_memory(1 << 20)).await;
    let name = "x".repeat(2 << 20);
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (url, name) = (url.clone(), name.clone());
            tokio::spawn(async move { client(&url).await.greet(&name).await.map(|text| text.len()) })
        })
        .collect();
    for caller in callers {
        let length = timeout(PATIENCE, caller).await.unwrap().unwrap().unwrap();
        assert_eq!(length, name.len() + "Hello, !".len());
    }
    server.abort();
}

#[tokio::test]
async fn a_large_reply_that_leaves_in_pieces_keeps_no_later_call_waiting() {
    let server = Server::builder(CalculatorServer::new(Handler::default())).bind("memory://in-pieces").await.unwrap();
    let url = server.url();
    let server = tokio::spawn(server.serve());
    let client = client(&url).await;
    let name = "x".repeat(2 << 20);
    for _ in 0..3 {
        let text = timeout(PATIENCE, client.greet(&name)).await.unwrap().unwrap();
        assert_eq!(text.len(), name.len() + "Hello, !".len());
    }
    server.abort();
}
