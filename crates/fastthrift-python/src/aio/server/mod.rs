//! Servers on an event loop.
//!
//! [`serving`] is a server that runs; [`peer`] is the loop's protocol of one connection: it reads requests, calls handlers and
//! answers. A handler that is a coroutine is a [`job`], and a [`carrier`] runs it in a task.

mod carrier;
mod job;
mod parking;
mod peer;
mod serving;
mod state;

use pyo3::prelude::*;

pub(crate) use self::job::Job;

pub(super) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<serving::Serving>()?;
    module.add_class::<peer::Peer>()
}
