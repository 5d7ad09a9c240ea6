use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use fastthrift_protocol::ApplicationException;
use fastthrift_rpc::{
    CallError, CallId, ClientConfig, ClientConnection, ClientEvent, ConnectionError, Headers, ReplyError, Request,
    RequestId, ServerConfig, ServerConnection,
};

use crate::conversation::owned::{begin_call, incoming, outcome, reply_with};
use crate::conversation::{Driver, Incoming, Outcome, Outgoing};

/// How long a driver waits before it says that nothing comes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Bytes to make room for before each read.
const READ_SIZE: usize = 4096;

/// A client's connection on a blocking socket.
#[derive(Debug)]
pub struct BlockingClient {
    stream: TcpStream,
    connection: ClientConnection,
    epoch: Instant,
}

impl BlockingClient {
    /// A client on a connected socket.
    pub fn new(stream: TcpStream, config: ClientConfig) -> Self {
        Self { stream, connection: ClientConnection::new(config), epoch: Instant::now() }
    }

    /// Sends what is outbound and waits for the next event.
    pub fn event(&mut self) -> Result<ClientEvent, ConnectionError> {
        loop {
            self.flush();
            if let Some(event) = self.connection.poll_event(self.epoch.elapsed())? {
                return Ok(event);
            }
            self.receive();
        }
    }

    fn flush(&mut self) {
        // When the peer is gone, the next read says so.
        let _ = self.stream.write_all(self.connection.outbound());
        self.connection.advance_outbound(self.connection.outbound().len());
    }

    fn receive(&mut self) {
        let now = self.epoch.elapsed();
        let wait = self.connection.next_deadline().map_or(PATIENCE, |deadline| deadline.saturating_sub(now));
        match read(&mut self.stream, self.connection.receive_buffer(READ_SIZE), wait) {
            Ok(Some(0)) | Err(_) => self.connection.receive_eof(),
            Ok(Some(count)) => self.connection.received(count),
            Ok(None) => assert!(wait < PATIENCE, "no event comes"),
        }
    }
}

/// A server's connection on a blocking socket.
#[derive(Debug)]
pub struct BlockingServer {
    stream: TcpStream,
    connection: ServerConnection,
}

impl BlockingServer {
    /// A server on an accepted socket.
    pub fn new(stream: TcpStream, config: ServerConfig) -> Self {
        Self { stream, connection: ServerConnection::new(config) }
    }

    /// Sends what is outbound and waits for the next request; `None` when there will be none.
    pub fn request(&mut self) -> Result<Option<Request>, ConnectionError> {
        loop {
            let request = self.connection.poll_event();
            self.flush();
            if let Some(request) = request? {
                return Ok(Some(request));
            }
            if self.connection.is_finished() {
                return Ok(None);
            }
            self.receive();
        }
    }

    fn flush(&mut self) {
        // When the peer is gone, the next read says so.
        let _ = self.stream.write_all(self.connection.outbound());
        self.connection.advance_outbound(self.connection.outbound().len());
    }

    fn receive(&mut self) {
        match read(&mut self.stream, self.connection.receive_buffer(READ_SIZE), PATIENCE) {
            Ok(Some(0)) | Err(_) => self.connection.receive_eof(),
            Ok(Some(count)) => self.connection.received(count),
            Ok(None) => panic!("no request comes"),
        }
    }
}

/// Reads once; `None` when nothing came in this time.
fn read(stream: &mut TcpStream, buffer: &mut [u8], wait: Duration) -> io::Result<Option<usize>> {
    stream.set_read_timeout(Some(wait.max(Duration::from_millis(1))))?;
    match stream.read(buffer) {
        Ok(count) => Ok(Some(count)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A client and a server on the two ends of a TCP connection, both driven by one thread.
#[derive(Debug)]
pub struct BlockingPair {
    client: BlockingClient,
    server: BlockingServer,
}

impl BlockingPair {
    /// Connects the two over the loopback interface.
    pub fn connect(client: ClientConfig, server: ServerConfig) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let outgoing = TcpStream::connect(listener.local_addr()?)?;
        let (accepted, _) = listener.accept()?;
        outgoing.set_nodelay(true)?;
        accepted.set_nodelay(true)?;
        Ok(Self { client: BlockingClient::new(outgoing, client), server: BlockingServer::new(accepted, server) })
    }
}

impl Driver for BlockingPair {
    fn call(&mut self, call: Outgoing<'_>) -> Result<CallId, CallError> {
        let now = self.now();
        let id = begin_call(&mut self.client.connection, call, now);
        self.client.flush();
        id
    }

    fn cancel(&mut self, call: CallId) -> bool {
        self.client.connection.cancel(call)
    }

    fn event(&mut self) -> Result<Outcome, ConnectionError> {
        self.server.flush();
        let event = self.client.event()?;
        Ok(outcome(&self.client.connection, event))
    }

    fn failed_calls(&mut self) -> Vec<CallId> {
        self.client.connection.drain_failed()
    }

    fn request(&mut self) -> Result<Option<Incoming>, ConnectionError> {
        let request = self.server.request()?;
        Ok(request.map(|request| incoming(&self.server.connection, request)))
    }

    fn reply(&mut self, request: RequestId, body: &[u8], headers: &Headers) -> Result<(), ReplyError> {
        reply_with(&mut self.server.connection, request, body, headers)
    }

    fn reply_exception(&mut self, request: RequestId, exception: &ApplicationException) -> Result<(), ReplyError> {
        self.server.connection.reply_exception(request, exception)
    }

    fn finish_oneway(&mut self, request: RequestId) -> Result<(), ReplyError> {
        self.server.connection.finish_oneway(request)
    }

    fn send_raw_to_client(&mut self, bytes: &[u8]) {
        self.server.flush();
        self.server.stream.write_all(bytes).expect("the client is there");
    }

    fn send_raw_to_server(&mut self, bytes: &[u8]) {
        self.client.flush();
        self.client.stream.write_all(bytes).expect("the server is there");
    }

    fn close_server(&mut self) {
        self.server.flush();
        self.server.stream.shutdown(Shutdown::Write).expect("the socket is open");
    }

    fn close_client(&mut self) {
        self.client.flush();
        self.client.stream.shutdown(Shutdown::Write).expect("the socket is open");
    }

    fn now(&self) -> Duration {
        self.client.epoch.elapsed()
    }
}
