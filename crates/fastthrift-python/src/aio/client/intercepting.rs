//! Calls that go through interceptors.

use std::sync::Arc;

use fastthrift_rpc::Headers;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use pyo3::{PyTraverseError, PyVisit};

use super::connections::Connections;
use super::terms::Terms;
use crate::call::{Call, CallParts, Side};
use crate::client::{headers_dict, headers_of};
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
    let parts = CallParts {
        side: Side::Client,
        service: service.clone(),
        info: info.clone(),
        is_oneway: info.is_oneway,
        arguments: PyTuple::new(py, values.into_iter().map(|value| value.into_bound(py)))?.unbind(),
        headers: if terms.headers().is_empty() { None } else { Some(headers_dict(py, terms.headers())?.unbind()) },
        peer: Some(target.endpoint.to_string().into()),
        protocol: target.settings.protocol.to_string().into(),
        transport: crate::transports::name_of(&target.config).into(),
        deadline: terms.deadline.and_then(|deadline| me.instant(deadline)),
        request_bytes: None,
    };
    let call = Bound::new(py, Call::new(py, parts)?)?;
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
        let values: Vec<Object> = call.get().arguments_of(py).iter().map(Object::from).collect();
        let headers = match call.get().headers_if_any(py) {
            Some(headers) => headers_of(headers.as_any())?,
            None => Headers::new(),
        };
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
