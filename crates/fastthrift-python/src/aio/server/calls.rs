//! How a connection's requests are carried out: by plain handlers right here, or by jobs.

use std::time::Instant;

use fastthrift_protocol::{ApplicationException, ApplicationExceptionKind};
use fastthrift_rpc::{ReplyError, Request, ServerConnection};
use pyo3::exceptions::asyncio::CancelledError;
use pyo3::intern;
use pyo3::prelude::*;

use super::carrier::{Work, ends_loop};
use super::job::Job;
use super::peer::Peer;
use super::serving::Serving;
use super::state::{Seen, State};
use crate::call::{Call, within};
use crate::error::application_error;
use crate::object::{Object, type_of};
use crate::server::current::Current;
use crate::server::dispatch::{Answering, Invocation, refuse, too_late};
use crate::server::engine::overloaded;
use crate::server::services::HEALTH;

/// Why a request was not served.
pub(super) enum Unserved {
    /// The connection cannot go on.
    Reply,
    /// Something that is to end more than the call.
    Python(PyErr),
}

impl From<ReplyError> for Unserved {
    fn from(_: ReplyError) -> Self {
        Self::Reply
    }
}

/// A handler that was cancelled is no bug, so it is answered for without a word in the log.
fn quiet(py: Python<'_>, result: PyResult<Object>) -> PyResult<Object> {
    match result {
        Err(error) if error.is_instance_of::<CancelledError>(py) => {
            let text = "the call was cancelled on the server";
            let exception = ApplicationException::new(ApplicationExceptionKind::INTERNAL_ERROR, text);
            Err(application_error(py, &exception))
        }
        result => result,
    }
}

impl Peer {
    /// Carries out one request, or begins to.
    pub(super) fn handle(this: &Bound<'_, Self>, state: &mut State, request: &Request) -> Result<(), Unserved> {
        let (py, serving) = (this.py(), this.get().serving.get());
        let services = serving.services();
        if serving.is_overdrawn() {
            return Ok(refuse(py, services, &mut state.rpc, request, &overloaded())?);
        }
        let deadline = this.get().deadline_of(request);
        if this.get().beside.is_some() && deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Ok(refuse(py, services, &mut state.rpc, request, &too_late())?);
        }
        let mut invocation = match Invocation::read(py, services, &mut state.rpc, request) {
            Ok(invocation) => invocation,
            Err(exception) => return Ok(refuse(py, services, &mut state.rpc, request, &exception)?),
        };
        invocation.deadline = deadline;
        // To be busy is no illness, so who asks for the health is always told, and by a handler that waits for nothing.
        let is_health = request.service.is_some_and(|name| state.rpc.bytes(name) == HEALTH.as_bytes());
        if serving.is_inline(invocation.method) || is_health && services.interceptors.is_empty() {
            return Self::run_inline(this, state, request, &invocation);
        }
        if !is_health && !serving.has_room() {
            return Ok(refuse(py, services, &mut state.rpc, request, &overloaded())?);
        }
        let callable = invocation.method.callable(py).expect("invariant: only methods that are there are found");
        if !services.interceptors.is_empty() {
            return Self::start_job(this, state, request, &invocation, |job| serving.intercept(job, callable));
        }
        if invocation.method.is_async {
            return Self::start_job(this, state, request, &invocation, |_| {
                invocation.arguments.call(callable).map(|coroutine| coroutine.into_bound(py))
            });
        }
        Self::start_job(this, state, request, &invocation, |job| serving.call_plain(callable, job.get().arguments(py)))
    }

    /// Calls a plain handler right here.
    fn run_inline(
        this: &Bound<'_, Self>,
        state: &mut State,
        request: &Request,
        invocation: &Invocation<'_>,
    ) -> Result<(), Unserved> {
        let (py, me) = (this.py(), this.get());
        let callable = invocation.method.callable(py).expect("invariant: only methods that are there are found");
        let run = me.serving.get().new_context(py).map_err(Unserved::Python)?;
        let seen = Seen { peer: me, py, rpc: &state.rpc };
        let current = Current::new(invocation, &seen, request);
        let result = within(&current, || invocation.arguments.call_by(&run, callable));
        let call = current.into_call();
        if let Ok(value) = &result
            && me.serving.get().is_coroutine_type(type_of(value.as_ptr()))
        {
            let coroutine = result.map_err(Unserved::Python)?;
            return Self::start_job(this, state, request, invocation, |_| Ok(coroutine.into_bound(py)));
        }
        let fatal = result.as_ref().err().filter(|error| ends_loop(py, error)).map(|error| error.clone_ref(py));
        let url = || me.url(py);
        me.answer(py, &mut state.rpc, request, invocation.answering().of(&url), call.as_ref(), result)?;
        fatal.map_or(Ok(()), |fatal| Err(Unserved::Python(fatal)))
    }

    /// Answers with what a handler gave, whose call somebody asked for or not.
    pub(super) fn answer(
        &self,
        py: Python<'_>,
        rpc: &mut ServerConnection,
        request: &Request,
        answering: Answering<'_>,
        call: Option<&Py<Call>>,
        result: PyResult<Object>,
    ) -> Result<(), ReplyError> {
        let Some(call) = call else { return answering.answer(py, rpc, request, result) };
        let told = self.beside.as_ref().map_or(Ok(()), |beside| beside.hand_out(call.bind(py)));
        answering.answer_asked(call.bind(py), rpc, request, told.and(result))
    }

    /// Runs a handler that is a coroutine as far as it goes without waiting; if that is not to its end, it goes on in its task.
    fn start_job<'py>(
        this: &Bound<'py, Self>,
        state: &mut State,
        request: &Request,
        invocation: &Invocation<'_>,
        begin: impl FnOnce(&Bound<'py, Job>) -> PyResult<Bound<'py, PyAny>>,
    ) -> Result<(), Unserved> {
        let (py, serving) = (this.py(), this.get().serving(this.py()));
        let seen = Seen { peer: this.get(), py, rpc: &state.rpc };
        let made = Job::new(this, invocation, request, &seen).and_then(|job| Bound::new(py, job));
        let job = made.map_err(Unserved::Python)?;
        let started = serving.get().context_of(&job).and_then(|run| {
            let coroutine = begin(&job)?.unbind();
            let work = Work { job: job.clone().unbind(), coroutine, run: run.unbind() };
            Serving::start_work(serving, work)
        });
        let result = match started {
            Ok(()) => job.get().result_or_detach(),
            // Either it was not begun, or its end is the program's.
            Err(error) if !ends_loop(py, &error) => Some(Err(error)),
            Err(error) => {
                let result = job.get().result_or_detach().unwrap_or_else(|| Err(error.clone_ref(py)));
                job.get().answer(py, &mut state.rpc, result)?;
                return Err(Unserved::Python(error));
            }
        };
        if let Some(result) = result {
            return Ok(job.get().answer(py, &mut state.rpc, quiet(py, result))?);
        }
        serving.get().count(1);
        state.jobs.insert(request.id, job.clone().unbind());
        if let Some(deadline) = job.get().deadline() {
            let set = || -> PyResult<()> {
                let expire = job.getattr(intern!(py, "_expire"))?;
                job.get().set_timer(serving.get().event_loop().call_at(py, deadline, expire)?);
                Ok(())
            };
            set().map_err(Unserved::Python)?;
        }
        Serving::need_spare(serving).map_err(Unserved::Python)
    }

    /// Answers a request whose handler had to wait.
    pub(super) fn finish(this: &Bound<'_, Self>, job: &Bound<'_, Job>, result: PyResult<Object>) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        job.get().stop_timer(py)?;
        let mut guard = me.lock(py);
        let open = guard.as_mut().and_then(|state| state.jobs.remove(&job.get().request.id).map(|_| state));
        let Some(state) = open else {
            drop(guard);
            job.get().end(py);
            return Ok(());
        };
        me.serving.get().count(-1);
        state.served();
        if job.get().answer(py, &mut state.rpc, quiet(py, result)).is_err() {
            return Self::abort_now(this, state);
        }
        Self::settle_soon(this, state)
    }

    /// Answers a request whose time is over, and has its handler cancelled.
    pub(super) fn expire(this: &Bound<'_, Self>, job: &Bound<'_, Job>) -> PyResult<()> {
        let py = this.py();
        let exception = ApplicationException::new(ApplicationExceptionKind::TIMEOUT, "the deadline passed");
        Self::finish(this, job, Err(application_error(py, &exception)))?;
        job.get().cancel(py)
    }
}
