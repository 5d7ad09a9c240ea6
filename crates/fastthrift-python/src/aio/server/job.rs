//! A request whose handler is a coroutine.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use fastthrift_rpc::{CallKind, Headers, ReplyError, Request, ServerConnection};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;
use pyo3::{PyTraverseError, PyVisit, intern};

use super::carrier::Carrier;
use super::peer::Peer;
use crate::call::{Call, CallParts, Side};
use crate::client::headers_dict;
use crate::object::Object;
use crate::server::dispatch::{Answering, Invocation, Origin};
use crate::server::processor::Beside;
use crate::server::services::Service;
use crate::service::FunctionInfo;
use crate::settings::Settings;
use crate::transports;

/// A request whose handler runs in a task. In the task's context it stands for the call.
#[pyclass(frozen, module = "fastthrift._core")]
pub(crate) struct Job {
    peer: Py<Peer>,
    pub(super) request: Request,
    service: Arc<Service>,
    info: Arc<FunctionInfo>,
    settings: Settings,
    arguments: Py<PyTuple>,
    body_len: usize,
    /// What came beside the request.
    headers: Option<Box<Headers>>,
    transport: Option<Box<str>>,
    /// Who the client was let in as.
    user: Option<Box<str>>,
    deadline: Option<Instant>,
    call: PyOnceLock<Py<Call>>,
    progress: Mutex<Progress>,
}

/// How far a job is.
#[derive(Default)]
struct Progress {
    /// What the handler gave before anybody had to wait for it.
    result: Option<PyResult<Object>>,
    /// The connection does something else meanwhile, so it has to be told of the end.
    is_detached: bool,
    carrier: Option<Py<Carrier>>,
    /// What ends the job at its deadline.
    timer: Option<Py<PyAny>>,
}

impl Job {
    pub(super) fn new(
        peer: &Bound<'_, Peer>,
        invocation: &Invocation<'_>,
        request: &Request,
        origin: &dyn Origin,
    ) -> PyResult<Self> {
        Ok(Self {
            peer: peer.clone().unbind(),
            request: *request,
            service: Arc::clone(invocation.service),
            info: Arc::clone(&invocation.method.info),
            settings: invocation.settings(),
            arguments: invocation.arguments.to_tuple(peer.py())?.unbind(),
            body_len: invocation.body_len,
            headers: Some(origin.rpc().request_headers()).filter(|headers| !headers.is_empty()).cloned().map(Box::new),
            transport: transports::name_of_peers(origin.rpc()).map(Into::into),
            user: origin.rpc().peer_identity().map(Into::into),
            deadline: invocation.deadline,
            call: PyOnceLock::new(),
            progress: Mutex::default(),
        })
    }

    /// The arguments in the order of the IDL.
    pub(super) fn arguments<'a, 'py>(&'a self, py: Python<'py>) -> &'a Bound<'py, PyTuple> {
        self.arguments.bind(py)
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The connection that the request came by.
    pub(super) fn peer(&self) -> &Peer {
        self.peer.get()
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes who runs it.
    pub(super) fn set_carrier(&self, carrier: &Bound<'_, Carrier>) {
        self.progress().carrier = Some(carrier.clone().unbind());
    }

    pub(super) fn set_timer(&self, timer: Py<PyAny>) {
        self.progress().timer = Some(timer);
    }

    /// Whether the connection waits for the end of the handler's first step.
    pub(super) fn is_attached(&self) -> bool {
        !self.progress().is_detached
    }

    /// Takes what the handler gave; `None` when that comes later, and then the connection is told.
    pub(super) fn result_or_detach(&self) -> Option<PyResult<Object>> {
        let mut progress = self.progress();
        progress.is_detached = progress.result.is_none();
        progress.result.take()
    }

    /// Notes what the handler gave.
    pub(super) fn finish(this: &Bound<'_, Self>, result: PyResult<Object>) -> PyResult<()> {
        let me = this.get();
        let mut progress = me.progress();
        progress.carrier = None;
        if progress.is_detached {
            drop(progress);
            return Peer::finish(me.peer.bind(this.py()), this, result);
        }
        progress.result = Some(result);
        Ok(())
    }

    /// Has the handler's task cancelled, if it still runs.
    pub(super) fn cancel(&self, py: Python<'_>) -> PyResult<()> {
        self.stop_timer(py)?;
        let carrier = self.progress().carrier.take();
        carrier.map_or(Ok(()), |carrier| carrier.bind(py).get().cancel(py))
    }

    /// Forgets the deadline.
    pub(super) fn stop_timer(&self, py: Python<'_>) -> PyResult<()> {
        let timer = self.progress().timer.take();
        timer.map_or(Ok(()), |timer| timer.call_method0(py, intern!(py, "cancel")).map(drop))
    }

    /// Notes that nobody waits for an answer any more.
    pub(super) fn end(&self, py: Python<'_>) {
        if let Some(call) = self.call.get(py) {
            Call::end(call.bind(py));
        }
    }

    /// Answers the request.
    pub(super) fn answer(
        &self,
        py: Python<'_>,
        rpc: &mut ServerConnection,
        result: PyResult<Object>,
    ) -> Result<(), ReplyError> {
        let url = || self.peer.get().url(py);
        let answering = Answering::new(&self.service, &self.info, self.settings).of(&url);
        self.peer.get().answer(py, rpc, &self.request, answering, self.call.get(py), result)
    }
}

#[pymethods]
impl Job {
    /// The call as an object, the same one each time.
    pub(crate) fn call(&self, py: Python<'_>) -> PyResult<Py<Call>> {
        let make = || {
            let headers = self.headers.as_deref().map(|headers| headers_dict(py, headers));
            let parts = CallParts {
                side: Side::Server,
                service: self.service.name.clone(),
                info: Arc::clone(&self.info),
                is_oneway: self.info.is_oneway || self.request.kind == CallKind::Oneway,
                arguments: self.arguments.clone_ref(py),
                headers: match &self.peer.get().beside {
                    Some(Beside { headers: Some(headers), .. }) => Some(headers.clone_ref(py)),
                    _ => headers.transpose()?.map(Bound::unbind),
                },
                peer: self.peer.get().url(py).map(Into::into),
                user: self.user.clone(),
                protocol: self.request.protocol.to_string().into(),
                transport: self.transport.clone().unwrap_or_default(),
                deadline: self.deadline,
                request_bytes: Some(self.body_len),
            };
            Py::new(py, Call::new(py, parts)?)
        };
        Ok(self.call.get_or_try_init(py, make)?.clone_ref(py))
    }

    /// Ends the call at its deadline.
    fn _expire(this: &Bound<'_, Self>) -> PyResult<()> {
        Peer::expire(this.get().peer.bind(this.py()), this)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.peer)?;
        visit.call(&self.arguments)?;
        if let Ok(progress) = self.progress.try_lock() {
            visit.call(&progress.carrier)?;
            visit.call(&progress.timer)?;
        }
        Ok(())
    }

    fn __clear__(&self) {
        let progress = std::mem::take(&mut *self.progress());
        drop(progress);
    }
}
