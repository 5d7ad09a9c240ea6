//! The handshake by which a client says who it is before its first call, in the frames that Hive and Impala speak.
//!
//! A frame is a status of one byte, a length of four, and so many bytes. The client starts with the name of a mechanism
//! and its first response; then challenges and responses follow until the server completes or refuses. After that
//! messages are framed. No layer of security is negotiated: that is TLS's task.

mod client;
mod frame;
mod server;

pub use client::SaslClient;
pub(crate) use client::{ClientHandshake, Step};
pub(crate) use server::ServerHandshake;
pub use server::{Credentials, PlainCredentials, SaslServer};

/// How many challenges there may be.
const MAX_ROUNDS: u32 = 32;

/// The mechanism that is a name and a password (RFC 4616).
const PLAIN: &str = "PLAIN";

/// Whether this can name a mechanism (RFC 4422 section 3.1).
fn is_mechanism(name: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    (1..=20).contains(&name.len()) && name.bytes().all(is_good)
}
