//! What each connection of a loop may take of the memory that all of them have together.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit, intern};

use super::peer::Peer;
use super::serving::Serving;
use super::state::State;
use crate::server::budget::{Budget, Memory};

/// The most bytes that a transport is to receive at once, where it can be told: what comes at once is not stopped half-way.
const CHUNK: usize = 64 << 10;

/// The [`Budget`] of a server, and the connections that wait for their share.
pub(super) struct Shares {
    budget: Budget,
    paused: HashMap<usize, Py<Peer>>,
}

impl Shares {
    /// For this many bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { budget: Budget::new(limit), paused: HashMap::new() }
    }

    /// Whether so much waits to be sent that calls are to be refused.
    fn is_overdrawn(&self) -> bool {
        self.budget.is_overdrawn()
    }

    /// Counts a connection anew, of which so much waits in its transport. Whether it may receive more; one that wants to and may not
    /// is [resumed](Self::resume) later.
    fn count(&mut self, peer: &Bound<'_, Peer>, state: &mut State, unsent: usize) -> bool {
        let number = peer.get().number;
        let memory = state.memory(unsent);
        self.budget.count(&mut state.counted, memory);
        if std::mem::take(&mut state.has_served) || !state.rpc.is_mid_message() {
            self.budget.end_favour(number);
        }
        let allowance = self.budget.allowance(number);
        let may_read = allowance == usize::MAX || memory.total() < allowance;
        if !may_read && state.rpc.wants_read() && !self.paused.contains_key(&number) {
            self.budget.pause(number);
            self.paused.insert(number, peer.clone().unbind());
        }
        may_read
    }

    /// Notes that a connection is lost, and returns what was kept of it.
    fn forget(&mut self, number: usize, state: &mut State) -> Option<Py<Peer>> {
        self.budget.count(&mut state.counted, Memory::default());
        self.budget.forget(number);
        self.paused.remove(&number)
    }

    /// The connections that may go on now: their protocols are to settle.
    fn resume(&mut self) -> Vec<Py<Peer>> {
        if self.paused.is_empty() {
            return Vec::new();
        }
        let mut ready = VecDeque::new();
        self.budget.resume(&mut ready);
        ready.iter().filter_map(|number| self.paused.remove(number)).collect()
    }

    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.paused.values().try_for_each(|peer| visit.call(peer))
    }
}

impl Serving {
    /// Whether calls are to be refused, for their replies would take too much memory.
    #[inline]
    pub(super) fn is_overdrawn(&self) -> bool {
        self.shares.as_ref().is_some_and(|shares| locked(shares).is_overdrawn())
    }

    /// Counts the memory of a connection, and says whether it may receive more for now.
    #[inline]
    pub(super) fn may_read(&self, peer: &Bound<'_, Peer>, state: &mut State) -> PyResult<bool> {
        let Some(shares) = &self.shares else { return Ok(true) };
        let py = peer.py();
        let unsent = state.transport.call_method0(py, intern!(py, "get_write_buffer_size"))?.extract(py)?;
        let mut shares = locked(shares);
        let may_read = shares.count(peer, state, unsent);
        let resumed = shares.resume();
        drop(shares);
        self.settle_soon(py, &resumed)?;
        Ok(may_read)
    }

    /// Counts a connection no more, which is lost.
    pub(super) fn forget(&self, py: Python<'_>, number: usize, state: &mut State) -> PyResult<()> {
        let Some(shares) = &self.shares else { return Ok(()) };
        let mut shares = locked(shares);
        let forgotten = shares.forget(number, state);
        let resumed = shares.resume();
        drop(shares);
        drop(forgotten);
        self.settle_soon(py, &resumed)
    }

    /// Has connections go on in the loop's next round.
    fn settle_soon(&self, py: Python<'_>, peers: &[Py<Peer>]) -> PyResult<()> {
        peers
            .iter()
            .try_for_each(|peer| self.event_loop().call_soon(py, peer.bind(py).getattr(intern!(py, "_settle"))?))
    }

    /// Has a transport receive no more at once than is good where memory is limited, if it can be told that.
    pub(super) fn limit_chunks(&self, transport: &Bound<'_, PyAny>) -> PyResult<()> {
        let name = intern!(transport.py(), "max_size");
        if self.shares.is_some() && transport.hasattr(name)? { transport.setattr(name, CHUNK) } else { Ok(()) }
    }

    pub(super) fn traverse_shares(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.shares.as_ref().map(Mutex::try_lock) {
            Some(Ok(shares)) => shares.traverse(visit),
            _ => Ok(()),
        }
    }

    pub(super) fn clear_shares(&self) {
        let paused = self.shares.as_ref().map(|shares| std::mem::take(&mut locked(shares).paused));
        drop(paused);
    }
}

/// No code of Python's runs with this lock held, so nobody waits for it.
fn locked(shares: &Mutex<Shares>) -> MutexGuard<'_, Shares> {
    shares.lock().unwrap_or_else(PoisonError::into_inner)
}
