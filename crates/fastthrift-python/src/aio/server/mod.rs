//! Servers on an event loop.
//!
//! [`serving`] is a server that runs; [`peer`] is the loop's protocol of one connection, which has a [`state`]: it reads requests,
//! calls handlers ([`calls`]), and answers ([`flow`]). A handler that is a coroutine is a [`job`], and a [`carrier`] runs it in a
//! task; [`plain`] ones run in threads or on the loop.

mod calls;
mod carrier;
mod flow;
mod job;
mod judging;
mod parking;
mod peer;
mod plain;
mod port;
mod serving;
mod shares;
mod state;

use pyo3::prelude::*;

pub(crate) use self::job::Job;

pub(super) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<serving::Serving>()?;
    module.add_class::<peer::Peer>()
}
