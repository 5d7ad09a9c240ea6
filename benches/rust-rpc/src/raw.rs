//! Sockets of tokio and nothing else: the least that a call costs.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::load::Call;

/// The bytes of a call in a frame.
const FRAME: usize = 124;

async fn echo(mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(count) = stream.read(&mut buffer).await {
        if count == 0 || stream.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

/// Serves until the process ends.
pub async fn serve(url: &str, ready: impl FnOnce(&str)) {
    if let Some(path) = url.strip_prefix("unix://") {
        let listener = UnixListener::bind(path).expect("the address is free");
        ready(url);
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(echo(stream));
        }
        return;
    }
    let listener = TcpListener::bind(url.trim_start_matches("tcp://")).await.expect("the address is free");
    ready(&format!("tcp://{}", listener.local_addr().expect("it is bound")));
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).expect("it is a socket");
        tokio::spawn(echo(stream));
    }
}

/// A caller, with a connection of its own.
pub enum Caller {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over a UNIX socket.
    Unix(UnixStream),
}

impl Caller {
    /// Callers with a connection each.
    pub async fn all(url: &str, callers: usize) -> Vec<Self> {
        let mut all = Vec::new();
        for _ in 0..callers {
            all.push(match url.strip_prefix("unix://") {
                Some(path) => Self::Unix(UnixStream::connect(path).await.expect("the server is there")),
                None => {
                    let address = url.trim_start_matches("tcp://");
                    let stream = TcpStream::connect(address).await.expect("the server is there");
                    stream.set_nodelay(true).expect("it is a socket");
                    Self::Tcp(stream)
                }
            });
        }
        all
    }
}

async fn exchange(stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin)) {
    // Room for more than the reply: a read that does not fill its buffer tells tokio that nothing is left to read.
    let mut buffer = [7; 2 * FRAME];
    stream.write_all(&buffer[..FRAME]).await.expect("the server is there");
    let mut count = 0;
    while count < FRAME {
        let more = stream.read(&mut buffer[count..]).await.expect("the server answers");
        assert_ne!(more, 0, "the server answers");
        count += more;
    }
}

impl Call for Caller {
    async fn call(&mut self) {
        match self {
            Self::Tcp(stream) => exchange(stream).await,
            Self::Unix(stream) => exchange(stream).await,
        }
    }
}
