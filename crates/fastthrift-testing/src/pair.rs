use std::time::Duration;

use fastthrift_rpc::{
    CallError, CallId, CallKind, ClientConfig, ClientConnection, ClientEvent, ConnectionError, Request, ServerConfig,
    ServerConnection,
};

/// A client's and a server's connection, the bytes on their way between them, and a clock that stands until it is
/// moved.
#[derive(Debug)]
pub struct Pair {
    /// The client's side.
    pub client: ClientConnection,
    /// The server's side.
    pub server: ServerConnection,
    /// The time that both sides see.
    pub now: Duration,
    /// The most bytes that arrive at once.
    pub chunk: usize,
    to_server: Vec<u8>,
    to_client: Vec<u8>,
    client_closed: bool,
    server_closed: bool,
}

impl Default for Pair {
    fn default() -> Self {
        Self::new(ClientConfig::default(), ServerConfig::default())
    }
}

impl Pair {
    /// Two connections made with these, at time zero; bytes arrive as they were sent.
    pub fn new(client: ClientConfig, server: ServerConfig) -> Self {
        Self {
            client: ClientConnection::new(client),
            server: ServerConnection::new(server),
            now: Duration::ZERO,
            chunk: usize::MAX,
            to_server: Vec::new(),
            to_client: Vec::new(),
            client_closed: false,
            server_closed: false,
        }
    }

    /// Makes a call with this body ready to send.
    pub fn call(
        &mut self,
        function: &str,
        kind: CallKind,
        body: &[u8],
        deadline: Option<Duration>,
    ) -> Result<CallId, CallError> {
        let mut call = self.client.begin_call(function, kind, deadline)?;
        call.buffer().extend_from_slice(body);
        call.finish()
    }

    /// Adds bytes to those on their way to the server, after what the client has sent.
    pub fn inject_to_server(&mut self, bytes: &[u8]) {
        self.collect();
        self.to_server.extend_from_slice(bytes);
    }

    /// Adds bytes to those on their way to the client, after what the server has sent.
    pub fn inject_to_client(&mut self, bytes: &[u8]) {
        self.collect();
        self.to_client.extend_from_slice(bytes);
    }

    /// Takes what the client has sent and the server has not received.
    pub fn take_to_server(&mut self) -> Vec<u8> {
        self.collect();
        std::mem::take(&mut self.to_server)
    }

    /// Takes what the server has sent and the client has not received.
    pub fn take_to_client(&mut self) -> Vec<u8> {
        self.collect();
        std::mem::take(&mut self.to_client)
    }

    /// Ends what the client sends, after what it has sent.
    pub fn close_client(&mut self) {
        self.client_closed = true;
    }

    /// Ends what the server sends, after what it has sent.
    pub fn close_server(&mut self) {
        self.server_closed = true;
    }

    /// The server's next request, after as many bytes as it takes.
    pub fn request(&mut self) -> Result<Option<Request>, ConnectionError> {
        loop {
            if let Some(request) = self.server.poll_event()? {
                return Ok(Some(request));
            }
            self.collect();
            if !self.server.wants_read() || !self.arrive_at_server() {
                return Ok(None);
            }
        }
    }

    /// The client's next event at this time, after as many bytes as it takes. Bytes arrive before the clock is looked
    /// at.
    pub fn event(&mut self) -> Result<Option<ClientEvent>, ConnectionError> {
        loop {
            if let Some(event) = self.client.poll_event(Duration::ZERO)? {
                return Ok(Some(event));
            }
            self.collect();
            if !self.arrive_at_client() {
                return self.client.poll_event(self.now);
            }
        }
    }

    /// Answers a request with this body.
    ///
    /// # Panics
    /// When it cannot be answered.
    pub fn reply(&mut self, request: &Request, body: &[u8]) {
        let mut reply = self.server.begin_reply(request.id).expect("the request is open");
        reply.buffer().extend_from_slice(body);
        reply.finish().expect("the reply is within the limits");
    }

    /// Serves one request by sending its body back. False when there is none.
    ///
    /// # Panics
    /// When the server's side fails.
    pub fn echo(&mut self) -> bool {
        let Some(request) = self.request().expect("the server's side is good") else { return false };
        match request.kind {
            CallKind::Call => {
                let body = self.server.bytes(request.body).to_vec();
                self.reply(&request, &body);
            }
            CallKind::Oneway => self.server.finish_oneway(request.id).expect("the request is open"),
        }
        true
    }

    fn arrive_at_server(&mut self) -> bool {
        let count = self.chunk.min(self.to_server.len());
        self.server.receive(&self.to_server[..count]);
        self.to_server.drain(..count);
        let ends = count == 0 && self.client_closed;
        if ends {
            self.server.receive_eof();
        }
        count > 0 || ends
    }

    /// False when there is nothing new.
    fn arrive_at_client(&mut self) -> bool {
        let count = self.chunk.min(self.to_client.len());
        self.client.receive(&self.to_client[..count]);
        self.to_client.drain(..count);
        if count == 0 && self.server_closed {
            self.client.receive_eof();
        }
        count > 0
    }

    /// Moves what both sides have sent onto its way.
    fn collect(&mut self) {
        self.to_server.extend_from_slice(self.client.outbound());
        self.client.advance_outbound(self.client.outbound().len());
        self.to_client.extend_from_slice(self.server.outbound());
        self.server.advance_outbound(self.server.outbound().len());
    }
}
