//! What the loop tells of connections.

use std::io;
use std::time::Duration;

use pyo3::exceptions::PyConnectionError;
use pyo3::intern;
use pyo3::prelude::*;

use super::channel::{Channel, End};
use super::connections::Connections;
use super::later::Later;
use super::link::Link;
use super::state::Timer;

impl Connections {
    /// Takes a connection that was made.
    pub(super) fn made(this: &Bound<'_, Self>, link: &Bound<'_, Link>, transport: Py<PyAny>) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let mut later = Later::default();
        let mut state = me.lock(py);
        if state.is_closed {
            later.aborts.push(transport.into_bound(py));
        } else {
            let mut channel = Channel::new(link, transport, me.target(), me.now())?;
            // TLS begins with what the client has to say, and so does SASL.
            channel.flush(py, &mut later);
            channel.becomes_ready(py, &mut later);
            later.sets_timer = me.target().keeps_times;
            state.channels.push(channel);
            state.drain(py, me.target(), || me.now(), &mut later);
        }
        drop(state);
        later.carry_out(this)
    }

    /// Answers what the mechanism of SASL was asked on a connection that is being made.
    pub(super) fn respond(
        this: &Bound<'_, Self>,
        link: &Bound<'_, Link>,
        response: &[u8],
        ready: Py<PyAny>,
    ) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let mut later = Later::default();
        let mut state = me.lock(py);
        let channel = state.channel(link).ok_or_else(|| PyConnectionError::new_err("the connection was closed"))?;
        channel.respond(py, response, ready, &mut later);
        if channel.becomes_ready(py, &mut later) {
            state.drain(py, me.target(), || me.now(), &mut later);
        }
        drop(state);
        later.carry_out(this)
    }

    /// Takes bytes that came, or `None` for the end of them.
    pub(super) fn received(this: &Bound<'_, Self>, link: &Bound<'_, Link>, data: Option<&[u8]>) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let mut later = Later::default();
        let mut state = me.lock(py);
        let Some(channel) = state.channel(link) else { return Ok(()) };
        let received = channel.receive(py, data, &mut later);
        let keeps_times = me.target().keeps_times;
        let now = if keeps_times || channel.next_deadline().is_some() { me.now() } else { Duration::ZERO };
        if keeps_times {
            channel.touch(now);
        }
        let mut is_good = channel.pump(py, me.target(), now, &mut later);
        let is_new = channel.becomes_ready(py, &mut later);
        if let Err(error) = received {
            is_good = false;
            channel.end(py, me.target(), &End::Lost(error), &mut later);
            later.aborts.push(channel.transport.bind(py).clone());
        }
        let mut end = None;
        if keeps_times && is_good {
            channel.tend(py, &me.target().policies.pool, now, &mut later);
            end = channel.next_end(&me.target().policies.pool);
        }
        let has_room = is_new || keeps_times || channel.is_serial();
        let removed = if is_good { None } else { state.remove(link) };
        later.sets_timer |= end.is_some_and(|end| state.is_before_timer(end));
        if !later.reports.is_empty() {
            state.settle(py, me.target(), || me.now(), &mut later);
        }
        if !is_good || has_room {
            state.drain(py, me.target(), || me.now(), &mut later);
        }
        drop(state);
        drop(removed);
        later.carry_out(this)
    }

    /// Ends the calls of a connection that is gone.
    pub(super) fn lost(
        this: &Bound<'_, Self>,
        link: &Bound<'_, Link>,
        error: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let text = error.map_or_else(|| "it was closed".to_owned(), |error| told(&error));
        let mut later = Later::default();
        let mut state = me.lock(py);
        let removed = state.remove(link);
        if let Some(mut channel) = removed {
            let end = if state.is_closed { End::Closed } else { End::Lost(io::Error::other(text)) };
            channel.end(py, me.target(), &end, &mut later);
            state.settle(py, me.target(), || me.now(), &mut later);
            state.drain(py, me.target(), || me.now(), &mut later);
        }
        state.note_end(py, &mut later);
        drop(state);
        later.carry_out(this)
    }

    /// Notes that a transport has enough to send, or wants more.
    pub(super) fn pause(this: &Bound<'_, Self>, link: &Bound<'_, Link>, is_paused: bool) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let mut later = Later::default();
        let mut state = me.lock(py);
        if let Some(channel) = state.channel(link) {
            channel.pause(is_paused);
        }
        if !is_paused {
            state.drain(py, me.target(), || me.now(), &mut later);
        }
        drop(state);
        later.carry_out(this)
    }

    /// Sends what was written in this round of the loop.
    pub(super) fn flush(this: &Bound<'_, Self>, link: &Bound<'_, Link>) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let mut later = Later::default();
        let mut state = me.lock(py);
        if let Some(channel) = state.channel(link) {
            channel.flushed();
            channel.flush(py, &mut later);
        }
        let has_more = !state.queue.is_empty();
        drop(state);
        later.carry_out(this)?;
        if !has_more {
            return Ok(());
        }
        let mut later = Later::default();
        me.lock(py).drain(py, me.target(), || me.now(), &mut later);
        later.carry_out(this)
    }

    /// Has a connection opened, unless that is under way.
    pub(super) fn start_opening(this: &Bound<'_, Self>) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        if std::mem::replace(&mut me.lock(py).is_opening, true) {
            return Ok(());
        }
        let opening = me.starter().bind(py).call1((this,))?.unbind();
        let mut state = me.lock(py);
        if state.is_opening {
            state.opening = Some(opening);
        }
        Ok(())
    }

    /// Sets the timer for the first call whose time is over.
    pub(super) fn set_timer(this: &Bound<'_, Self>) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let mut state = me.lock(py);
        let Some(at) = state.next_due(me.target()).filter(|at| state.is_before_timer(*at)) else { return Ok(()) };
        let earlier = state.timer.take();
        drop(state);
        if let Some(earlier) = earlier {
            earlier.handle.call_method0(py, intern!(py, "cancel"))?;
        }
        let expire = this.getattr(intern!(py, "_expire"))?;
        let handle = me.event_loop().call_at(py, me.epoch() + at, expire)?;
        me.lock(py).timer = Some(Timer { at, handle });
        Ok(())
    }
}

/// What an exception says, or what it is where it says nothing.
#[cold]
fn told(error: &Bound<'_, PyAny>) -> String {
    let text = error.to_string();
    if text.is_empty() { error.get_type().to_string() } else { text }
}
