//! What the lock of one connection guards.

use std::collections::HashMap;
use std::io;
use std::time::Instant;

use fastthrift_rpc::{RequestId, ServerConfig, ServerConnection};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use pyo3::{PyTraverseError, PyVisit};

use super::job::Job;
use super::peer::Peer;
use crate::aio::secure::Secure;
use crate::server::budget::Memory;
use crate::server::dispatch::Origin;
use crate::server::patience::Patience;
use crate::server::processor::Beside;
use crate::server::sasl::{Introduction, Question};

/// How many bytes the transport is given at once.
const PIECE: usize = 512 << 10;

#[expect(clippy::struct_excessive_bools, reason = "each is on or off whatever the others are")]
/// A connection between the moment that it was made and the moment that it is lost.
pub(super) struct State {
    pub(super) rpc: ServerConnection,
    pub(super) transport: Py<PyAny>,
    /// TLS between the transport and the connection.
    pub(super) secure: Option<Secure>,
    /// The transport's method.
    pub(super) write: Py<PyAny>,
    /// The requests whose handlers wait for something.
    pub(super) jobs: HashMap<RequestId, Py<Job>>,
    pub(super) patience: Patience,
    /// How much the transport had to send at the last look.
    pub(super) unsent: usize,
    /// How far the peer is with saying who it is.
    pub(super) introduction: Introduction,
    /// What a check is asked about the peer, and the task that asks.
    pub(super) question: Option<(Question, Py<PyAny>)>,
    /// How many bytes it counts with among those of all connections.
    pub(super) counted: Memory,
    /// A request was served since the connection was counted.
    pub(super) has_served: bool,
    /// It waits until another connection leaves.
    pub(super) is_held: bool,
    pub(super) is_reading: bool,
    /// The loop is to settle in its next round.
    pub(super) is_settle_due: bool,
    /// The transport was told to close.
    pub(super) is_closing: bool,
    /// Only the peer's end is waited for, until then.
    pub(super) lingers_until: Option<Instant>,
}

impl State {
    pub(super) fn new(config: ServerConfig, secure: Option<Secure>, transport: Py<PyAny>, write: Py<PyAny>) -> Self {
        Self {
            rpc: ServerConnection::new(config),
            transport,
            secure,
            write,
            jobs: HashMap::new(),
            patience: Patience::new(Instant::now()),
            unsent: 0,
            introduction: Introduction::default(),
            question: None,
            counted: Memory::default(),
            has_served: false,
            is_held: false,
            is_reading: true,
            is_settle_due: false,
            is_closing: false,
            lingers_until: None,
        }
    }

    /// Takes bytes that the transport brought. An error ends the connection once what is to be sent was given to the transport.
    pub(super) fn receive(&mut self, data: &[u8]) -> io::Result<()> {
        let Self { rpc, secure, .. } = self;
        let Some(secure) = secure else {
            rpc.receive(data);
            return Ok(());
        };
        let has_ended = secure.receive(data, |plain| rpc.receive(plain))?;
        if has_ended {
            rpc.receive_eof();
        }
        Ok(())
    }

    /// What memory the received bytes and those to be sent take, of which so many wait in the transport.
    pub(super) fn memory(&self, unsent: usize) -> Memory {
        Memory { inbound: self.rpc.inbound_capacity(), outbound: self.rpc.outbound_capacity() + unsent }
    }

    /// Notes that a request was served.
    pub(super) fn served(&mut self) {
        self.has_served = true;
        self.patience.served();
    }

    /// Takes the bytes to send next: not all where they are many, for the transport keeps a copy of what cannot be sent at once.
    pub(super) fn take_outbound<'py>(&mut self, py: Python<'py>) -> io::Result<Option<Bound<'py, PyBytes>>> {
        let outbound = self.rpc.outbound();
        let outbound = outbound.get(..PIECE).unwrap_or(outbound);
        let Some(secure) = &mut self.secure else {
            if outbound.is_empty() {
                return Ok(None);
            }
            let bytes = PyBytes::new(py, outbound);
            self.rpc.advance_outbound(bytes.as_bytes().len());
            return Ok(Some(bytes));
        };
        let mut sealed = Vec::new();
        let taken = secure.send(outbound, &mut sealed)?;
        self.rpc.advance_outbound(taken);
        Ok(Some(sealed).filter(|sealed| !sealed.is_empty()).map(|sealed| PyBytes::new(py, &sealed)))
    }

    /// What tells the peer that nothing more comes, where it is told.
    pub(super) fn take_farewell<'py>(&mut self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        let mut sealed = Vec::new();
        self.secure.as_mut()?.close(&mut sealed).ok()?;
        Some(PyBytes::new(py, &sealed))
    }

    /// Whether the peer waits for nothing and is in the middle of nothing.
    pub(super) fn is_quiet(&self) -> bool {
        self.rpc.outbound().is_empty() && self.rpc.open_requests() == 0 && !self.rpc.is_mid_message()
    }

    /// Whether so much waits to be sent that no further request is served.
    pub(super) fn is_full(&self) -> bool {
        self.rpc.outbound().len() > self.rpc.config().max_outbound
    }

    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.transport)?;
        visit.call(&self.write)?;
        self.introduction.traverse(visit)?;
        if let Some((question, task)) = &self.question {
            question.traverse(visit)?;
            visit.call(task)?;
        }
        self.jobs.values().try_for_each(|job| visit.call(job))
    }
}

/// A connection as its calls tell of it.
pub(super) struct Seen<'a> {
    pub(super) peer: &'a Peer,
    pub(super) py: Python<'a>,
    pub(super) rpc: &'a ServerConnection,
}

impl Origin for Seen<'_> {
    fn rpc(&self) -> &ServerConnection {
        self.rpc
    }

    fn peer(&self) -> Option<String> {
        self.peer.url(self.py)
    }

    fn beside(&self) -> Option<&Beside> {
        self.peer.beside.as_ref()
    }
}
