use std::fmt;

use fastthrift_protocol::{Limits, Protocol};

use crate::{HttpClient, HttpServer, SaslClient, SaslServer, Transform};

/// How messages are told apart in the stream. Every user matches all of them, so that a new one is forgotten nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Framing {
    /// A length of four bytes stands before each message.
    Framed,
    /// Messages follow each other; their end is found by reading them.
    Unframed,
    /// The Header transport (`THeader`): in a frame, before the message, stand its protocol, transforms and headers.
    ///
    /// Apache's libraries know it with Binary and Compact. JSON and `SimpleJSON` go under the numbers that fbthrift has
    /// for them, which Apache's libraries refuse.
    Header,
}

/// What carries the bytes of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// The connection itself.
    Direct,
    /// One compressed stream in each direction (RFC 1950), flushed after each message. Inside it messages are framed or
    /// unframed; unframed is what other libraries expect.
    Zlib,
    /// HTTP/1.1: each request's and response's body is one unframed message, whatever framing is configured.
    Http,
}

/// What two peers agree on for the life of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Dialect {
    /// How values look in bytes.
    pub protocol: Protocol,
    /// How messages are told apart.
    pub framing: Framing,
}

impl fmt::Display for Framing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Framed => "framed",
            Self::Unframed => "unframed",
            Self::Header => "header",
        })
    }
}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Direct => "direct",
            Self::Zlib => "zlib",
            Self::Http => "http",
        })
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.framing, self.protocol)
    }
}

/// Whether a request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallKind {
    /// Answered by one reply.
    Call,
    /// Never answered.
    Oneway,
}

/// What a [`crate::ClientConnection`] is made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientConfig {
    /// How values look in bytes. Default Binary.
    pub protocol: Protocol,
    /// How messages are told apart. Default Framed.
    pub framing: Framing,
    /// What carries the messages. Default Direct.
    pub carrier: Carrier,
    /// Where requests go, when HTTP carries the messages.
    pub http: HttpClient,
    /// How this side says who it is before the first call. Then messages are framed and nothing else carries them, whatever else is
    /// configured. `None`, the default, says nothing.
    pub sasl: Option<SaslClient>,
    /// How the messages of the Header transport are transformed, one after the other; nothing else looks at it. A server
    /// takes at most four. Default none.
    pub transforms: Vec<Transform>,
    /// What a reply may ask of this side; `message` bounds a request too. Of the Header transport it bounds the whole frame,
    /// and what the transforms restore.
    pub limits: Limits,
    /// Whether replies that come without a version, as Binary allows, are refused. Default false.
    pub strict: bool,
    /// Whether calls go out without a version, where the protocol is Binary. Default false.
    pub old: bool,
    /// The service that functions are called of when the peer serves several on one port: names go out as
    /// `Service:function`.
    pub service: Option<String>,
    /// Bytes of a function's name, the service's included. Default 4096.
    pub max_name: usize,
    /// Calls that may wait for their reply at once, abandoned ones included. Default 65 536.
    pub max_in_flight: usize,
    /// Calls that timed out or were cancelled and whose reply did not come yet; with more, the peer counts as broken.
    /// Default 1024.
    pub max_abandoned: usize,
    /// The sequence id of the first call; later ones count up and wrap through the negative numbers. Default 1.
    pub first_sequence_id: i32,
}

impl ClientConfig {
    /// Whether headers travel beside calls and replies.
    pub fn carries_headers(&self) -> bool {
        self.framing == Framing::Header || self.carrier == Carrier::Http
    }
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            protocol: Protocol::Binary,
            framing: Framing::Framed,
            carrier: Carrier::Direct,
            http: HttpClient::default(),
            sasl: None,
            transforms: Vec::new(),
            limits: Limits::DEFAULT,
            strict: false,
            old: false,
            service: None,
            max_name: 4096,
            max_in_flight: 65_536,
            max_abandoned: 1024,
            first_sequence_id: 1,
        }
    }
}

/// What a [`crate::ServerConnection`] is made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// The only protocol to accept; `None`, the default, accepts each and tells them apart by the first bytes.
    pub protocol: Option<Protocol>,
    /// The only framing to accept; `None`, the default, accepts each and tells them apart by the first bytes.
    pub framing: Option<Framing>,
    /// The only carrier to accept; `None`, the default, accepts Direct and Zlib and tells them apart by the first bytes.
    pub carrier: Option<Carrier>,
    /// What requests are accepted, when HTTP carries the messages.
    pub http: HttpServer,
    /// How clients say who they are before their first call. Then messages are framed and nothing else carries them, whatever else
    /// is configured. `None`, the default, asks nobody.
    pub sasl: Option<SaslServer>,
    /// What a request may ask of this side; `message` bounds a reply too. Of the Header transport it bounds the whole frame,
    /// and what the transforms restore.
    pub limits: Limits,
    /// Whether requests that come without a version, as Binary allows, are refused. Others are answered in the form that they have.
    /// Default false.
    pub strict: bool,
    /// Bytes of a function's name, the service's included. Default 4096.
    pub max_name: usize,
    /// Requests that are handed out before the first of them is answered. Default 1: requests are served in order.
    pub max_open: usize,
    /// Received bytes to hold besides the message that is being received, before reading should pause; and as many again as they
    /// came, where messages are carried compressed. Default 65 536.
    pub max_inbound: usize,
    /// Unsent bytes to hold before no further request is handed out. Default 1 MiB.
    pub max_outbound: usize,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            protocol: None,
            framing: None,
            carrier: None,
            http: HttpServer::default(),
            sasl: None,
            limits: Limits::DEFAULT,
            strict: false,
            max_name: 4096,
            max_open: 1,
            max_inbound: 64 << 10,
            max_outbound: 1 << 20,
        }
    }
}
