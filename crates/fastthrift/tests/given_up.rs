//! Connections of calls that were given up: they end, and their places are free again.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "these are tests")]

mod calculator;

use std::time::Duration;

use calculator::{AddError, CalculatorClient};
use fastthrift::{CallErrorKind, Channel, ChannelBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(60);

/// A server that answers nothing by itself, and a channel to it that has one connection.
async fn silence(scheme: &str, change: impl FnOnce(ChannelBuilder) -> ChannelBuilder) -> (TcpListener, Channel) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("{scheme}://{}", listener.local_addr().unwrap());
    let builder = Channel::builder(&url).one_call_a_connection().connections(1);
    (listener, change(builder).lazy().unwrap())
}

async fn accept(listener: &TcpListener) -> TcpStream {
    timeout(PATIENCE, listener.accept()).await.expect("the client connects").unwrap().0
}

/// Waits until the client closes the connection.
async fn closed(stream: &mut TcpStream) {
    let mut received = Vec::new();
    // It may be reset, too.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut received)).await.expect("the client closes the connection");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_whose_reply_trickles_past_the_deadline_is_closed() {
    let (listener, channel) = silence("tcp", |builder| builder.timeout(SHORT)).await;
    let call = tokio::spawn(async move { CalculatorClient::new(channel).add(2, 3).await });
    let mut stream = accept(&listener).await;
    // A frame that is not over by then.
    stream.write_all(&[0, 1, 0, 0]).await.unwrap();
    let trickle = async {
        while stream.write_all(&[0x80]).await.is_ok() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, trickle).await.expect("the client closes the connection");
    assert!(matches!(call.await.unwrap(), Err(AddError::Call(error)) if error.is_timeout()));
}

#[tokio::test]
async fn a_oneway_whose_response_does_not_come_in_time_gives_its_connection_up() {
    let (listener, channel) = silence("http", |builder| builder.timeout(SHORT)).await;
    let client = CalculatorClient::new(channel);
    let (logged, mut first) = tokio::join!(client.log("a line"), accept(&listener));
    logged.unwrap();
    closed(&mut first).await;
    let (outcome, _second) = tokio::join!(client.ping(), accept(&listener));
    assert!(matches!(outcome.unwrap_err().kind(), CallErrorKind::Timeout));
}

#[tokio::test]
async fn a_oneway_whose_response_does_not_come_holds_up_no_call() {
    let (listener, channel) = silence("http", |builder| builder).await;
    let client = CalculatorClient::new(channel);
    let (logged, mut first) = tokio::join!(client.log("a line"), accept(&listener));
    logged.unwrap();
    let pinging = tokio::spawn(async move { (client.ping().await, client) });
    let mut second = accept(&listener).await;
    // The call is sent before its reply is.
    timeout(PATIENCE, second.read_u8()).await.expect("the call is sent").unwrap();
    let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n\x80\x01\0\x02\0\0\0\x04ping\0\0\0\x01\0";
    second.write_all(reply).await.unwrap();
    let (outcome, _client) = timeout(PATIENCE, pinging).await.expect("the call is answered").unwrap();
    outcome.unwrap();
    // There is one too many now.
    first.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    closed(&mut first).await;
}

#[cfg(feature = "blocking")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_oneway_of_a_client_that_blocks_waits_for_no_response_either() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let calling = tokio::task::spawn_blocking(move || {
        let channel = fastthrift::blocking::Channel::builder(&url).timeout(PATIENCE).lazy().unwrap();
        let client = calculator::BlockingCalculatorClient::new(channel);
        client.log("a line").unwrap();
        client.add(1, 2).unwrap_err()
    });
    let mut first = accept(&listener).await;
    let mut second = accept(&listener).await;
    closed(&mut first).await;
    second.read_u8().await.unwrap();
    drop(second);
    let error = timeout(PATIENCE, calling).await.expect("it does not wait").unwrap();
    assert!(matches!(error, AddError::Call(error) if matches!(error.kind(), CallErrorKind::ConnectionLost(_))));
}

#[tokio::test]
async fn a_channel_that_is_dropped_waits_for_no_response_to_a_oneway() {
    let (listener, channel) = silence("http", |builder| builder).await;
    let client = CalculatorClient::new(channel);
    let (logged, mut stream) = tokio::join!(client.log("a line"), accept(&listener));
    logged.unwrap();
    drop(client);
    closed(&mut stream).await;
}

#[tokio::test]
async fn a_call_that_nobody_takes_is_not_sent_for_ever() {
    let (listener, channel) = silence("tcp", |builder| builder.timeout(SHORT)).await;
    let client = CalculatorClient::new(channel);
    let name = "x".repeat(32 << 20);
    let (outcome, _unread) = tokio::join!(client.greet(&name), accept(&listener));
    assert!(matches!(outcome.unwrap_err().kind(), CallErrorKind::Timeout));
    // There is one place, so the next call has a connection only if that one is gone.
    let (outcome, _second) = tokio::join!(client.ping(), accept(&listener));
    assert!(matches!(outcome.unwrap_err().kind(), CallErrorKind::Timeout));
}
