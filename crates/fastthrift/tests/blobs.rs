//! Large values beside small ones, over everything that carries them.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "these are tests")]

mod calculator;

use std::time::Duration;

use calculator::{CalculatorClient, CalculatorServer, Handler};
use fastthrift::{Channel, ChannelBuilder, Framing, Protocol, Server, Transform};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_mins(1);

/// A text in which each place can be told from its neighbours.
fn text(len: usize) -> String {
    let numbers = (0..len).step_by(6).flat_map(|number| format!("{number:06}").into_bytes());
    String::from_utf8(numbers.take(len).collect()).unwrap()
}

async fn serve(url: &str) -> String {
    let server = Server::builder(CalculatorServer::new(Handler::default())).bind(url).await.unwrap();
    let url = server.url();
    tokio::spawn(server.serve());
    url
}

/// Calls with large and small values at once over one connection, then one by one.
async fn check(builder: ChannelBuilder) {
    let client = CalculatorClient::new(builder.connect().await.unwrap());
    let mut calls = JoinSet::new();
    for len in [3, 1 << 20, 65_536, 7, 65_500, 300_001, 1, 12] {
        let client = CalculatorClient::new(client.channel().clone());
        calls.spawn(async move { (client.greet(&text(len)).await.unwrap(), len) });
    }
    while let Some(called) = timeout(PATIENCE, calls.join_next()).await.unwrap() {
        let (greeting, len) = called.unwrap();
        assert!(greeting == format!("Hello, {}!", text(len)), "{len}");
    }
    for len in [300_000, 9, 70_000, 70_000, 1] {
        let greeting = timeout(PATIENCE, client.greet(&text(len))).await.unwrap().unwrap();
        assert!(greeting == format!("Hello, {}!", text(len)), "{len}");
    }
}

#[tokio::test]
async fn large_and_small_values_arrive_whole_over_every_framing_and_socket() {
    let path = std::env::temp_dir().join(format!("fastthrift-blobs-{}.sock", std::process::id()));
    for url in ["tcp://127.0.0.1:0", &format!("unix://{}", path.display()), "memory://blobs"] {
        let url = serve(url).await;
        for protocol in [Protocol::Binary, Protocol::Compact, Protocol::Json] {
            for framing in [Framing::Framed, Framing::Unframed, Framing::Header] {
                check(Channel::builder(&url).protocol(protocol).framing(framing)).await;
            }
        }
        check(Channel::builder(&url).zlib()).await;
        check(Channel::builder(&url).framing(Framing::Header).transforms(&[Transform::Zlib])).await;
        check(Channel::builder(&url).one_call_a_connection().connections(2)).await;
    }
    check(Channel::builder(&serve("http://127.0.0.1:0/").await)).await;
}

/// Hands bytes on in small pieces of odd sizes.
async fn dribble(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin) {
    let mut buffer = vec![0; 5003];
    loop {
        let len = from.read(&mut buffer).await.unwrap_or(0);
        if len == 0 {
            return;
        }
        let (first, second) = buffer[..len].split_at(len / 3);
        for part in [first, second] {
            if to.write_all(part).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn large_values_that_come_in_small_pieces_arrive_whole() {
    let url = serve("tcp://127.0.0.1:0").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let between = format!("tcp://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (near, _) = listener.accept().await.unwrap();
            let far = TcpStream::connect(url.trim_start_matches("tcp://")).await.unwrap();
            let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
            tokio::spawn(dribble(from_near, to_far));
            tokio::spawn(dribble(from_far, to_near));
        }
    });
    for framing in [Framing::Framed, Framing::Unframed, Framing::Header] {
        check(Channel::builder(&between).framing(framing)).await;
    }
}

#[tokio::test]
async fn a_large_reply_that_is_cut_off_fails_its_call_and_those_beside_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 256]).await.unwrap();
        stream.write_all(b"\x06\x40\0\0\x80\x01\0\x02\0\0\0\x05greet\0\0\0\x01\x0b\0\0").await.unwrap();
        stream.write_all(&vec![b'x'; 500_000]).await.unwrap();
        // Until there is a call beside it.
        let _ = stream.read(&mut [0; 256]).await.unwrap();
    });
    let client = CalculatorClient::new(Channel::connect(&url).await.unwrap());
    let (large, small) = tokio::join!(timeout(PATIENCE, client.greet("Ada")), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        timeout(PATIENCE, client.ping()).await
    });
    server.await.unwrap();
    assert!(large.unwrap().is_err() && small.unwrap().is_err());
}
