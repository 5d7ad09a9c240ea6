//! The call that a thread of the server has in hand, as an object once somebody asks for it.

use std::cell::OnceCell;
use std::time::Instant;

use fastthrift_rpc::{CallKind, Request, ServerConnection};
use pyo3::prelude::*;

use super::connection::Connection;
use super::dispatch::{Invocation, Origin};
use crate::call::{Call, CallParts, Running, Side};
use crate::transports;

/// A request whose handler runs.
pub(crate) struct Current<'a> {
    invocation: &'a Invocation<'a>,
    origin: &'a dyn Origin,
    request: &'a Request,
    made: OnceCell<Py<Call>>,
}

impl<'a> Current<'a> {
    #[inline]
    pub(crate) fn new(invocation: &'a Invocation<'a>, origin: &'a dyn Origin, request: &'a Request) -> Self {
        Self { invocation, origin, request, made: OnceCell::new() }
    }

    /// The call, if somebody asked for it.
    #[inline]
    pub(crate) fn into_call(self) -> Option<Py<Call>> {
        self.made.into_inner()
    }

    #[cold]
    fn make(&self, py: Python<'_>) -> PyResult<Py<Call>> {
        let Invocation { service, method, arguments, .. } = self.invocation;
        let rpc = self.origin.rpc();
        let parts = CallParts {
            side: Side::Server,
            service: service.name.clone(),
            info: method.info.clone(),
            is_oneway: method.info.is_oneway || self.request.kind == CallKind::Oneway,
            arguments: arguments.to_tuple(py)?.unbind(),
            headers: self.origin.headers(py),
            peer: self.origin.peer().map(Into::into),
            user: rpc.peer_identity().map(Into::into),
            protocol: self.request.protocol.to_string().into(),
            transport: transports::name_of_peers(rpc).unwrap_or_default().into(),
            deadline: self.invocation.deadline,
            request_bytes: Some(self.invocation.body_len),
        };
        Py::new(py, Call::new(py, parts)?)
    }
}

impl Running for Current<'_> {
    fn call(&self, py: Python<'_>) -> PyResult<Py<Call>> {
        if self.made.get().is_none() {
            let call = self.make(py)?;
            // Python code may have asked again meanwhile; then that one counts.
            let _ = self.made.set(call);
        }
        Ok(self.made.get().expect("invariant: it was set above").clone_ref(py))
    }

    fn deadline(&self) -> Option<Instant> {
        self.invocation.deadline
    }
}

impl Origin for Connection {
    fn rpc(&self) -> &ServerConnection {
        &self.rpc
    }

    fn peer(&self) -> Option<String> {
        Self::peer(self)
    }
}
