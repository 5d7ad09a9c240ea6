//! Calls that go through interceptors.

use std::sync::Arc;
use std::time::Instant;

use fastthrift_protocol::Protocol;
use fastthrift_rpc::Headers;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use super::Client;
use super::calling::Outgoing;
use super::link::{Limit, Link};
use super::options::{headers_dict, headers_of};
use crate::call::{Call, CallParts, Side};
use crate::endpoint::Endpoint;
use crate::interceptors::Target;
use crate::object::Object;
use crate::registry::Registry;
use crate::service::FunctionInfo;

/// What the innermost interceptor of a client proceeds to: the conversation with the server, repeated where that is allowed.
struct Conversation {
    client: Py<Client>,
    registry: Py<Registry>,
    info: Arc<FunctionInfo>,
    limit: Limit,
}

/// Makes a call with the client's interceptors around it.
#[cold]
pub(super) fn intercept<'py>(
    client: &Bound<'py, Client>,
    registry: &Bound<'py, Registry>,
    service: &Arc<str>,
    info: &Arc<FunctionInfo>,
    values: Vec<Object>,
    limit: Limit,
) -> PyResult<Bound<'py, PyAny>> {
    let py = client.py();
    let Client { shared, options, interceptors } = client.get();
    let target = &shared.get().target;
    let towards =
        Towards { peer: target.endpoints.only(), protocol: target.settings.protocol, transport: target.transport() };
    let call = outgoing_call(py, (service, info), values, options.headers(), limit.deadline, towards)?;
    let conversation = Conversation {
        client: client.clone().unbind(),
        registry: registry.clone().unbind(),
        info: info.clone(),
        limit,
    };
    let result = interceptors.run(&call, conversation);
    Call::end(&call);
    result
}

/// Where a client's calls lead.
pub(crate) struct Towards<'a> {
    /// The only address, if there is only one.
    pub(crate) peer: Option<&'a Endpoint>,
    pub(crate) protocol: Protocol,
    pub(crate) transport: String,
}

/// What interceptors see of a call that a client makes of a function of a service.
pub(crate) fn outgoing_call<'py>(
    py: Python<'py>,
    (service, info): (&Arc<str>, &Arc<FunctionInfo>),
    values: Vec<Object>,
    headers: &Headers,
    deadline: Option<Instant>,
    towards: Towards<'_>,
) -> PyResult<Bound<'py, Call>> {
    let parts = CallParts {
        side: Side::Client,
        service: service.clone(),
        info: info.clone(),
        is_oneway: info.is_oneway,
        arguments: PyTuple::new(py, values.into_iter().map(|value| value.into_bound(py)))?.unbind(),
        headers: if headers.is_empty() { None } else { Some(headers_dict(py, headers)?.unbind()) },
        peer: towards.peer.map(|endpoint| endpoint.to_string().into()),
        user: None,
        protocol: towards.protocol.to_string().into(),
        transport: towards.transport.into(),
        deadline,
        request_bytes: None,
    };
    Bound::new(py, Call::new(py, parts)?)
}

/// The arguments and the headers that interceptors leave to a call.
pub(crate) fn outgoing_parts(call: &Bound<'_, Call>) -> PyResult<(Vec<Object>, Headers)> {
    let values = call.get().arguments_of(call.py()).iter().map(Object::from).collect();
    let headers = call.get().headers_if_any(call.py()).map(|headers| headers_of(headers.as_any())).transpose()?;
    Ok((values, headers.unwrap_or_default()))
}

/// Tells a call what came with its reply.
#[cold]
pub(super) fn observe(call: &Bound<'_, Call>, link: &Link) -> PyResult<()> {
    let (count, headers) = link.received();
    tell_reply(call, count, headers)
}

/// Tells a call how large its reply was, and what came beside it.
#[cold]
pub(crate) fn tell_reply(call: &Bound<'_, Call>, count: usize, headers: &Headers) -> PyResult<()> {
    if count > 0 {
        call.get().set_reply_bytes(count);
    }
    if headers.is_empty() {
        return Ok(());
    }
    call.getattr("reply_headers")?.cast_into::<PyDict>()?.update(headers_dict(call.py(), headers)?.as_mapping())
}

impl Target for Conversation {
    fn proceed<'py>(&self, call: &Bound<'py, Call>) -> PyResult<Bound<'py, PyAny>> {
        let py = call.py();
        let (values, headers) = outgoing_parts(call)?;
        self.client.bind(py).get().make(&Outgoing {
            registry: self.registry.bind(py),
            info: &self.info,
            values: &values,
            start: Instant::now(),
            limit: self.limit,
            headers: &headers,
            observer: Some(call),
        })
    }

    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.client)?;
        visit.call(&self.registry)
    }
}
