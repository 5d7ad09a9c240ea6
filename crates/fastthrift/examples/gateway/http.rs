//! As much of HTTP/1.1 as the gateway needs: one request a connection, whose body has its length announced.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const MAX_HEAD: usize = 16 << 10;
const MAX_BODY: usize = 1 << 20;

/// What is asked for.
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) body: String,
}

/// Reads a request, or says what is wrong with it.
pub(crate) async fn read(stream: &mut TcpStream) -> io::Result<Result<Request, &'static str>> {
    let mut received = Vec::new();
    let head_len = loop {
        if let Some(place) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break place + 4;
        }
        if received.len() > MAX_HEAD {
            return Ok(Err("the head is too long"));
        }
        if stream.read_buf(&mut received).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let Ok(head) = std::str::from_utf8(&received[..head_len]) else { return Ok(Err("the head is no text")) };
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some("POST"), Some(path)) = (words.next(), words.next()) else { return Ok(Err("POST is needed")) };
    let path = path.to_owned();
    let length =
        lines.filter_map(|line| line.split_once(':')).find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|(_, length)| length.trim().parse().ok()).filter(|length| *length <= MAX_BODY);
    let Some(length) = length else { return Ok(Err("a Content-Length of at most 1 MiB is needed")) };
    let mut body = received.split_off(head_len);
    while body.len() < length {
        if stream.read_buf(&mut body).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    body.truncate(length);
    Ok(String::from_utf8(body).map(|body| Request { path, body }).map_err(|_| "the body is no text"))
}

/// Writes an answer of JSON, and ends the connection.
pub(crate) async fn write(stream: &mut TcpStream, status: u16, body: &str) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status} \r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}
