//! Clients that say who they are before their first call.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "these are tests")]

mod calculator;

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use calculator::{CalculatorClient, CalculatorServer, Handler};
use fastthrift::{Channel, Framing, PlainLogin, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// Lets Ada in, after a while.
async fn check(login: PlainLogin) -> bool {
    yield_now().await;
    login.username == "ada" && login.password == "swordfish" && ["", "bob"].contains(&login.authorization.as_str())
}

async fn serve(handler: Handler) -> (String, JoinHandle<()>) {
    let server = Server::builder(CalculatorServer::new(handler)).sasl_plain(check);
    let server = server.bind("tcp://127.0.0.1:0").await.unwrap();
    (server.url(), tokio::spawn(server.serve()))
}

async fn client(url: &str, password: &str) -> CalculatorClient {
    CalculatorClient::new(Channel::builder(url).sasl_plain("ada", password).unwrap().connect().await.unwrap())
}

#[tokio::test]
async fn a_client_with_the_right_password_is_let_in_and_known() {
    let (url, server) = serve(Handler::default()).await;
    let client = client(&url, "swordfish").await;
    assert_eq!(client.add(2, 3).await.unwrap(), 5);
    assert_eq!(client.greet("user").await.unwrap(), "ada");
    server.abort();
}

#[tokio::test]
async fn a_client_with_another_password_is_told_no_and_calls_nothing() {
    let handler = Handler::default();
    let lines = Arc::clone(&handler.lines);
    let (url, server) = serve(handler).await;
    let client = client(&url, "guess").await;
    let _ = client.log("a line").await;
    let error = timeout(PATIENCE, client.ping()).await.unwrap().unwrap_err();
    assert!(error.to_string().contains("the name or the password is wrong"), "{error}");
    assert!(lines.lock().unwrap().is_empty());
    server.abort();
}

#[tokio::test]
async fn a_client_that_says_nothing_of_itself_is_not_served() {
    let (url, server) = serve(Handler::default()).await;
    let client = CalculatorClient::new(Channel::connect(&url).await.unwrap());
    timeout(PATIENCE, client.ping()).await.unwrap().unwrap_err();
    server.abort();
}

/// A frame of the handshake.
fn frame(status: u8, content: &[u8]) -> Vec<u8> {
    [&[status][..], &u32::try_from(content.len()).unwrap().to_be_bytes(), content].concat()
}

#[tokio::test]
async fn a_client_may_act_for_another_where_that_is_allowed() {
    let (url, server) = serve(Handler::default()).await;
    for (response, status) in [(&b"bob\0ada\0swordfish"[..], 5), (b"eve\0ada\0swordfish", 3), (b"ada", 3)] {
        let mut stream = TcpStream::connect(url.trim_start_matches("tcp://")).await.unwrap();
        stream.write_all(&[frame(1, b"PLAIN"), frame(2, response)].concat()).await.unwrap();
        let mut told = [0];
        timeout(PATIENCE, stream.read_exact(&mut told)).await.unwrap().unwrap();
        assert_eq!(told, [status], "{response:?}");
    }
    server.abort();
}

#[tokio::test]
async fn a_call_that_is_made_while_the_client_says_who_it_is_goes_out_afterwards() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let client = client(&url, "swordfish").await;
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut hello = vec![0; frame(1, b"PLAIN").len() + frame(2, b"\0ada\0swordfish").len()];
    timeout(PATIENCE, stream.read_exact(&mut hello)).await.unwrap().unwrap();
    let mut pinging = Box::pin(client.ping());
    assert!(poll_fn(|cx| Poll::Ready(pinging.as_mut().poll(cx).is_pending())).await);
    stream.write_all(&frame(5, b"")).await.unwrap();
    let answer = async {
        let mut call = [0; 21];
        stream.read_exact(&mut call).await.unwrap();
        stream.write_all(b"\0\0\0\x11\x80\x01\0\x02\0\0\0\x04ping\0\0\0\x01\0").await.unwrap();
    };
    let (outcome, ()) = timeout(PATIENCE, async { tokio::join!(pinging, answer) }).await.expect("the call goes out");
    outcome.unwrap();
}

#[tokio::test]
async fn a_server_of_http_asks_nobody_who_it_is() {
    let server = Server::builder(CalculatorServer::new(Handler::default())).sasl_plain(check);
    assert!(server.bind("http://127.0.0.1:0/").await.is_err());
}

#[tokio::test]
async fn a_login_that_cannot_be_is_refused_before_a_password_is_sent() {
    let builder = |url| Channel::builder(url).sasl_plain("ada", "swordfish").unwrap();
    let refused = [
        builder("http://127.0.0.1:1/").lazy(),
        builder("tcp://127.0.0.1:1").framing(Framing::Header).lazy(),
        builder("tcp://127.0.0.1:1").zlib().framing(Framing::Framed).lazy(),
    ];
    let texts = refused.map(|channel| channel.unwrap_err().to_string());
    assert_eq!(
        texts[0],
        "cannot connect: SASL is not for http://127.0.0.1:1/: HTTP has a header for that, Authorization"
    );
    for text in &texts[1..] {
        assert_eq!(text, "cannot connect: SASL has frames of its own, so that the framing is Framed, without zlib");
    }
    #[cfg(feature = "blocking")]
    {
        let builder = fastthrift::blocking::Channel::builder("https://127.0.0.1:1/").sasl_plain("ada", "swordfish");
        assert!(builder.unwrap().lazy().unwrap_err().to_string().contains("SASL is not for https://127.0.0.1:1/"));
    }
    let server = Server::builder(CalculatorServer::new(Handler::default())).sasl_plain(check);
    assert!(server.framing(Framing::Header).bind("tcp://127.0.0.1:0").await.is_err());
}

#[test]
fn passwords_are_not_printed() {
    let login = PlainLogin { username: "ada".into(), password: "hidden".into(), authorization: String::new() };
    assert!(!format!("{login:?}").contains("hidden"));
}

#[cfg(feature = "blocking")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocking_client_sends_its_first_oneway_once_it_was_let_in() {
    let handler = Handler::default();
    let lines = Arc::clone(&handler.lines);
    let (url, server) = serve(handler).await;
    let calls = tokio::task::spawn_blocking(move || {
        let builder = fastthrift::blocking::Channel::builder(&url).sasl_plain("ada", "swordfish").unwrap();
        let channel = builder.timeout(PATIENCE).lazy().unwrap();
        calculator::BlockingCalculatorClient::new(channel).log("a line").unwrap();
    });
    calls.await.unwrap();
    let logged = async {
        while lines.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(PATIENCE, logged).await.expect("the server gets it");
    server.abort();
}
