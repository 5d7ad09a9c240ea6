//! What a server serves.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};

use fastthrift_protocol::{ApplicationException, ApplicationExceptionKind, DecodeError, Limits, Protocol};

use crate::body::{Body, Source};
use crate::codec::{self, DecodeOwned, Encode};
use crate::{Call, CallError};

/// Serves the functions of one or several services. Generated code has one for each service: a server of its handlers. One that is
/// written by hand can look at the bytes of a call and hand them on:
///
/// ```
/// use fastthrift::{CallKind, Channel, ClientRequest, Function, Headers, Request, Response, Service};
///
/// /// Hands on what it is called for, without a look at it.
/// struct Proxy(Channel);
///
/// impl Service for Proxy {
///     fn name(&self) -> &str {
///         "Calculator"
///     }
///
///     async fn serve(&self, request: Request) -> Response {
///         let call = request.call();
///         let kind = if call.is_oneway() { CallKind::Oneway } else { CallKind::Call };
///         let called = ClientRequest {
///             function: Function::named(call.function().to_owned(), kind),
///             service: None,
///             headers: Headers::new(),
///             timeout: call.remaining(),
///             protocol: call.protocol(),
///             body: request.body().to_vec(),
///         };
///         match self.0.send(called).await {
///             Ok(_) if kind == CallKind::Oneway => request.finish(),
///             Ok(reply) => request.reply_encoded(&reply.body),
///             Err(error) => request.fail(error),
///         }
///     }
/// }
/// ```
pub trait Service: Send + Sync + 'static {
    /// The name that the service has in its IDL.
    fn name(&self) -> &str;

    /// Whether this serves the service of this name.
    fn has(&self, service: &str) -> bool {
        service == self.name()
    }

    /// Serves one call. The future may be dropped when nobody waits for the answer any more.
    fn serve(&self, request: Request) -> impl Future<Output = Response> + Send;

    /// Is told of a call that the server refused before this could serve it, as [`Interceptor::refused`](crate::Interceptor::refused) is.
    fn refused(&self, call: &Call, exception: &ApplicationException) {
        let _ = (call, exception);
    }

    /// Serves these services and another, each called by its name: `service:function`. Who names none calls the first.
    fn and<S: Service>(self, other: S) -> And<Self, S>
    where
        Self: Sized,
    {
        And { first: self, second: other }
    }
}

/// Two services on one port.
#[derive(Debug)]
pub struct And<A, B> {
    first: A,
    second: B,
}

/// Stands for the length of arguments that nobody read.
pub(super) const UNREAD: usize = usize::MAX;

/// A call that is to be served.
#[derive(Debug)]
pub struct Request {
    call: Call,
    body: Body,
    /// How many bytes the arguments take of the body; [`UNREAD`] before they were read.
    arguments_len: AtomicUsize,
}

/// What answers a call.
#[derive(Debug)]
pub struct Response {
    pub(super) call: Call,
    /// The result's struct, encoded, where there is one.
    pub(super) body: Vec<u8>,
    pub(super) answer: Answer,
    /// How many bytes the arguments took; [`UNREAD`] where they were not read.
    pub(super) arguments_len: usize,
}

/// What kind of answer a response is.
#[derive(Debug)]
pub(super) enum Answer {
    /// The result's struct.
    Result,
    /// An exception that the function does not declare.
    Exception(Box<ApplicationException>),
    /// None: the function is oneway.
    Nothing,
}

impl<A: Service, B: Service> Service for And<A, B> {
    fn name(&self) -> &str {
        self.first.name()
    }

    fn has(&self, service: &str) -> bool {
        self.first.has(service) || self.second.has(service)
    }

    async fn serve(&self, request: Request) -> Response {
        match request.call().service() {
            Some(service) if !self.first.has(service) => self.second.serve(request).await,
            _ => self.first.serve(request).await,
        }
    }

    fn refused(&self, call: &Call, exception: &ApplicationException) {
        match call.service() {
            Some(service) if !self.first.has(service) && self.second.has(service) => {
                self.second.refused(call, exception);
            }
            _ => self.first.refused(call, exception),
        }
    }
}

impl Request {
    pub(super) fn new(call: Call, body: Body) -> Self {
        Self { call, body, arguments_len: AtomicUsize::new(UNREAD) }
    }

    /// What is known of the call.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// The function that is called.
    pub fn function(&self) -> &str {
        self.call.function()
    }

    /// The arguments' struct, encoded as [`Call::protocol`] says.
    pub fn body(&self) -> &[u8] {
        self.body.source().bytes()
    }

    /// The arguments, decoded. Values of type `Bytes` and `Text` share the memory of a body of 16 KiB or more.
    pub fn arguments<A: DecodeOwned>(&self) -> Result<A, CallError> {
        self.read(|protocol, body, limits| body.decode(protocol, limits).map(|(arguments, len)| (arguments, Some(len))))
    }

    /// Reads the arguments by what says how many bytes they took, if it knows; what is wrong with them is what the client is told.
    #[inline]
    pub(crate) fn read<A>(
        &self,
        read: impl FnOnce(Protocol, Source<'_>, Limits) -> Result<(A, Option<usize>), DecodeError>,
    ) -> Result<A, CallError> {
        match read(self.call.protocol(), self.body.source(), self.call.limits()) {
            Ok((arguments, len)) => {
                self.arguments_len.store(len.unwrap_or(UNREAD), Ordering::Relaxed);
                Ok(arguments)
            }
            Err(error) => Err(CallError::application(ApplicationExceptionKind::PROTOCOL_ERROR, error.to_string())),
        }
    }

    /// Answers with the result's struct: a value, or an exception that the function declares.
    pub fn reply<R: Encode>(self, result: &R) -> Response {
        self.reply_by(|protocol, body| codec::encode_into(protocol, result, body).map_err(CallError::internal))
    }

    /// Answers with the result's struct, which this appends; where it cannot, with its error.
    #[inline]
    pub(crate) fn reply_by(self, write: impl FnOnce(Protocol, &mut Vec<u8>) -> Result<(), CallError>) -> Response {
        let Self { call, body, arguments_len } = self;
        let mut body = body.into_buffer();
        let answer = match write(call.protocol(), &mut body) {
            Ok(()) => Answer::Result,
            Err(error) => failed(&call, error),
        };
        Response { call, body, answer, arguments_len: arguments_len.into_inner() }
    }

    /// Answers with the result's struct, encoded as [`Call::protocol`] says.
    pub fn reply_encoded(self, body: &[u8]) -> Response {
        self.reply_by(|_, buffer| {
            buffer.extend_from_slice(body);
            Ok(())
        })
    }

    /// Ends a call that has no answer, because its function is oneway.
    pub fn finish(self) -> Response {
        self.answer(Answer::Nothing)
    }

    /// Answers that the call failed in a way that its function does not declare: an application exception as it is, anything
    /// else as `INTERNAL_ERROR`, and arguments that cannot be read as `PROTOCOL_ERROR`. A oneway has no answer.
    #[cold]
    pub fn fail(self, error: CallError) -> Response {
        let answer = failed(&self.call, error);
        self.answer(answer)
    }

    /// Answers that there is no such function.
    #[cold]
    pub fn unknown(self, service: &str) -> Response {
        let text = format!("'{service}' has no function '{}'", self.function().escape_debug());
        self.fail(CallError::application(ApplicationExceptionKind::UNKNOWN_METHOD, text))
    }

    fn answer(self, answer: Answer) -> Response {
        let Self { call, body, arguments_len, .. } = self;
        Response { call, body: body.into_buffer(), answer, arguments_len: arguments_len.into_inner() }
    }
}

/// What answers a call that failed.
#[cold]
fn failed(call: &Call, error: CallError) -> Answer {
    if call.is_oneway() { Answer::Nothing } else { Answer::Exception(Box::new(error.into_exception())) }
}

impl Response {
    /// The call that this answers.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// What the client is told when the call failed in a way that its function does not declare.
    pub fn exception(&self) -> Option<&ApplicationException> {
        match &self.answer {
            Answer::Exception(exception) => Some(exception),
            Answer::Result | Answer::Nothing => None,
        }
    }

    /// The result's struct, encoded as [`Call::protocol`] says; empty where there is none.
    pub fn body(&self) -> &[u8] {
        match self.answer {
            Answer::Result => &self.body,
            Answer::Exception(_) | Answer::Nothing => &[],
        }
    }
}
