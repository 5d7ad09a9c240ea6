//! Calls from elsewhere to here.

mod answers;
mod budget;
mod builder;
mod connection;
mod login;
mod running;
mod serve;
mod service;
mod watch;

pub use builder::ServerBuilder;
pub use login::PlainLogin;
pub use serve::Server;
pub use service::{And, Request, Response, Service};
