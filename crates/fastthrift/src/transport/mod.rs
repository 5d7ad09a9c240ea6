//! What carries bytes: sockets, TLS, and memory within the process.

mod connect;
mod listen;
mod memory;
mod stream;
#[cfg(feature = "tls")]
mod tls;

pub(crate) use connect::Target;
pub(crate) use listen::{Arriving, Door, Listener};
pub(crate) use stream::{Direct, ReadSide, Stream};
#[cfg(feature = "tls")]
pub use tls::ServerTls;
