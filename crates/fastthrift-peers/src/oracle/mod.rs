//! The server and the callers of the fault test.

pub(crate) mod callers;
mod judge;
pub(crate) mod server;
mod tokens;
