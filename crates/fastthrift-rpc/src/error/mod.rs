mod command;
mod connection;
mod header;
mod http;
mod sasl;

pub use command::{CallError, ReplyError};
pub(crate) use connection::starts_alert;
pub use connection::{ConnectionError, ConnectionErrorKind, Fault};
pub use header::HeaderError;
pub use http::HttpError;
pub use sasl::SaslError;
