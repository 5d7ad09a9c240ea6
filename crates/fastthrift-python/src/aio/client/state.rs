//! The connections that are there, and the calls that wait for one.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::channel::{Body, Channel, Outgoing};
use super::later::Later;
use super::link::Link;
use super::target::Target;
use super::terms::Terms;
use crate::registry::Registry;
use crate::service::FunctionInfo;

/// What the lock of the connections guards.
#[derive(Default)]
pub(super) struct State {
    pub(super) channels: Vec<Channel>,
    pub(super) queue: VecDeque<Queued>,
    pub(super) next_key: u64,
    /// What opens a connection at this moment.
    pub(super) opening: Option<Py<PyAny>>,
    pub(super) is_opening: bool,
    pub(super) timer: Option<Timer>,
    /// Set once the client is closed; the future to end when the last connection is.
    pub(super) is_closed: bool,
    pub(super) closed: Option<Py<PyAny>>,
}

/// A call that waits for a connection that takes it.
pub(super) struct Queued {
    pub(super) key: u64,
    pub(super) reply: Py<PyAny>,
    pub(super) registry: Py<Registry>,
    pub(super) info: Arc<FunctionInfo>,
    /// The struct of the arguments: they may change before it is sent.
    pub(super) body: Vec<u8>,
    pub(super) terms: Terms,
}

/// When the loop is to look for calls whose time is over.
pub(super) struct Timer {
    pub(super) at: Duration,
    pub(super) handle: Py<PyAny>,
}

impl State {
    /// The connection that takes a call now.
    pub(super) fn ready(&mut self) -> Option<&mut Channel> {
        // Calls that wait go first.
        if !self.queue.is_empty() {
            return None;
        }
        let ready = self.channels.iter_mut().filter(|channel| channel.is_ready());
        ready.min_by_key(|channel| channel.load())
    }

    pub(super) fn channel(&mut self, link: &Bound<'_, Link>) -> Option<&mut Channel> {
        self.channels.iter_mut().find(|channel| channel.link.is(link))
    }

    pub(super) fn remove(&mut self, link: &Bound<'_, Link>) -> Option<Channel> {
        let place = self.channels.iter().position(|channel| channel.link.is(link))?;
        Some(self.channels.swap_remove(place))
    }

    /// Ends the future of closing when all is closed.
    pub(super) fn note_end<'py>(&mut self, py: Python<'py>, later: &mut Later<'py>) {
        if self.is_closed
            && self.channels.is_empty()
            && let Some(closed) = self.closed.take()
        {
            later.end(closed.into_bound(py), Ok(py.None().into_bound(py)));
        }
    }

    /// The first time that a call's time is over.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        let queued = self.queue.iter().filter_map(|queued| queued.terms.deadline);
        self.channels.iter().filter_map(Channel::next_deadline).chain(queued).min()
    }

    /// Whether the timer is too late for this.
    pub(super) fn is_before_timer(&self, deadline: Duration) -> bool {
        self.timer.as_ref().is_none_or(|timer| deadline < timer.at)
    }

    /// Ends the waiting calls whose time is over.
    pub(super) fn expire<'py>(&mut self, py: Python<'py>, target: &Target, now: Duration, later: &mut Later<'py>) {
        let is_due = |queued: &Queued| queued.terms.deadline.is_some_and(|deadline| deadline <= now);
        if !self.queue.iter().any(is_due) {
            return;
        }
        let (due, kept) = std::mem::take(&mut self.queue).into_iter().partition::<VecDeque<_>, _>(is_due);
        self.queue = kept;
        for queued in due {
            let error = target.timeout_error(py, &queued.info.name, queued.terms.timeout);
            later.end(queued.reply.into_bound(py), Err(error));
        }
    }

    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        for channel in &self.channels {
            channel.traverse(visit)?;
        }
        for queued in &self.queue {
            visit.call(&queued.reply)?;
            visit.call(&queued.registry)?;
            visit.call(&queued.terms.call)?;
        }
        visit.call(&self.opening)?;
        visit.call(&self.closed)?;
        visit.call(self.timer.as_ref().map(|timer| &timer.handle))
    }

    /// Whether calls that wait are reason for another connection.
    pub(super) fn wants_more(&self, target: &Target) -> bool {
        !self.queue.is_empty() && target.policies.pool.may_open(self.channels.len())
    }

    /// Gives the calls that wait to the connections that take them.
    pub(super) fn drain<'py>(
        &mut self,
        py: Python<'py>,
        target: &Target,
        now: impl Fn() -> Duration,
        later: &mut Later<'py>,
    ) {
        for channel in &mut self.channels {
            while channel.is_ready() {
                let Some(queued) = self.queue.pop_front() else { return };
                let reply = queued.reply.into_bound(py);
                let (registry, info) = (queued.registry.bind(py), &queued.info);
                let call = Outgoing { reply: &reply, registry, info, terms: &queued.terms };
                if let Err(error) = channel.begin(target, &call, &Body::Bytes(&queued.body), &now, later) {
                    later.end(reply, Err(error));
                }
            }
        }
        if self.wants_more(target) {
            later.opens = true;
        }
    }
}
