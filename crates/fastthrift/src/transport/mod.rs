//! What carries bytes: sockets, TLS, and memory within the process.

mod connect;
mod listen;
mod memory;
mod stream;

pub(crate) use connect::Target;
pub(crate) use listen::Listener;
pub(crate) use stream::{Direct, ReadSide, Stream};
