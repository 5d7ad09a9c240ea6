//! The conversation suite: what two peers say to each other, written once in `tests/conversations` and held over every way
//! to carry the bytes.

pub mod owned;
mod script;
mod steps;
mod text;
pub mod wire;

use std::time::Duration;

use fastthrift_protocol::{ApplicationException, Protocol};
use fastthrift_rpc::{
    CallError, CallId, CallKind, Carrier, ClientConfig, ConnectionError, Dialect, Framing, Headers, ReplyError,
    RequestId, ServerConfig,
};

pub use script::Script;
pub use text::{Scenario, scenarios};

/// What carries bytes between a client's and a server's connection: in memory, over sockets, under any event loop.
///
/// Waiting methods send what is outbound first. They panic when they wait for what cannot come.
pub trait Driver {
    /// Makes a call.
    fn call(&mut self, call: Outgoing<'_>) -> Result<CallId, CallError>;
    /// Stops waiting for a call.
    fn cancel(&mut self, call: CallId) -> bool;
    /// Waits for the client's next event.
    fn event(&mut self) -> Result<Outcome, ConnectionError>;
    /// The calls that the failure of the client's side ended.
    fn failed_calls(&mut self) -> Vec<CallId>;
    /// Waits for the server's next request; `None` when the client closed the connection.
    fn request(&mut self) -> Result<Option<Incoming>, ConnectionError>;
    /// Answers a request with a result and with headers.
    fn reply(&mut self, request: RequestId, body: &[u8], headers: &Headers) -> Result<(), ReplyError>;
    /// Answers a request with an application exception.
    fn reply_exception(&mut self, request: RequestId, exception: &ApplicationException) -> Result<(), ReplyError>;
    /// Closes a oneway request.
    fn finish_oneway(&mut self, request: RequestId) -> Result<(), ReplyError>;
    /// Sends bytes to the client that the server's connection knows nothing of.
    fn send_raw_to_client(&mut self, bytes: &[u8]);
    /// Sends bytes to the server that the client's connection knows nothing of.
    fn send_raw_to_server(&mut self, bytes: &[u8]);
    /// Ends what the server sends.
    fn close_server(&mut self);
    /// Ends what the client sends.
    fn close_client(&mut self);
    /// The time since the connection's epoch.
    fn now(&self) -> Duration;
}

/// A call to make.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// The service, when it is not the configured or the only one.
    pub service: Option<&'a str>,
    /// The function's name.
    pub function: &'a str,
    /// Whether it is answered.
    pub kind: CallKind,
    /// The arguments' struct.
    pub body: &'a [u8],
    /// How long to wait for the reply, which the server is told.
    pub timeout: Option<Duration>,
    /// What travels beside the call.
    pub headers: &'a Headers,
}

/// A client's event with its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A result came.
    Reply {
        /// The call that it answers.
        call: CallId,
        /// The result's struct.
        body: Vec<u8>,
        /// What came beside it.
        headers: Headers,
    },
    /// An application exception came.
    Exception {
        /// The call that it answers.
        call: CallId,
        /// The exception.
        exception: ApplicationException,
    },
    /// The call's deadline passed.
    TimedOut {
        /// The call.
        call: CallId,
    },
}

/// A server's request with its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Names the request to the connection.
    pub id: RequestId,
    /// Whether it is to be answered.
    pub kind: CallKind,
    /// The service's name, when one came.
    pub service: Option<Vec<u8>>,
    /// The function's name.
    pub function: Vec<u8>,
    /// The arguments' struct.
    pub body: Vec<u8>,
    /// How long the client waits, if it says so.
    pub timeout: Option<Duration>,
    /// What came beside the request, the time aside.
    pub headers: Headers,
}

/// Each way to speak.
pub const DIALECTS: [Dialect; 12] = [
    Dialect { protocol: Protocol::Binary, framing: Framing::Framed },
    Dialect { protocol: Protocol::Binary, framing: Framing::Unframed },
    Dialect { protocol: Protocol::Compact, framing: Framing::Framed },
    Dialect { protocol: Protocol::Compact, framing: Framing::Unframed },
    Dialect { protocol: Protocol::Json, framing: Framing::Framed },
    Dialect { protocol: Protocol::Json, framing: Framing::Unframed },
    Dialect { protocol: Protocol::SimpleJson, framing: Framing::Framed },
    Dialect { protocol: Protocol::SimpleJson, framing: Framing::Unframed },
    Dialect { protocol: Protocol::Binary, framing: Framing::Header },
    Dialect { protocol: Protocol::Compact, framing: Framing::Header },
    Dialect { protocol: Protocol::Json, framing: Framing::Header },
    Dialect { protocol: Protocol::SimpleJson, framing: Framing::Header },
];

/// Holds each conversation in each dialect over a driver that `open` makes; the server always detects the dialect.
pub fn run_all<D: Driver>(open: impl FnMut(ClientConfig, ServerConfig) -> D) {
    run(Carrier::Direct, &scenarios(), open);
}

/// Holds each conversation whose bytes are all the connections' own, carried so; the server detects what it can.
pub fn run_carried<D: Driver>(carrier: Carrier, open: impl FnMut(ClientConfig, ServerConfig) -> D) {
    let scenarios: Vec<_> = scenarios().into_iter().filter(|scenario| !scenario.is_forged()).collect();
    run(carrier, &scenarios, open);
}

fn run<D: Driver>(carrier: Carrier, scenarios: &[Scenario], mut open: impl FnMut(ClientConfig, ServerConfig) -> D) {
    for scenario in scenarios {
        for dialect in DIALECTS {
            let Dialect { protocol, framing } = dialect;
            let mut client = ClientConfig { protocol, framing, carrier, ..ClientConfig::default() };
            let mut server = ServerConfig::default();
            scenario.configure(&mut client, &mut server);
            let mut driver = open(client, server);
            eprintln!("{} ({carrier} {framing:?} {protocol:?})", scenario.name);
            steps::Held::hold(scenario, Script::new(&mut driver, dialect));
        }
    }
}
