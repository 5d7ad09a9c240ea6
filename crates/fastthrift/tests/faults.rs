//! Callers through a proxy that delays, trickles, cuts, duplicates, reorders and breaks frames: each call ends in its own answer
//! or an error, by its deadline.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "these are tests")]

mod calculator;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use calculator::{AddError, CalculatorClient, CalculatorServer, Handler};
use fastthrift::{Channel, Server};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};

const CALLERS: i32 = 64;
const CALLS: i32 = 25;
const DEADLINE: Duration = Duration::from_millis(500);
/// A deadline and what a loaded machine may take besides.
const PATIENCE: Duration = Duration::from_secs(20);

/// Numbers that look like chance, the same on each run.
#[derive(Clone)]
struct Chances(Arc<AtomicU64>);

impl Chances {
    /// A number below this.
    fn below(&self, limit: u64) -> u64 {
        let mut number = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (number ^ (number >> 31)) % limit
    }
}

/// Passes frames on, and does what it should not to one of `rarity`.
async fn pass<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(mut from: R, mut to: W, chances: Chances, rarity: u64) {
    let mut held: Option<Vec<u8>> = None;
    loop {
        let mut length = [0; 4];
        if from.read_exact(&mut length).await.is_err() {
            return;
        }
        let size = usize::try_from(u32::from_be_bytes(length)).unwrap();
        let mut frame = length.to_vec();
        frame.resize(4 + size, 0);
        if from.read_exact(&mut frame[4..]).await.is_err() {
            return;
        }
        let mut frames = vec![frame.clone()];
        match chances.below(rarity) {
            0 => sleep(Duration::from_millis(chances.below(40))).await,
            1 => {
                for byte in &frame {
                    if to.write_all(&[*byte]).await.is_err() {
                        return;
                    }
                }
                frames.clear();
            }
            2 => {
                let cut = usize::try_from(chances.below(frame.len() as u64)).unwrap();
                let _ = to.write_all(&frame[..cut]).await;
                return;
            }
            3 => frames.push(frame),
            4 => held = frames.pop(),
            // Its type, so that it is no message any more.
            5 => frames[0][4] ^= 0xff,
            6 => frames.clear(),
            _ => {}
        }
        if held.is_some() && frames.is_empty() {
            continue;
        }
        for frame in frames.into_iter().chain(held.take()) {
            if to.write_all(&frame).await.is_err() {
                return;
            }
        }
    }
}

/// A proxy to a server; its URL.
async fn proxy(url: String, rarity: u64) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = format!("tcp://{}", listener.local_addr().unwrap());
    let chances = Chances(Arc::new(AtomicU64::new(7)));
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let Ok(server) = TcpStream::connect(url.trim_start_matches("tcp://")).await else { continue };
            let (client_read, client_write) = client.into_split();
            let (server_read, server_write) = server.into_split();
            tokio::spawn(pass(client_read, server_write, chances.clone(), rarity));
            tokio::spawn(pass(server_read, client_write, chances.clone(), rarity));
        }
    });
    own
}

/// How many calls had their answer.
async fn call_all(channel: Channel) -> i32 {
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let client = CalculatorClient::new(channel.with_timeout(DEADLINE));
            tokio::spawn(async move {
                let mut answered = 0;
                for call in 0..CALLS {
                    let begin = Instant::now();
                    match timeout(PATIENCE, client.add(caller * 100_000, call)).await.expect("it ends by its deadline")
                    {
                        Ok(sum) => {
                            assert_eq!(sum, caller * 100_000 + call, "an answer to another call");
                            answered += 1;
                        }
                        Err(AddError::Call(_)) => {}
                        Err(AddError::Overflow(overflow)) => panic!("an answer to another call: {overflow:?}"),
                    }
                    assert!(begin.elapsed() < PATIENCE);
                }
                answered
            })
        })
        .collect();
    let mut answered = 0;
    for caller in callers {
        answered += caller.await.unwrap();
    }
    answered
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_gets_the_answer_to_another_whatever_happens_to_frames() {
    let server = Server::builder(CalculatorServer::new(Handler::default())).bind("tcp://127.0.0.1:0").await.unwrap();
    let url = server.url();
    let serving = tokio::spawn(server.serve());
    // What ends a connection ends all its calls, so where they share one that is rarer.
    let shared = Channel::builder(&proxy(url.clone(), 4000).await).connect().await.unwrap();
    let few = Channel::builder(&proxy(url.clone(), 500).await).connections(8).connect().await.unwrap();
    let pooled = Channel::builder(&proxy(url.clone(), 60).await).one_call_a_connection().connect().await.unwrap();
    for channel in [shared, few, pooled] {
        let answered = call_all(channel).await;
        assert!(answered > CALLERS * CALLS / 4, "only {answered} calls were answered");
    }
    // The server is none the worse for it.
    let client = CalculatorClient::new(Channel::connect(&url).await.unwrap());
    assert_eq!(client.add(2, 3).await.unwrap(), 5);
    serving.abort();
}
