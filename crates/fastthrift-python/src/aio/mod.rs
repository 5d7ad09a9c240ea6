//! Clients and servers on an event loop of Python's: `asyncio`'s own, or any that behaves like it.
//!
//! Everything happens on the loop's thread. The loop calls the methods of the protocols here, and these call its transports; no socket
//! is touched otherwise.

mod client;
mod event_loop;
mod secure;
mod server;

use pyo3::prelude::*;

pub(crate) use self::client::AsyncClient;
pub(crate) use self::server::Job;

pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    client::add_to(module)?;
    server::add_to(module)
}
