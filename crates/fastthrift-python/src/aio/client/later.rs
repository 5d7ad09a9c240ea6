//! What is to be done once the lock of the connections is given back: each of it may call them again.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::connections::Connections;
use super::course::Report;

/// What is to be done, in this order.
#[derive(Default)]
pub(super) struct Later<'py> {
    /// Bytes to send.
    pub(super) writes: Vec<(Bound<'py, PyAny>, Bound<'py, PyBytes>)>,
    /// Futures, and how each ends.
    pub(super) outcomes: Vec<(Bound<'py, PyAny>, PyResult<Bound<'py, PyAny>>)>,
    /// How attempts at calls that may be made again ended; to be settled while the lock is held.
    pub(super) reports: Vec<Report<'py>>,
    /// Transports to close when they have sent what they have.
    pub(super) closes: Vec<Bound<'py, PyAny>>,
    /// Transports to close without sending more.
    pub(super) aborts: Vec<Bound<'py, PyAny>>,
    /// Links to flush in the loop's next round.
    pub(super) flushes: Vec<Bound<'py, PyAny>>,
    /// Timers that are no longer needed.
    pub(super) cancelled: Vec<Py<PyAny>>,
    /// Whether a connection is to be opened.
    pub(super) opens: bool,
    /// Whether the timer is to be set anew.
    pub(super) sets_timer: bool,
}

impl<'py> Later<'py> {
    /// Notes how a call ends.
    pub(super) fn end(&mut self, reply: Bound<'py, PyAny>, outcome: PyResult<Bound<'py, PyAny>>) {
        self.outcomes.push((reply, outcome));
    }

    /// Does it all. What fails does not keep the rest from being done.
    pub(super) fn carry_out(self, connections: &Bound<'py, Connections>) -> PyResult<()> {
        let py = connections.py();
        let mut result = Ok(());
        let mut note = |outcome: PyResult<()>| {
            if result.is_ok() {
                result = outcome;
            }
        };
        for (transport, bytes) in self.writes {
            note(transport.call_method1(intern!(py, "write"), (bytes,)).map(drop));
        }
        for (reply, outcome) in self.outcomes {
            note(resolve(&reply, outcome));
        }
        for transport in self.closes {
            note(transport.call_method0(intern!(py, "close")).map(drop));
        }
        for transport in self.aborts {
            note(transport.call_method0(intern!(py, "abort")).map(drop));
        }
        for flush in self.flushes {
            note(connections.get().event_loop().call_soon(py, flush));
        }
        for timer in self.cancelled {
            note(timer.call_method0(py, intern!(py, "cancel")).map(drop));
        }
        if self.opens {
            note(Connections::start_opening(connections));
        }
        if self.sets_timer {
            note(Connections::set_timer(connections));
        }
        result
    }
}

/// Ends a call's future, unless it was ended otherwise.
pub(super) fn resolve(reply: &Bound<'_, PyAny>, outcome: PyResult<Bound<'_, PyAny>>) -> PyResult<()> {
    let py = reply.py();
    if reply.call_method0(intern!(py, "done"))?.is_truthy()? {
        return Ok(());
    }
    match outcome {
        Ok(value) => reply.call_method1(intern!(py, "set_result"), (value,)),
        Err(error) => reply.call_method1(intern!(py, "set_exception"), (error.into_value(py),)),
    }
    .map(drop)
}
