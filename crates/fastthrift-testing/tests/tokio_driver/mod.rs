//! The two connections on tokio's sockets.

use std::io;
use std::time::Duration;

use fastthrift_protocol::ApplicationException;
use fastthrift_rpc::{
    CallError, CallId, ClientConfig, ClientConnection, ClientEvent, ConnectionError, Headers, ReplyError, Request,
    RequestId, ServerConfig, ServerConnection,
};
use fastthrift_testing::conversation::owned::{begin_call, incoming, outcome, reply_with};
use fastthrift_testing::conversation::{Driver, Incoming, Outcome, Outgoing};
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(20);
const READ_SIZE: usize = 4096;

struct TokioClient {
    stream: TcpStream,
    connection: ClientConnection,
    epoch: Instant,
}

impl TokioClient {
    /// Sends what is outbound and waits for the next event.
    async fn event(&mut self) -> Result<ClientEvent, ConnectionError> {
        loop {
            let now = self.epoch.elapsed();
            if let Some(event) = self.connection.poll_event(now)? {
                return Ok(event);
            }
            let wait = self.connection.next_deadline().map_or(PATIENCE, |deadline| deadline.saturating_sub(now));
            tokio::select! {
                ended = self.carry() => if ended.is_err() { self.connection.receive_eof() },
                () = sleep(wait) => assert!(wait < PATIENCE, "no event comes"),
            }
        }
    }

    /// Sends and receives what the socket is ready for.
    async fn carry(&mut self) -> io::Result<()> {
        let ready = self.stream.ready(interest(self.connection.outbound())).await?;
        if ready.is_writable() {
            let sent = unless_blocked(self.stream.try_write(self.connection.outbound()))?;
            self.connection.advance_outbound(sent.unwrap_or(0));
        }
        if ready.is_readable() {
            match unless_blocked(self.stream.try_read(self.connection.receive_buffer(READ_SIZE)))? {
                Some(0) => self.connection.receive_eof(),
                Some(count) => self.connection.received(count),
                None => {}
            }
        }
        Ok(())
    }
}

struct TokioServer {
    stream: TcpStream,
    connection: ServerConnection,
}

impl TokioServer {
    /// Sends what is outbound and waits for the next request; `None` when there will be none.
    async fn request(&mut self) -> Result<Option<Request>, ConnectionError> {
        loop {
            let request = self.connection.poll_event();
            self.flush().await;
            if let Some(request) = request? {
                return Ok(Some(request));
            }
            if self.connection.is_finished() {
                return Ok(None);
            }
            if timeout(PATIENCE, self.receive()).await.expect("a request comes").is_err() {
                self.connection.receive_eof();
            }
        }
    }

    async fn receive(&mut self) -> io::Result<()> {
        self.stream.readable().await?;
        match unless_blocked(self.stream.try_read(self.connection.receive_buffer(READ_SIZE)))? {
            Some(0) => self.connection.receive_eof(),
            Some(count) => self.connection.received(count),
            None => {}
        }
        Ok(())
    }

    async fn flush(&mut self) {
        // When the peer is gone, the next read says so.
        let _ = self.stream.write_all(self.connection.outbound()).await;
        self.connection.advance_outbound(self.connection.outbound().len());
    }
}

fn interest(outbound: &[u8]) -> Interest {
    if outbound.is_empty() { Interest::READABLE } else { Interest::READABLE | Interest::WRITABLE }
}

/// `None` when the socket was not ready after all.
fn unless_blocked(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(count) => Ok(Some(count)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

/// A client and a server on the two ends of a TCP connection, and the runtime that both run on.
pub(crate) struct TokioPair {
    runtime: Runtime,
    client: TokioClient,
    server: TokioServer,
}

impl TokioPair {
    /// Connects the two over the loopback interface.
    pub(crate) fn connect(client: ClientConfig, server: ServerConfig) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (outgoing, accepted) = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let outgoing = TcpStream::connect(listener.local_addr()?).await?;
            io::Result::Ok((outgoing, listener.accept().await?.0))
        })?;
        let client = TokioClient { stream: outgoing, connection: ClientConnection::new(client), epoch: Instant::now() };
        let server = TokioServer { stream: accepted, connection: ServerConnection::new(server) };
        Ok(Self { runtime, client, server })
    }

    fn flush_client(&mut self) {
        let TokioClient { stream, connection, .. } = &mut self.client;
        self.runtime.block_on(stream.write_all(connection.outbound())).expect("the server is there");
        connection.advance_outbound(connection.outbound().len());
    }
}

impl Driver for TokioPair {
    fn call(&mut self, call: Outgoing<'_>) -> Result<CallId, CallError> {
        let now = self.now();
        let id = begin_call(&mut self.client.connection, call, now)?;
        self.flush_client();
        Ok(id)
    }

    fn cancel(&mut self, call: CallId) -> bool {
        self.client.connection.cancel(call)
    }

    fn event(&mut self) -> Result<Outcome, ConnectionError> {
        self.runtime.block_on(self.server.flush());
        let event = self.runtime.block_on(self.client.event())?;
        Ok(outcome(&self.client.connection, event))
    }

    fn failed_calls(&mut self) -> Vec<CallId> {
        self.client.connection.drain_failed()
    }

    fn request(&mut self) -> Result<Option<Incoming>, ConnectionError> {
        let request = self.runtime.block_on(self.server.request())?;
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
        self.runtime.block_on(self.server.flush());
        self.runtime.block_on(self.server.stream.write_all(bytes)).expect("the client is there");
    }

    fn send_raw_to_server(&mut self, bytes: &[u8]) {
        self.flush_client();
        self.runtime.block_on(self.client.stream.write_all(bytes)).expect("the server is there");
    }

    fn close_server(&mut self) {
        self.runtime.block_on(self.server.flush());
        self.runtime.block_on(self.server.stream.shutdown()).expect("the socket is open");
    }

    fn close_client(&mut self) {
        self.flush_client();
        self.runtime.block_on(self.client.stream.shutdown()).expect("the socket is open");
    }

    fn now(&self) -> Duration {
        self.client.epoch.elapsed()
    }
}
