//! TLS, by rustls: [`session`] is one connection without its socket, [`client`] and [`server`] are what the sides bring
//! along, [`pem`] reads their files, and [`classes`] are their faces in Python.

mod classes;
mod client;
mod pem;
mod server;
mod session;

pub(crate) use self::classes::{add_to, config_error, of_client, of_server};
pub(crate) use self::client::ClientSecurity;
pub(crate) use self::server::ServerSecurity;
pub(crate) use self::session::TlsSession;
