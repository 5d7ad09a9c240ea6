//! From and to what conversations are written in, for drivers.

use std::time::Duration;

use fastthrift_rpc::{
    CallError, CallId, CallOptions, ClientConnection, ClientEvent, Headers, ReplyBody, ReplyError, Request, RequestId,
    ServerConnection,
};

use super::{Incoming, Outcome, Outgoing};

/// Writes a whole call.
pub fn begin_call(connection: &mut ClientConnection, call: Outgoing<'_>, now: Duration) -> Result<CallId, CallError> {
    let Outgoing { service, function, kind, body, timeout, headers } = call;
    let deadline = timeout.map(|timeout| now + timeout);
    let mut writer = connection.begin(CallOptions { service, function, kind, deadline, timeout, headers })?;
    writer.buffer().extend_from_slice(body);
    writer.finish()
}

/// Writes a whole reply without headers.
pub fn reply(connection: &mut ServerConnection, request: RequestId, body: &[u8]) -> Result<(), ReplyError> {
    reply_with(connection, request, body, Headers::none())
}

/// Writes a whole reply.
pub fn reply_with(
    connection: &mut ServerConnection,
    request: RequestId,
    body: &[u8],
    headers: &Headers,
) -> Result<(), ReplyError> {
    let mut writer = connection.begin_reply_with(request, headers)?;
    writer.buffer().extend_from_slice(body);
    writer.finish()
}

/// An event with its bytes.
pub fn outcome(connection: &ClientConnection, event: ClientEvent) -> Outcome {
    match event {
        ClientEvent::Reply { call, body: ReplyBody::Result(span) } => {
            let headers = connection.reply_headers().clone();
            Outcome::Reply { call, body: connection.bytes(span).to_vec(), headers }
        }
        ClientEvent::Reply { call, body: ReplyBody::Exception(exception) } => Outcome::Exception { call, exception },
        ClientEvent::TimedOut { call } => Outcome::TimedOut { call },
    }
}

/// A request with its bytes.
pub fn incoming(connection: &ServerConnection, request: Request) -> Incoming {
    let mut headers = connection.request_headers().clone();
    headers.remove("client_timeout");
    Incoming {
        id: request.id,
        kind: request.kind,
        service: request.service.map(|span| connection.bytes(span).to_vec()),
        function: connection.bytes(request.function).to_vec(),
        body: connection.bytes(request.body).to_vec(),
        timeout: request.timeout,
        headers,
    }
}
