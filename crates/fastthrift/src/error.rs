use std::sync::Arc;
use std::{fmt, io};

use fastthrift_protocol::{ApplicationException, ApplicationExceptionKind, DecodeError};
use fastthrift_rpc::{ConnectionError, Endpoint, Fault};

/// What caused an error, shared by all calls that it ended.
type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// Why a call has no result: the one error of clients and handlers.
///
/// One pointer wide, so that the `Result` of a call stays small.
///
/// ```
/// use fastthrift::{CallError, CallErrorKind};
///
/// fn advice(error: &CallError) -> &'static str {
///     match error.kind() {
///         _ if error.is_timeout() => "took too long",
///         CallErrorKind::Application(_) => "the server says why",
///         _ if error.was_sent() => "may have been carried out",
///         _ => "try again",
///     }
/// }
///
/// assert_eq!(advice(&CallError::internal("no disk")), "the server says why");
/// ```
#[derive(Debug, Clone)]
pub struct CallError(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: CallErrorKind,
    was_sent: bool,
}

/// What went wrong with a call.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CallErrorKind {
    /// The server could not carry it out, and says why. A handler that fails so has its caller told the same.
    Application(ApplicationException),
    /// There is no connection. Nothing was sent.
    Connect(Cause),
    /// The connection ended while the reply was waited for: the server may have carried it out.
    ConnectionLost(Cause),
    /// No reply came in time.
    Timeout,
    /// The peer sent what no peer should.
    Peer(ConnectionError),
    /// The arguments, or the headers beside them, cannot be sent. Nothing was sent.
    Encode(Cause),
    /// The result, or on a server the arguments, cannot be read.
    Decode(DecodeError),
    /// A limit of this side keeps the call from being made. Nothing was sent.
    Limit(Cause),
    /// Something around the channel, such as a layer of `tower`, ended the call in its own way.
    Layer(Cause),
}

impl CallError {
    /// An error of this kind; `was_sent` says whether the server may have got the call.
    #[cold]
    pub(crate) fn new(kind: CallErrorKind, was_sent: bool) -> Self {
        Self(Box::new(Inner { kind, was_sent }))
    }

    /// What a handler fails with to tell its caller this.
    #[cold]
    pub fn application(kind: ApplicationExceptionKind, message: impl Into<String>) -> Self {
        Self::new(CallErrorKind::Application(ApplicationException::new(kind, message)), true)
    }

    /// What a handler fails with when something went wrong that its function does not declare.
    #[cold]
    pub fn internal(message: impl fmt::Display) -> Self {
        Self::application(ApplicationExceptionKind::INTERNAL_ERROR, message.to_string())
    }

    /// What a client makes of a result that holds neither a value nor a declared exception.
    #[cold]
    pub fn missing_result(function: &str) -> Self {
        Self::application(ApplicationExceptionKind::MISSING_RESULT, format!("the result of '{function}' is empty"))
    }

    /// There is no connection.
    #[cold]
    pub(crate) fn connect(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::new(CallErrorKind::Connect(Arc::new(cause)), false)
    }

    /// The connection ended.
    #[cold]
    pub(crate) fn lost(cause: impl std::error::Error + Send + Sync + 'static, was_sent: bool) -> Self {
        Self::new(CallErrorKind::ConnectionLost(Arc::new(cause)), was_sent)
    }

    /// The time is over.
    #[cold]
    pub(crate) fn timeout(was_sent: bool) -> Self {
        Self::new(CallErrorKind::Timeout, was_sent)
    }

    /// What the call cannot be encoded for.
    #[cold]
    pub(crate) fn encode(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::new(CallErrorKind::Encode(Arc::new(cause)), false)
    }

    /// What ended the connection on which the call was made.
    #[cold]
    pub(crate) fn connection(error: ConnectionError, was_sent: bool) -> Self {
        match error.fault() {
            Fault::Peer => Self::new(CallErrorKind::Peer(error), was_sent),
            Fault::Network | Fault::Local => Self::lost(error, was_sent),
        }
    }

    /// What keeps a call from being written.
    #[cold]
    pub(crate) fn refused(error: fastthrift_rpc::CallError) -> Self {
        use fastthrift_rpc::CallError as Refusal;
        match error {
            Refusal::Connection(error) => Self::connection(error, false),
            Refusal::Headers(_) | Refusal::BufferShrunk => Self::encode(error),
            _ => Self::new(CallErrorKind::Limit(Arc::new(error)), false),
        }
    }

    /// What went wrong.
    pub fn kind(&self) -> &CallErrorKind {
        &self.0.kind
    }

    /// Whether the server may have got the call: where it did not, the call can be made again without harm.
    pub fn was_sent(&self) -> bool {
        self.0.was_sent
    }

    /// What the server says, or is to say, when that is why.
    pub fn application_exception(&self) -> Option<&ApplicationException> {
        match &self.0.kind {
            CallErrorKind::Application(exception) => Some(exception),
            _ => None,
        }
    }

    /// Whether no reply came in time, as this side found or as the server says.
    pub fn is_timeout(&self) -> bool {
        match &self.0.kind {
            CallErrorKind::Timeout => true,
            CallErrorKind::Application(exception) => exception.kind == ApplicationExceptionKind::TIMEOUT,
            _ => false,
        }
    }

    /// What a server's client is told of this.
    #[cfg(feature = "tokio")]
    #[cold]
    pub(crate) fn into_exception(self) -> ApplicationException {
        match self.0.kind {
            CallErrorKind::Application(exception) => exception,
            CallErrorKind::Timeout => ApplicationException::new(ApplicationExceptionKind::TIMEOUT, "the time is over"),
            kind => ApplicationException::new(ApplicationExceptionKind::INTERNAL_ERROR, kind.to_string()),
        }
    }
}

impl std::error::Error for CallError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.kind {
            CallErrorKind::Application(exception) => Some(exception),
            CallErrorKind::Connect(cause)
            | CallErrorKind::ConnectionLost(cause)
            | CallErrorKind::Encode(cause)
            | CallErrorKind::Limit(cause)
            | CallErrorKind::Layer(cause) => Some(cause.as_ref()),
            CallErrorKind::Timeout => None,
            CallErrorKind::Peer(error) => Some(error),
            CallErrorKind::Decode(error) => Some(error),
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.kind.fmt(f)
    }
}

impl fmt::Display for CallErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Application(exception) => exception.fmt(f),
            Self::Connect(cause) => write!(f, "cannot connect: {cause}"),
            Self::ConnectionLost(cause) => write!(f, "the connection ended: {cause}"),
            Self::Timeout => f.write_str("no reply came in time"),
            Self::Peer(error) => write!(f, "the peer broke the protocol: {error}"),
            Self::Encode(cause) => write!(f, "the call cannot be written: {cause}"),
            Self::Decode(error) => write!(f, "the message cannot be read: {error}"),
            Self::Limit(cause) | Self::Layer(cause) => cause.fmt(f),
        }
    }
}

impl From<ApplicationException> for CallError {
    #[cold]
    fn from(exception: ApplicationException) -> Self {
        Self::new(CallErrorKind::Application(exception), true)
    }
}

impl From<DecodeError> for CallError {
    #[cold]
    fn from(error: DecodeError) -> Self {
        Self::new(CallErrorKind::Decode(error), true)
    }
}

/// What is wrong with settings, in a sentence.
#[derive(Debug)]
pub(crate) struct Invalid(pub(crate) String);

impl std::error::Error for Invalid {}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An error of the system, and the endpoint that it is about.
#[derive(Debug)]
struct Located {
    endpoint: String,
    error: io::Error,
}

/// The same error, of the same kind, with the endpoint that it is about.
#[cold]
pub(crate) fn located(endpoint: &Endpoint, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), Located { endpoint: endpoint.to_string(), error })
}

impl std::error::Error for Located {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, error } = self;
        write!(f, "{endpoint}: {error}")
    }
}
