//! How answers become bytes.

use fastthrift_protocol::{ApplicationException, ApplicationExceptionKind, Sink};
use fastthrift_rpc::{Carrier, Framing, Headers, ReplyError, RequestId, ServerConnection};

use super::service::{Answer, Response};

/// Appends a response to what is outbound. One that cannot be sent is answered by an exception instead.
pub(super) fn send(rpc: &mut ServerConnection, request: RequestId, response: &Response) {
    let carries_headers =
        rpc.carrier() == Some(Carrier::Http) || rpc.dialect().is_some_and(|dialect| dialect.framing == Framing::Header);
    let sent = if carries_headers {
        append(rpc, request, response, &response.call.take_reply_headers())
    } else {
        append(rpc, request, response, Headers::none())
    };
    if let Err(error) = sent {
        replace(rpc, request, error);
    }
}

fn append(
    rpc: &mut ServerConnection,
    request: RequestId,
    response: &Response,
    headers: &Headers,
) -> Result<(), ReplyError> {
    match &response.answer {
        Answer::Result => {
            let mut writer = rpc.begin_reply_with(request, headers)?;
            writer.sink().put_slice(&response.body);
            writer.finish()
        }
        Answer::Exception(exception) => rpc.reply_exception_with(request, exception, headers),
        Answer::Nothing => rpc.finish_unanswered(request),
    }
}

/// Answers a request whose answer cannot be sent.
#[cold]
fn replace(rpc: &mut ServerConnection, request: RequestId, error: ReplyError) {
    let replaced = match error {
        ReplyError::Oneway => rpc.finish_oneway(request),
        ReplyError::NotOpen => Ok(()),
        error => {
            let text = error.to_string();
            rpc.reply_exception(request, &ApplicationException::new(ApplicationExceptionKind::INTERNAL_ERROR, text))
        }
    };
    if replaced.is_err() {
        // Not even that can be sent: the limit is below any message.
        let _ = rpc.finish_unanswered(request);
    }
}
