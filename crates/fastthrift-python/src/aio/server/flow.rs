//! What a connection sends, how it goes on after that, and how it ends.

use std::sync::atomic::Ordering;
use std::time::Instant;

use fastthrift_rpc::ConnectionError;
use pyo3::intern;
use pyo3::prelude::*;

use super::peer::Peer;
use super::state::State;
use crate::aio::secure::Secure;
use crate::server::connection::LINGER;
use crate::server::patience::Duty;

impl Peer {
    /// Sends what is to be sent, and says to the transport how to go on; `has_more` that requests may wait that were received already.
    pub(super) fn settle(this: &Bound<'_, Self>, state: &mut State, has_more: bool) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let was_full = state.is_full();
        while !me.is_paused.load(Ordering::Relaxed) {
            match state.take_outbound(py) {
                Ok(Some(bytes)) => drop(state.write.call1(py, (bytes,))?),
                Ok(None) => break,
                Err(_) => return Self::abort_now(this, state),
            }
        }
        if state.is_closing {
            return Ok(());
        }
        if state.rpc.is_finished() {
            let is_answered = state.rpc.failure().is_some_and(ConnectionError::is_answered);
            return if is_answered { Self::start_lingering(py, state) } else { Self::close(py, state) };
        }
        let serving = me.serving.get();
        if serving.is_draining() && !has_more && state.is_quiet() {
            return Self::close(py, state);
        }
        if (has_more || was_full) && !state.is_full() {
            Self::settle_soon(this, state)?;
        }
        let is_wanted = serving.may_read(this, state)? && state.rpc.wants_read() && !state.is_held;
        if is_wanted != state.is_reading {
            state.is_reading = is_wanted;
            let name = if is_wanted { intern!(py, "resume_reading") } else { intern!(py, "pause_reading") };
            state.transport.call_method0(py, name)?;
        }
        Ok(())
    }

    /// Has the loop go on in its next round, so that others get their turn and what is ready then is sent at once.
    pub(super) fn settle_soon(this: &Bound<'_, Self>, state: &mut State) -> PyResult<()> {
        if std::mem::replace(&mut state.is_settle_due, true) {
            return Ok(());
        }
        let settle = this.getattr(intern!(this.py(), "_settle"))?;
        this.get().serving.get().event_loop().call_soon(this.py(), settle)
    }

    pub(super) fn close(py: Python<'_>, state: &mut State) -> PyResult<()> {
        state.is_closing = true;
        if let Some(farewell) = state.take_farewell(py) {
            state.write.call1(py, (farewell,))?;
        }
        state.transport.call_method0(py, intern!(py, "close")).map(drop)
    }

    pub(super) fn abort_now(this: &Bound<'_, Self>, state: &mut State) -> PyResult<()> {
        state.is_closing = true;
        state.transport.call_method0(this.py(), intern!(this.py(), "abort")).map(drop)
    }

    /// Closes this direction; the other stays open until the peer closes it. Closing at once while there are bytes to receive would
    /// make the system drop what was sent.
    pub(super) fn start_lingering(py: Python<'_>, state: &mut State) -> PyResult<()> {
        if state.lingers_until.is_none() {
            state.lingers_until = Some(Instant::now() + LINGER);
            if let Some(farewell) = state.take_farewell(py) {
                state.write.call1(py, (farewell,))?;
            }
            if state.transport.call_method0(py, intern!(py, "can_write_eof"))?.is_truthy(py)? {
                state.transport.call_method0(py, intern!(py, "write_eof"))?;
            } else {
                return Self::close(py, state);
            }
        }
        Ok(())
    }

    /// Closes the connection if nothing of it is in flight; the others see to that themselves.
    pub(super) fn drain(this: &Bound<'_, Self>) -> PyResult<()> {
        let Some(mut guard) = this.get().try_lock() else { return Ok(()) };
        match &mut *guard {
            Some(state) if state.is_quiet() && !state.is_closing => Self::close(this.py(), state),
            _ => Ok(()),
        }
    }

    /// Closes the connection if its peer takes too long for what it has to do.
    pub(super) fn check(this: &Bound<'_, Self>, now: Instant) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let mut guard = me.lock(py);
        let Some(state) = &mut *guard else { return Ok(()) };
        if state.is_held {
            return Ok(());
        }
        let unsent = state.transport.call_method0(py, intern!(py, "get_write_buffer_size"))?.extract(py)?;
        if std::mem::replace(&mut state.unsent, unsent) != unsent {
            state.patience.saw_bytes();
        }
        let duty = if unsent > 0 || !state.rpc.outbound().is_empty() {
            Duty::Take
        } else if state.secure.as_ref().is_some_and(Secure::is_handshaking) {
            Duty::Finish
        } else if state.rpc.open_requests() > 0 || state.question.is_some() {
            Duty::Wait
        } else if state.rpc.is_mid_message() {
            Duty::Finish
        } else {
            Duty::Ask
        };
        let deadline = state.patience.deadline(duty, now, me.serving.get().timeouts());
        let deadline = state.lingers_until.or(deadline);
        if deadline.is_some_and(|deadline| deadline <= now) { Self::abort_now(this, state) } else { Ok(()) }
    }
}
