mod command;
mod connection;

pub use command::{CallError, ReplyError};
pub use connection::{ConnectionError, ConnectionErrorKind, Fault};
