//! HTTP/1.1 (RFC 9110, RFC 9112) as what carries messages: one message a body.

mod body;
mod client;
mod config;
mod head;
mod server;
mod write;

pub(crate) use client::ClientHttp;
pub use config::{HttpClient, HttpServer, HttpTargetError};
pub(crate) use server::ServerHttp;
