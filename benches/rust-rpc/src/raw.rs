//! Sockets of tokio and nothing else: the least that a call costs, or with its values the least that a runtime adds to.

use fastthrift::codec::{decode_prefix, encode_into};
use fastthrift::{Limits, Protocol};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::load::Call;
use crate::ours::{self, Message};

/// The bytes of a call in a frame; those before the message, which are the frame's, the call's and the field's; and the one after it,
/// which ends the arguments.
const FRAME: usize = HEADER + 100 + 1;
const HEADER: usize = 23;

async fn echo(mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin, has_values: bool) {
    let mut buffer = vec![0; 16 << 10];
    let mut written = Vec::new();
    while let Ok(count) = stream.read(&mut buffer).await {
        if count == 0 {
            return;
        }
        let mut reply = &buffer[..count];
        if has_values {
            assert_eq!(count, FRAME, "a frame comes in one piece");
            write(&read(reply), &mut written);
            reply = &written;
        }
        if stream.write_all(reply).await.is_err() {
            return;
        }
    }
}

/// Reads the message in a frame.
fn read(frame: &[u8]) -> Message {
    decode_prefix(Protocol::Binary, &frame[HEADER..], Limits::default()).expect("a message came").0
}

/// Writes a message into a frame, of which the other bytes say nothing.
fn write(message: &Message, frame: &mut Vec<u8>) {
    frame.clear();
    frame.resize(HEADER, 7);
    encode_into(Protocol::Binary, message, frame).expect("the message can be written");
    frame.push(0);
}

/// Serves until the process ends.
pub async fn serve(url: &str, has_values: bool, ready: impl FnOnce(&str)) {
    if let Some(path) = url.strip_prefix("unix://") {
        let listener = UnixListener::bind(path).expect("the address is free");
        ready(url);
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(echo(stream, has_values));
        }
        return;
    }
    let listener = TcpListener::bind(url.trim_start_matches("tcp://")).await.expect("the address is free");
    ready(&format!("tcp://{}", listener.local_addr().expect("it is bound")));
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).expect("it is a socket");
        tokio::spawn(echo(stream, has_values));
    }
}

/// A caller, with a connection of its own.
pub struct Caller {
    stream: Stream,
    /// What it sends, if that is more than bytes.
    message: Option<Message>,
    frame: Vec<u8>,
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Caller {
    /// Callers with a connection each.
    pub async fn all(url: &str, callers: usize, has_values: bool) -> Vec<Self> {
        let mut all = Vec::new();
        for _ in 0..callers {
            let stream = match url.strip_prefix("unix://") {
                Some(path) => Stream::Unix(UnixStream::connect(path).await.expect("the server is there")),
                None => {
                    let address = url.trim_start_matches("tcp://");
                    let stream = TcpStream::connect(address).await.expect("the server is there");
                    stream.set_nodelay(true).expect("it is a socket");
                    Stream::Tcp(stream)
                }
            };
            all.push(Self { stream, message: has_values.then(ours::message), frame: vec![7; FRAME] });
        }
        all
    }
}

async fn exchange(
    stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin),
    message: Option<&Message>,
    frame: &mut Vec<u8>,
) {
    if let Some(message) = message {
        write(message, frame);
    }
    stream.write_all(frame).await.expect("the server is there");
    // Room for more than the reply: a read that does not fill its buffer tells tokio that nothing is left to read.
    let mut buffer = [0; 2 * FRAME];
    let mut count = 0;
    while count < FRAME {
        let more = stream.read(&mut buffer[count..]).await.expect("the server answers");
        assert_ne!(more, 0, "the server answers");
        count += more;
    }
    if let Some(message) = message {
        assert_eq!(read(&buffer[..FRAME]).id, message.id);
    }
}

impl Call for Caller {
    async fn call(&mut self) {
        let Self { stream, message, frame } = self;
        match stream {
            Stream::Tcp(stream) => exchange(stream, message.as_ref(), frame).await,
            Stream::Unix(stream) => exchange(stream, message.as_ref(), frame).await,
        }
    }
}
