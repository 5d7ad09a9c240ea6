//! How calls are made, and given up.

use std::sync::Arc;

use fastthrift_protocol::Bounded;
use fastthrift_rpc::{CallError, CallId};
use pyo3::intern;
use pyo3::prelude::*;

use super::channel::{Body, Outgoing};
use super::connections::{Connections, in_a_call};
use super::later::Later;
use super::link::Link;
use super::state::{Queued, State};
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
        me.event_loop().check(py)?;
        let reply = me.make_reply(py)?;
        let deadline = terms.deadline;
        let mut later = Later::default();
        {
            let mut state = me.try_lock().ok_or_else(in_a_call)?;
            if state.is_closed {
                return Err(me.target().closed_error(py, &info.name));
            }
            later.sets_timer = deadline.is_some_and(|deadline| state.is_before_timer(deadline));
            if let Some(channel) = state.ready() {
                let call = Outgoing { reply: &reply, registry, info, terms };
                channel.begin(me.target(), &call, &Body::Values(values), || me.now(), &mut later)?;
            } else {
                Self::queue(this, &mut state, &reply, registry, info, values, terms)?;
                later.opens = state.wants_more(me.target()) && !state.is_opening;
            }
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
        let config = target.limits();
        let limit = config.max_in_flight;
        if state.queue.len() >= limit {
            return Err(target.call_error(py, &info.name, CallError::TooManyInFlight { limit }));
        }
        let mut body = Vec::new();
        let mut loss = None;
        let mut sink = Bounded::new(&mut body, config.limits.message, &mut loss);
        let written = write_arguments(registry.get(), info, values, &target.base.settings, &mut sink);
        written.map_err(|error| encode_error(py, &error))?;
        if loss.is_some() {
            let error = CallError::TooLarge { size: body.len(), limit: config.limits.message };
            return Err(target.call_error(py, &info.name, error));
        }
        let key = state.next_key;
        state.next_key += 1;
        reply.setattr(intern!(py, "_holder"), this)?;
        reply.setattr(intern!(py, "_key"), key)?;
        let (reply, registry) = (reply.clone().unbind(), registry.clone().unbind());
        state.queue.push_back(Queued { key, reply, registry, info: Arc::clone(info), body, terms: terms.copy(py) });
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
        }
        later.carry_out(this)
    }
}
