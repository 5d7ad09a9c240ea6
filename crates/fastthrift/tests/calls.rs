//! Calls from generated clients to generated servers.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "these are tests")]

mod calculator;

use std::future::Future;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use calculator::{AddError, CalculatorClient, CalculatorServer, Handler};
use fastthrift::{ApplicationExceptionKind, CallErrorKind, Channel, Server};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(20);

async fn serve(handler: Handler) -> (String, JoinHandle<()>) {
    let server = Server::builder(CalculatorServer::new(handler)).bind("tcp://127.0.0.1:0").await.unwrap();
    (server.url(), tokio::spawn(server.serve()))
}

async fn client(url: &str) -> CalculatorClient {
    CalculatorClient::new(Channel::connect(url).await.unwrap())
}

/// Waits until it is so.
async fn until(is_so: impl Fn() -> bool) {
    timeout(PATIENCE, async {
        while !is_so() {
            sleep(Duration::from_millis(2)).await;
        }
    })
    .await
    .expect("it becomes so");
}

#[tokio::test]
async fn calls_are_answered_by_values_exceptions_and_nothing() {
    let handler = Handler::default();
    let lines = Arc::clone(&handler.lines);
    let (url, server) = serve(handler).await;
    let client = client(&url).await;
    client.ping().await.unwrap();
    assert_eq!(client.add(2, 3).await.unwrap(), 5);
    assert_eq!(client.greet("Ada").await.unwrap(), "Hello, Ada!");
    let AddError::Overflow(overflow) = client.add(i32::MAX, 1).await.unwrap_err() else { panic!("declared") };
    assert_eq!(overflow.limit, i32::MAX);
    client.log("a line").await.unwrap();
    client.ping().await.unwrap();
    assert_eq!(*lines.lock().unwrap(), ["a line"]);
    server.abort();
}

#[tokio::test]
async fn a_handler_that_fails_or_panics_answers_so_and_the_connection_goes_on() {
    let (url, server) = serve(Handler::default()).await;
    let client = client(&url).await;
    for (name, text) in [("error", "no names today"), ("panic", "the handler panicked")] {
        let error = client.greet(name).await.unwrap_err();
        let exception = error.application_exception().unwrap();
        assert_eq!((exception.kind, &*exception.message), (ApplicationExceptionKind::INTERNAL_ERROR, text));
    }
    assert_eq!(client.greet("Ada").await.unwrap(), "Hello, Ada!");
    server.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_share_a_connection_and_each_gets_its_own_answer() {
    let (url, server) = serve(Handler::default()).await;
    let client = client(&url).await;
    let callers: Vec<_> = (0..64)
        .map(|caller| {
            let client = client.clone();
            tokio::spawn(async move {
                for call in 0..200 {
                    assert_eq!(client.add(caller * 1000, call).await.unwrap(), caller * 1000 + call);
                    if call % 20 == caller % 20 {
                        assert_eq!(client.greet("later").await.unwrap(), "Hello, later!");
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
async fn a_call_that_is_given_up_leaves_the_connection_right() {
    let handler = Handler::default();
    let running = Arc::clone(&handler.running);
    let (url, server) = serve(handler).await;
    let client = client(&url).await;
    for _ in 0..10 {
        assert!(timeout(Duration::from_millis(1), client.greet("later")).await.is_err());
        assert_eq!(client.add(1, 1).await.unwrap(), 2);
    }
    let never = tokio::spawn({
        let client = client.clone();
        async move { client.greet("never").await }
    });
    until(|| running.load(Ordering::SeqCst) > 0).await;
    never.abort();
    assert_eq!(client.add(1, 2).await.unwrap(), 3);
    // A server that ends takes its handlers with it.
    server.abort();
    until(|| running.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn a_call_ends_by_its_timeout_and_a_late_reply_is_dropped() {
    let (url, server) = serve(Handler::default()).await;
    let channel = Channel::connect(&url).await.unwrap();
    let hurried = CalculatorClient::new(channel.with_timeout(Duration::from_millis(1)));
    let error = hurried.greet("later").await.unwrap_err();
    assert!(error.is_timeout() && error.was_sent());
    let patient = CalculatorClient::new(channel.with_timeout(PATIENCE));
    assert_eq!(patient.greet("later").await.unwrap(), "Hello, later!");
    server.abort();
}

#[tokio::test]
async fn a_lost_connection_ends_its_calls_and_is_made_anew() {
    let (url, server) = serve(Handler::default()).await;
    let client = client(&url).await;
    let never = tokio::spawn({
        let client = client.clone();
        async move { client.greet("never").await }
    });
    client.ping().await.unwrap();
    server.abort();
    let error = timeout(PATIENCE, never).await.unwrap().unwrap().unwrap_err();
    assert!(error.was_sent(), "{error}");
    assert!(server.await.unwrap_err().is_cancelled());
    let error = client.ping().await.unwrap_err();
    assert!(!error.was_sent(), "{error}");
    let again = Server::builder(CalculatorServer::new(Handler::default())).bind(&url).await.unwrap();
    let again = tokio::spawn(again.serve());
    client.ping().await.unwrap();
    again.abort();
}

#[test]
fn a_oneway_of_a_program_that_ends_at_once_is_sent() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { client(&url).await.log("a line").await.unwrap() });
    drop(runtime);
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).unwrap();
    assert!(received.windows(6).any(|bytes| bytes == b"a line"), "{received:?}");
}

#[tokio::test]
async fn a_channel_is_closed_when_its_calls_are_over_and_its_oneways_sent() {
    let handler = Handler::default();
    let (lines, running) = (Arc::clone(&handler.lines), Arc::clone(&handler.running));
    let (url, server) = serve(handler).await;
    let channel = Channel::connect(&url).await.unwrap();
    let client = CalculatorClient::new(channel.clone());
    let asked = tokio::spawn({
        let client = client.clone();
        async move { client.greet("slowly").await }
    });
    until(|| running.load(Ordering::SeqCst) == 1).await;
    for _ in 0..10 {
        client.log("a line").await.unwrap();
    }
    channel.flush().await.unwrap();
    timeout(PATIENCE, channel.close()).await.unwrap();
    assert_eq!(asked.await.unwrap().unwrap(), "Hello, slowly!");
    until(|| lines.lock().unwrap().len() == 10).await;
    let error = client.ping().await.unwrap_err();
    assert!(matches!(error.kind(), CallErrorKind::Connect(_)) && !error.was_sent(), "{error}");
    server.abort();
}

#[tokio::test]
async fn a_caller_who_does_not_go_on_holds_up_no_other() {
    let (url, server) = serve(Handler::default()).await;
    let client = client(&url).await;
    client.ping().await.unwrap();
    let mut idle = Box::pin(client.greet("later"));
    // It was asked once, and sent its call; then it is left alone.
    assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(idle.as_mut().poll(cx).is_pending())).await);
    assert_eq!(timeout(PATIENCE, client.add(2, 3)).await.unwrap().unwrap(), 5);
    assert_eq!(timeout(PATIENCE, idle).await.unwrap().unwrap(), "Hello, later!");
    server.abort();
}
