//! From and to what conversations are written in, for drivers.

use std::time::Duration;

use fastthrift_rpc::{
    CallError, CallId, ClientConnection, ClientEvent, ReplyBody, ReplyError, Request, RequestId, ServerConnection,
};

use super::{Incoming, Outcome, Outgoing};

/// Writes a whole call.
pub fn begin_call(connection: &mut ClientConnection, call: Outgoing<'_>, now: Duration) -> Result<CallId, CallError> {
    let Outgoing { service, function, kind, body, timeout } = call;
    let deadline = timeout.map(|timeout| now + timeout);
    let mut writer = match service {
        Some(service) => connection.begin_call_of(service, function, kind, deadline)?,
        None => connection.begin_call(function, kind, deadline)?,
    };
    writer.buffer().extend_from_slice(body);
    writer.finish()
}

/// Writes a whole reply.
pub fn reply(connection: &mut ServerConnection, request: RequestId, body: &[u8]) -> Result<(), ReplyError> {
    let mut writer = connection.begin_reply(request)?;
    writer.buffer().extend_from_slice(body);
    writer.finish()
}

/// An event with its bytes.
pub fn outcome(connection: &ClientConnection, event: ClientEvent) -> Outcome {
    match event {
        ClientEvent::Reply { call, body: ReplyBody::Result(span) } => {
            Outcome::Reply { call, body: connection.bytes(span).to_vec() }
        }
        ClientEvent::Reply { call, body: ReplyBody::Exception(exception) } => Outcome::Exception { call, exception },
        ClientEvent::TimedOut { call } => Outcome::TimedOut { call },
    }
}

/// A request with its bytes.
pub fn incoming(connection: &ServerConnection, request: Request) -> Incoming {
    Incoming {
        id: request.id,
        kind: request.kind,
        service: request.service.map(|span| connection.bytes(span).to_vec()),
        function: connection.bytes(request.function).to_vec(),
        body: connection.bytes(request.body).to_vec(),
    }
}
