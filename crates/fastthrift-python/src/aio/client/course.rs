//! Calls that may be made again: after a failure, or beside one that has no reply yet.
//!
//! Each is a course of attempts, of which at most two run at once. The first answer counts, and the other attempt is given up.

use std::sync::Arc;
use std::time::Duration;

use fastthrift_rpc::CallId;
use fastthrift_rpc::policy::Verdict;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::channel::{Body, Outgoing, Recipient};
use super::later::Later;
use super::link::Link;
use super::state::{Queued, State};
use super::target::Target;
use super::terms::Terms;
use crate::client::{Failure, Hedging, LinkError};
use crate::registry::Registry;
use crate::service::FunctionInfo;

/// A call that may be made again, from its beginning to its end.
pub(super) struct Course {
    pub(super) reply: Py<PyAny>,
    pub(super) registry: Py<Registry>,
    pub(super) info: Arc<FunctionInfo>,
    pub(super) terms: Terms,
    /// The struct of the arguments: they may change before it is sent.
    body: Vec<u8>,
    /// How many times it was sent.
    attempts: u32,
    /// How many times that failed, a race of two counting as one.
    failed: u32,
    /// The attempts whose reply may come.
    running: Vec<Attempt>,
    /// What the other one in a race failed by.
    failure: Option<Failure>,
    /// When the next attempt is to be made, since the epoch.
    due: Option<Duration>,
}

/// An attempt on a connection.
struct Attempt {
    number: u32,
    link: Py<Link>,
    call: CallId,
}

/// What a connection knows an attempt by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    course: u64,
    number: u32,
}

/// How an attempt ended.
pub(super) struct Report<'py> {
    pub(super) run: Run,
    pub(super) outcome: Outcome<'py>,
}

/// What came of an attempt.
pub(super) enum Outcome<'py> {
    /// The call ends by this.
    Answered(PyResult<Bound<'py, PyAny>>),
    /// Another attempt may follow.
    Failed(Failure),
}

impl Course {
    /// A call of which nothing was done.
    pub(super) fn new(
        reply: Py<PyAny>,
        registry: Py<Registry>,
        info: Arc<FunctionInfo>,
        terms: Terms,
        body: Vec<u8>,
    ) -> Self {
        let (running, failure, due) = (Vec::with_capacity(1), None, None);
        Self { reply, registry, info, terms, body, attempts: 0, failed: 0, running, failure, due }
    }

    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.reply)?;
        visit.call(&self.registry)?;
        visit.call(&self.terms.call)?;
        self.running.iter().try_for_each(|attempt| visit.call(&attempt.link))
    }

    fn is_idempotent(&self) -> bool {
        self.terms.is_idempotent(&self.info)
    }

    /// How long is waited for a reply before it is made a second time, if it may be.
    fn hedge<'t>(&self, target: &'t Target) -> Option<&'t Hedging> {
        target.policies.hedging.as_ref().filter(|_| !self.info.is_oneway && self.is_idempotent())
    }

    /// Notes the call in the budgets.
    pub(super) fn deposit(&self, target: &Target) {
        if let Some(retry) = &target.policies.retry {
            retry.budget.deposit();
        }
        if let Some(hedging) = self.hedge(target).filter(|hedging| hedging.is_own) {
            hedging.budget.deposit();
        }
    }
}

impl State {
    /// Begins a call. Where no connection takes it now it waits.
    pub(super) fn begin_course<'py>(
        &mut self,
        py: Python<'py>,
        key: u64,
        course: Course,
        target: &Target,
        now: Duration,
        later: &mut Later<'py>,
    ) -> PyResult<()> {
        course.deposit(target);
        self.courses.insert(key, course);
        if let Some(place) = self.ready(target, || now) {
            return self.run(py, key, place, target, now, later).inspect_err(|_| self.drop_course(key));
        }
        self.queue.push_back(Queued::Course(key));
        self.drain(py, target, || now, later);
        Ok(())
    }

    /// Makes an attempt on the connection at a place. When that fails, nothing of it is there.
    pub(super) fn run<'py>(
        &mut self,
        py: Python<'py>,
        key: u64,
        place: usize,
        target: &Target,
        now: Duration,
        later: &mut Later<'py>,
    ) -> PyResult<()> {
        let Self { channels, courses, .. } = self;
        let (Some(channel), Some(course)) = (channels.get_mut(place), courses.get_mut(&key)) else { return Ok(()) };
        let number = course.attempts;
        course.attempts = number.wrapping_add(1);
        let recipient = Recipient::Course(Run { course: key, number });
        let registry = course.registry.bind(py);
        let outgoing = Outgoing { recipient, registry, info: &course.info, terms: &course.terms };
        let call = channel.begin(target, outgoing, &Body::Bytes(&course.body), || now, later)?;
        course.running.push(Attempt { number, link: channel.link.clone_ref(py), call });
        let hedge = course.hedge(target).filter(|_| course.running.len() == 1);
        if let Some(due) = hedge.and_then(|hedging| now.checked_add(hedging.delay)) {
            self.schedule(key, due, later);
        }
        Ok(())
    }

    /// Goes on with calls whose attempts ended.
    pub(super) fn settle<'py>(
        &mut self,
        py: Python<'py>,
        target: &Target,
        now: impl Fn() -> Duration,
        later: &mut Later<'py>,
    ) {
        for Report { run: Run { course: key, number }, outcome } in std::mem::take(&mut later.reports) {
            let Some(course) = self.courses.get_mut(&key) else { continue };
            course.running.retain(|attempt| attempt.number != number);
            match outcome {
                Outcome::Answered(result) => self.finish(py, key, result, later),
                Outcome::Failed(failure) => self.fail(py, key, failure, target, now(), later),
            }
        }
    }

    /// Goes on with a call of which an attempt failed: with the other attempt, with another one after a while, or not at all.
    #[cold]
    fn fail<'py>(
        &mut self,
        py: Python<'py>,
        key: u64,
        failure: Failure,
        target: &Target,
        now: Duration,
        later: &mut Later<'py>,
    ) {
        let Some(course) = self.courses.get_mut(&key) else { return };
        let is_over = matches!(failure.error, LinkError::TimedOut | LinkError::Closed);
        if !is_over && !course.running.is_empty() {
            course.failure.get_or_insert(failure);
            return;
        }
        let failure = course.failure.take().filter(|_| !is_over).unwrap_or(failure);
        if failure.is_retryable(course.is_idempotent()) && self.retry(key, target, now, later) {
            return;
        }
        let Some(course) = self.courses.get(&key) else { return };
        let error = target.error(py, failure, course.terms.timeout, &course.info.name);
        self.finish(py, key, Err(error), later);
    }

    /// Lets a call that failed be made again after a while, if that is allowed.
    pub(super) fn retry(&mut self, key: u64, target: &Target, now: Duration, later: &mut Later<'_>) -> bool {
        let (Some(retry), Some(course)) = (&target.policies.retry, self.courses.get_mut(&key)) else { return false };
        course.failed = course.failed.saturating_add(1);
        let wait = retry.next_wait(course.failed, |wait| course.terms.has_time_for(wait, now));
        let due = wait.and_then(|wait| now.checked_add(wait));
        if let Some(due) = due {
            self.hedges.retain(|hedged| *hedged != key);
            self.schedule(key, due, later);
        }
        due.is_some()
    }

    /// Ends a call. An attempt that still runs is given up.
    pub(super) fn finish<'py>(
        &mut self,
        py: Python<'py>,
        key: u64,
        result: PyResult<Bound<'py, PyAny>>,
        later: &mut Later<'py>,
    ) {
        if let Some(course) = self.give_up(py, key, later) {
            later.end(course.reply.into_bound(py), result);
        }
    }

    /// Forgets a call, and all that is done for it.
    pub(super) fn give_up<'py>(&mut self, py: Python<'py>, key: u64, later: &mut Later<'py>) -> Option<Course> {
        self.unschedule(key);
        let mut course = self.courses.remove(&key)?;
        self.hedges.retain(|hedged| *hedged != key);
        for Attempt { link, call, .. } in course.running.drain(..) {
            if let Some(channel) = self.channel(link.bind(py)) {
                channel.abandon(py, call, later);
            }
        }
        Some(course)
    }

    /// Makes the attempts that are due.
    pub(super) fn make_due<'py>(&mut self, py: Python<'py>, target: &Target, now: Duration, later: &mut Later<'py>) {
        while let Some(&(due, key)) = self.agenda.first()
            && due <= now
        {
            self.agenda.pop_first();
            let Some(course) = self.courses.get_mut(&key) else { continue };
            course.due = None;
            if course.running.is_empty() {
                self.queue.push_back(Queued::Course(key));
            } else if let Some(hedging) =
                course.hedge(target).filter(|_| course.terms.has_time_for(Duration::ZERO, now))
            {
                self.hedge(py, key, hedging, target, now, later);
            }
        }
    }

    /// Makes a call a second time, over another connection, if one is to be had and the budget allows it.
    fn hedge<'py>(
        &mut self,
        py: Python<'py>,
        key: u64,
        hedging: &Hedging,
        target: &Target,
        now: Duration,
        later: &mut Later<'py>,
    ) {
        let other = self.other(key, target, now);
        if (other.is_none() && !self.may_grow(target, || now)) || !hedging.budget.withdraw() {
            return;
        }
        if let Some(place) = other {
            // Where it cannot be made twice, the first attempt is as good as before.
            return drop(self.run(py, key, place, target, now, later));
        }
        self.hedges.push(key);
        later.opens = true;
    }

    /// Makes the second attempts that wait for a connection.
    pub(super) fn hedge_waiting<'py>(
        &mut self,
        py: Python<'py>,
        target: &Target,
        now: impl Fn() -> Duration,
        later: &mut Later<'py>,
    ) {
        for key in std::mem::take(&mut self.hedges) {
            match self.other(key, target, now()) {
                Some(place) => drop(self.run(py, key, place, target, now(), later)),
                None => self.hedges.push(key),
            }
        }
    }

    /// The place of a connection that takes a call now on which it does not run already.
    fn other(&self, key: u64, target: &Target, now: Duration) -> Option<usize> {
        let running = &self.courses.get(&key)?.running;
        let policy = &target.policies.pool;
        let others = self.channels.iter().enumerate().filter(|(_, channel)| {
            channel.is_ready()
                && running.iter().all(|attempt| !attempt.link.is(&channel.link))
                && (!target.keeps_times || channel.verdict(policy, now) != Verdict::Close)
        });
        others.min_by_key(|(_, channel)| channel.load()).map(|(place, _)| place)
    }

    /// Takes a call off that was not begun.
    fn drop_course(&mut self, key: u64) {
        self.unschedule(key);
        self.courses.remove(&key);
    }

    fn schedule(&mut self, key: u64, due: Duration, later: &mut Later<'_>) {
        self.unschedule(key);
        if let Some(course) = self.courses.get_mut(&key) {
            course.due = Some(due);
            self.agenda.insert((due, key));
            later.sets_timer |= self.is_before_timer(due);
        }
    }

    fn unschedule(&mut self, key: u64) {
        if let Some(due) = self.courses.get_mut(&key).and_then(|course| course.due.take()) {
            self.agenda.remove(&(due, key));
        }
    }
}
