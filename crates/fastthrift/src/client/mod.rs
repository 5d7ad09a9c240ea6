//! Calls from here to elsewhere.

mod builder;
mod channel;
mod connection;
mod driver;
mod layered;
mod pool;
mod request;
mod retry;
mod waiting;

pub use builder::ChannelBuilder;
pub use channel::Channel;
pub use request::{ClientReply, ClientRequest};
pub use retry::Retry;

#[cfg(any(feature = "tracing", feature = "metrics"))]
pub(crate) use request::is_declared_exception;
