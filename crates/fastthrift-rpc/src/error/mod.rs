mod command;
mod connection;
mod header;

pub use command::{CallError, ReplyError};
pub use connection::{ConnectionError, ConnectionErrorKind, Fault};
pub use header::HeaderError;
