//! The connections that are there, and the calls that wait for one.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use fastthrift_rpc::policy::Verdict;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::channel::{Body, Channel, Outgoing, Recipient};
use super::course::Course;
use super::later::Later;
use super::link::Link;
use super::target::Target;
use super::terms::Terms;
use super::upkeep::Standing;
use crate::registry::Registry;
use crate::service::FunctionInfo;

/// For how long no further connection is made beside those that are there, after that failed.
const PAUSE: Duration = Duration::from_secs(1);
/// The same where another attempt would fail, too: a wrong password that is said too often may lock its user out.
const LONG_PAUSE: Duration = Duration::from_mins(1);

/// What the lock of the connections guards.
#[derive(Default)]
pub(super) struct State {
    pub(super) channels: Vec<Channel>,
    pub(super) queue: VecDeque<Queued>,
    pub(super) next_key: u64,
    /// The calls that may be made again, until they end.
    pub(super) courses: HashMap<u64, Course>,
    /// When which of them is to be made again, since the epoch.
    pub(super) agenda: BTreeSet<(Duration, u64)>,
    /// Those that wait for a connection to be made a second time.
    pub(super) hedges: Vec<u64>,
    /// What opens a connection at this moment.
    pub(super) opening: Option<Py<PyAny>>,
    pub(super) is_opening: bool,
    /// Until when no further connection is made beside those that are there, since the epoch.
    pub(super) pause: Option<Duration>,
    pub(super) timer: Option<Timer>,
    /// Set once the client is closed; the future to end when the last connection is.
    pub(super) is_closed: bool,
    pub(super) closed: Option<Py<PyAny>>,
}

/// A call that waits for a connection that takes it.
pub(super) enum Queued {
    /// One that is made once.
    Call(QueuedCall),
    /// One that may be made again, by its key.
    Course(u64),
}

/// A call that waits for a connection that takes it, and is made once.
pub(super) struct QueuedCall {
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

impl Queued {
    pub(super) fn key(&self) -> u64 {
        match self {
            Self::Call(call) => call.key,
            Self::Course(key) => *key,
        }
    }

    fn deadline(&self, courses: &HashMap<u64, Course>) -> Option<Duration> {
        match self {
            Self::Call(call) => call.terms.deadline,
            Self::Course(key) => courses.get(key)?.terms.deadline,
        }
    }

    fn registry<'a>(&'a self, courses: &'a HashMap<u64, Course>) -> Option<&'a Py<Registry>> {
        match self {
            Self::Call(call) => Some(&call.registry),
            Self::Course(key) => courses.get(key).map(|course| &course.registry),
        }
    }
}

impl State {
    /// A key for a call.
    pub(super) fn new_key(&mut self) -> u64 {
        self.next_key += 1;
        self.next_key
    }

    /// The place of the connection that takes a call now.
    pub(super) fn ready(&self, target: &Target, now: impl FnOnce() -> Duration) -> Option<usize> {
        // Calls that wait go first.
        if !self.queue.is_empty() {
            return None;
        }
        let now = if target.keeps_times { Some(now()) } else { None };
        let is_good = |channel: &Channel, now| {
            matches!(channel.verdict(&target.policies.pool, now), Verdict::Use | Verdict::Glance)
        };
        let ready = self.channels.iter().enumerate().filter(|(_, channel)| channel.is_ready());
        let good = ready.filter(|(_, channel)| now.is_none_or(|now| is_good(channel, now)));
        good.min_by_key(|(_, channel)| channel.load()).map(|(place, _)| place)
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

    /// The first time that something is to be done if nothing happens before.
    pub(super) fn next_due(&self, target: &Target) -> Option<Duration> {
        let queued = self.queue.iter().filter_map(|queued| queued.deadline(&self.courses));
        let waiting = self.channels.iter().filter_map(Channel::next_deadline);
        let due = self.agenda.first().map(|(due, _)| *due);
        let ends = self.channels.iter().filter(|_| target.keeps_times);
        let ends = ends.filter_map(|channel| channel.next_end(&target.policies.pool));
        waiting.chain(queued).chain(due).chain(ends).min()
    }

    /// Whether the timer is too late for this.
    pub(super) fn is_before_timer(&self, deadline: Duration) -> bool {
        self.timer.as_ref().is_none_or(|timer| deadline < timer.at)
    }

    /// Ends the waiting calls whose time is over.
    pub(super) fn expire<'py>(&mut self, py: Python<'py>, target: &Target, now: Duration, later: &mut Later<'py>) {
        let is_due = |queued: &Queued| queued.deadline(&self.courses).is_some_and(|deadline| deadline <= now);
        if !self.queue.iter().any(is_due) {
            return;
        }
        let (due, kept) = std::mem::take(&mut self.queue).into_iter().partition::<VecDeque<_>, _>(is_due);
        self.queue = kept;
        for queued in due {
            let Some((reply, info, terms)) = self.take_out(py, queued, later) else { continue };
            let error = target.timeout_error(py, &info.name, terms.timeout);
            later.end(reply.into_bound(py), Err(error));
        }
    }

    /// Takes apart what waited and is not to be made.
    pub(super) fn take_out<'py>(
        &mut self,
        py: Python<'py>,
        queued: Queued,
        later: &mut Later<'py>,
    ) -> Option<(Py<PyAny>, Arc<FunctionInfo>, Terms)> {
        match queued {
            Queued::Call(QueuedCall { reply, info, terms, .. }) => Some((reply, info, terms)),
            Queued::Course(key) => {
                let Course { reply, info, terms, .. } = self.give_up(py, key, later)?;
                Some((reply, info, terms))
            }
        }
    }

    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        for channel in &self.channels {
            channel.traverse(visit)?;
        }
        for queued in &self.queue {
            if let Queued::Call(call) = queued {
                visit.call(&call.reply)?;
                visit.call(&call.registry)?;
                visit.call(&call.terms.call)?;
            }
        }
        for course in self.courses.values() {
            course.traverse(visit)?;
        }
        visit.call(&self.opening)?;
        visit.call(&self.closed)?;
        visit.call(self.timer.as_ref().map(|timer| &timer.handle))
    }

    /// Whether calls that wait are reason for another connection.
    pub(super) fn wants_more(&self, target: &Target, now: impl FnOnce() -> Duration) -> bool {
        let checked = self.channels.iter().filter(|channel| channel.standing == Standing::Checked).count();
        (self.queue.len() > checked || !self.hedges.is_empty()) && self.may_grow(target, now)
    }

    /// Whether there are more calls than connections, and so reason for another one.
    pub(super) fn is_crowded(&self, target: &Target, now: impl FnOnce() -> Duration) -> bool {
        if target.policies.pool.size == 1 {
            return false;
        }
        let live = self.channels.iter().filter(|channel| channel.is_live());
        let (count, calls) = live.fold((0, 0), |(count, calls), channel| (count + 1, calls + channel.load()));
        calls > count && self.may_grow(target, now)
    }

    /// Whether another connection may be made now.
    pub(super) fn may_grow(&self, target: &Target, now: impl FnOnce() -> Duration) -> bool {
        if self.is_opening || self.is_closed {
            return false;
        }
        let live = self.channels.iter().filter(|channel| channel.is_live()).count();
        let is_paused = || live > 0 && self.pause.is_some_and(|pause| now() < pause);
        target.policies.pool.may_open(live) && !is_paused()
    }

    /// Notes that no connection could be made. Whether the calls that wait may wait for those that are there.
    pub(super) fn note_failure(&mut self, now: Duration, is_lasting: bool) -> bool {
        self.pause = now.checked_add(if is_lasting { LONG_PAUSE } else { PAUSE });
        self.hedges.clear();
        self.channels.iter().any(|channel| matches!(channel.standing, Standing::Open | Standing::Checked))
    }

    /// Gives the calls that wait to the connections that take them.
    pub(super) fn drain<'py>(
        &mut self,
        py: Python<'py>,
        target: &Target,
        now: impl Fn() -> Duration,
        later: &mut Later<'py>,
    ) {
        for place in 0..self.channels.len() {
            while !self.queue.is_empty() && self.is_good(py, place, target, &now, later) {
                self.make_next(py, place, target, &now, later);
            }
        }
        if !self.hedges.is_empty() {
            self.hedge_waiting(py, target, &now, later);
        }
        if !later.reports.is_empty() {
            self.settle(py, target, &now, later);
        }
        if self.wants_more(target, now) {
            later.opens = true;
        }
    }

    /// Whether a connection takes the call that waits first. One that was idle for long is checked by a call before.
    fn is_good<'py>(
        &mut self,
        py: Python<'py>,
        place: usize,
        target: &Target,
        now: &impl Fn() -> Duration,
        later: &mut Later<'py>,
    ) -> bool {
        if !self.channels[place].is_ready() {
            return false;
        }
        if !target.keeps_times {
            return true;
        }
        let (now, policy) = (now(), &target.policies.pool);
        match self.channels[place].verdict(policy, now) {
            Verdict::Use | Verdict::Glance => return true,
            Verdict::Close => self.channels[place].tend(py, policy, now, later),
            Verdict::Check => {
                let checked = self.channels.iter().filter(|channel| channel.standing == Standing::Checked).count();
                let registry = self.queue.get(checked).and_then(|queued| queued.registry(&self.courses));
                if let Some(registry) = registry.map(|registry| registry.clone_ref(py)) {
                    self.channels[place].check(registry.bind(py), target, now, later);
                }
            }
        }
        false
    }

    /// Makes the call that waits first, on the connection at a place.
    fn make_next<'py>(
        &mut self,
        py: Python<'py>,
        place: usize,
        target: &Target,
        now: &impl Fn() -> Duration,
        later: &mut Later<'py>,
    ) {
        match self.queue.pop_front() {
            None => {}
            Some(Queued::Course(key)) => {
                if let Err(error) = self.run(py, key, place, target, now(), later) {
                    self.finish(py, key, Err(error), later);
                }
            }
            Some(Queued::Call(QueuedCall { reply, registry, info, body, terms, .. })) => {
                let recipient = Recipient::Future(reply.clone_ref(py));
                let call = Outgoing { recipient, registry: registry.bind(py), info: &info, terms: &terms };
                if let Err(error) = self.channels[place].begin(target, call, &Body::Bytes(&body), now, later) {
                    later.end(reply.into_bound(py), Err(error));
                }
            }
        }
    }
}
