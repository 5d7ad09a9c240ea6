//! Calls that go through interceptors.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::connections::Connections;
use super::terms::Terms;
use crate::call::Call;
use crate::client::{Towards, outgoing_call, outgoing_parts};
use crate::interceptors::Target;
use crate::object::Object;
use crate::registry::Registry;
use crate::service::FunctionInfo;

/// What the innermost interceptor of a client proceeds to: the future of the reply.
struct Conversation {
    connections: Py<Connections>,
    registry: Py<Registry>,
    info: Arc<FunctionInfo>,
    terms: Terms,
}

/// Makes a call with the client's interceptors around it, and returns what is to be awaited for its result.
#[cold]
pub(super) fn intercept<'py>(
    connections: &Bound<'py, Connections>,
    registry: &Bound<'py, Registry>,
    service: &Arc<str>,
    info: &Arc<FunctionInfo>,
    values: Vec<Object>,
    terms: Terms,
) -> PyResult<Bound<'py, PyAny>> {
    let py = connections.py();
    let me = connections.get();
    let target = me.target();
    let towards = Towards {
        peer: target.base.endpoints.only(),
        protocol: target.base.settings.protocol,
        transport: target.base.transport(),
    };
    let deadline = terms.deadline.and_then(|deadline| me.instant(deadline));
    let call = outgoing_call(py, (service, info), values, terms.headers(), deadline, towards)?;
    let conversation = Conversation {
        connections: connections.clone().unbind(),
        registry: registry.clone().unbind(),
        info: info.clone(),
        terms,
    };
    match me.interceptors().run(&call, conversation) {
        Ok(running) => me.conduct(py, &running, &call),
        Err(error) => {
            Call::end(&call);
            Err(error)
        }
    }
}

impl Target for Conversation {
    fn proceed<'py>(&self, call: &Bound<'py, Call>) -> PyResult<Bound<'py, PyAny>> {
        let py = call.py();
        let (values, headers) = outgoing_parts(call)?;
        let terms = self.terms.seen(call.clone().unbind(), headers);
        Connections::call(self.connections.bind(py), self.registry.bind(py), &self.info, &values, &terms)
    }

    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.connections)?;
        visit.call(&self.registry)
    }
}

/// Ends a call whose interceptors are all done.
#[pyfunction]
pub(super) fn end_call(call: &Bound<'_, Call>) {
    Call::end(call);
}
