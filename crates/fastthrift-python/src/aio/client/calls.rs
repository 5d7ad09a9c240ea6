//! How calls are made, and given up.

use std::sync::Arc;

use fastthrift_protocol::Bounded;
use fastthrift_rpc::{CallError, CallId};
use pyo3::intern;
use pyo3::prelude::*;

use super::channel::{Body, Outgoing, Recipient};
use super::connections::{Connections, in_a_call};
use super::course::Course;
use super::later::Later;
use super::link::Link;
use super::state::{Queued, QueuedCall, State};
use super::target::Target;
use super::terms::Terms;
use crate::client::write_arguments;
use crate::error::encode_error;
use crate::object::Object;
use crate::registry::Registry;
use crate::service::FunctionInfo;

impl Connections {
    /// Makes a call, and returns the future of its result.
    pub(super) fn call<'py>(
        this: &Bound<'py, Self>,
        registry: &Bound<'py, Registry>,
        info: &Arc<FunctionInfo>,
        values: &[Object],
        terms: &Terms,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, me) = (this.py(), this.get());
        let target = me.target();
        me.event_loop().check(py)?;
        if target.may_repeat(info, terms) {
            return Self::call_in_course(this, registry, info, values, terms);
        }
        let reply = me.make_reply(py)?;
        let deadline = terms.deadline;
        let mut later = Later::default();
        {
            let mut state = me.try_lock().ok_or_else(in_a_call)?;
            if state.is_closed {
                return Err(target.closed_error(py, &info.name));
            }
            later.sets_timer = deadline.is_some_and(|deadline| state.is_before_timer(deadline));
            if let Some(place) = state.ready(target, || me.now()) {
                let channel = &mut state.channels[place];
                let is_busy = channel.load() > 0;
                let call = Outgoing { recipient: Recipient::Future(reply.clone().unbind()), registry, info, terms };
                channel.begin(target, call, &Body::Values(values), || me.now(), &mut later)?;
                later.opens = is_busy && state.is_crowded(target, || me.now());
            } else {
                Self::queue(this, &mut state, &reply, registry, info, values, terms)?;
                if target.keeps_times {
                    state.drain(py, target, || me.now(), &mut later);
                } else {
                    later.opens = state.wants_more(target, || me.now());
                }
            }
        }
        later.carry_out(this)?;
        Ok(reply)
    }

    /// Makes a call that may be made again, and returns the future of its result.
    #[cold]
    fn call_in_course<'py>(
        this: &Bound<'py, Self>,
        registry: &Bound<'py, Registry>,
        info: &Arc<FunctionInfo>,
        values: &[Object],
        terms: &Terms,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, me) = (this.py(), this.get());
        let target = me.target();
        let body = encoded(registry, info, values, target)?;
        let reply = me.make_reply(py)?;
        let mut later = Later::default();
        {
            let mut state = me.try_lock().ok_or_else(in_a_call)?;
            if state.is_closed {
                return Err(target.closed_error(py, &info.name));
            }
            check_room(py, &state, info, target)?;
            later.sets_timer = terms.deadline.is_some_and(|deadline| state.is_before_timer(deadline));
            let key = state.new_key();
            reply.setattr(intern!(py, "_holder"), this)?;
            reply.setattr(intern!(py, "_key"), key)?;
            let (reply, registry) = (reply.clone().unbind(), registry.clone().unbind());
            let course = Course::new(reply, registry, info.clone(), terms.copy(py), body);
            state.begin_course(py, key, course, target, me.now(), &mut later)?;
            later.opens |= state.is_crowded(target, || me.now());
            state.settle(py, target, || me.now(), &mut later);
        }
        later.carry_out(this)?;
        Ok(reply)
    }

    /// Lets a call wait for a connection.
    fn queue(
        this: &Bound<'_, Self>,
        state: &mut State,
        reply: &Bound<'_, PyAny>,
        registry: &Bound<'_, Registry>,
        info: &Arc<FunctionInfo>,
        values: &[Object],
        terms: &Terms,
    ) -> PyResult<()> {
        let (py, target) = (registry.py(), this.get().target());
        check_room(py, state, info, target)?;
        let body = encoded(registry, info, values, target)?;
        let key = state.new_key();
        reply.setattr(intern!(py, "_holder"), this)?;
        reply.setattr(intern!(py, "_key"), key)?;
        let (reply, registry) = (reply.clone().unbind(), registry.clone().unbind());
        let call = QueuedCall { key, reply, registry, info: Arc::clone(info), body, terms: terms.copy(py) };
        state.queue.push_back(Queued::Call(call));
        Ok(())
    }

    /// Stops waiting for a call. Where the lock is held, its reply finds a future that is cancelled.
    pub(super) fn abandon_on(this: &Bound<'_, Self>, link: &Bound<'_, Link>, call: CallId) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let mut later = Later::default();
        if let Some(mut state) = me.try_lock()
            && let Some(channel) = state.channel(link)
        {
            channel.abandon(py, call, &mut later);
            if me.target().keeps_times {
                channel.tend(py, &me.target().policies.pool, me.now(), &mut later);
            }
        }
        later.carry_out(this)
    }

    /// Stops waiting for a call whose future was cancelled, and that waits for a connection or may be made again.
    pub(super) fn abandon_by(this: &Bound<'_, Self>, key: u64) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let mut later = Later::default();
        let mut state = me.try_lock();
        let mut removed = (None, None);
        if let Some(state) = &mut state {
            let place = state.queue.iter().position(|queued| queued.key() == key);
            removed = (place.and_then(|place| state.queue.remove(place)), state.give_up(py, key, &mut later));
        }
        drop(state);
        drop(removed);
        later.carry_out(this)
    }
}

/// Refuses a call where too many wait for a connection.
fn check_room(py: Python<'_>, state: &State, info: &FunctionInfo, target: &Target) -> PyResult<()> {
    let limit = target.limits().max_in_flight;
    if state.queue.len() < limit {
        return Ok(());
    }
    Err(target.call_error(py, &info.name, CallError::TooManyInFlight { limit }))
}

/// The struct of a call's arguments.
fn encoded(
    registry: &Bound<'_, Registry>,
    info: &FunctionInfo,
    values: &[Object],
    target: &Target,
) -> PyResult<Vec<u8>> {
    let (py, limit) = (registry.py(), target.limits().limits.message);
    let mut body = Vec::new();
    let mut loss = None;
    let mut sink = Bounded::new(&mut body, limit, &mut loss);
    let written = write_arguments(registry.get(), info, values, &target.base.settings, &mut sink);
    written.map_err(|error| encode_error(py, &error))?;
    if loss.is_some() {
        return Err(target.call_error(py, &info.name, CallError::TooLarge { size: body.len(), limit }));
    }
    Ok(body)
}
