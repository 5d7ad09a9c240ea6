//! All listening sockets of a server, seen as one.

use std::io;

use fastthrift_rpc::ServerConfig;
use mio::{Interest, Registry, Token};

use super::listener::Listener;
use super::stream::Stream;

/// The number of the last listener; the others count down from it.
const LAST: usize = usize::MAX - 1;

/// The listening sockets; empty once nothing more is accepted.
pub(super) struct Entrances {
    listeners: Vec<Listener>,
    /// Which of them is asked first.
    next: usize,
}

impl Entrances {
    /// Starts to watch them. Their tokens are those below `usize::MAX`, far above any connection's.
    pub(super) fn new(mut listeners: Vec<Listener>, registry: &Registry) -> io::Result<Self> {
        for (index, listener) in listeners.iter_mut().enumerate() {
            registry.register(listener, Token(LAST - index), Interest::READABLE)?;
        }
        Ok(Self { listeners, next: 0 })
    }

    /// Whether this token is of one of them.
    pub(super) fn has(&self, token: Token) -> bool {
        LAST.checked_sub(token.0).is_some_and(|index| index < self.listeners.len())
    }

    pub(super) fn is_closed(&self) -> bool {
        self.listeners.is_empty()
    }

    /// The next connection of any of them, each in turn, the place of its endpoint, and what it speaks; `WouldBlock` when none waits
    /// anywhere.
    pub(super) fn accept(&mut self) -> io::Result<(Stream, usize, ServerConfig)> {
        for _ in 0..self.listeners.len() {
            let listener = &self.listeners[self.next];
            match listener.accept() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.next = (self.next + 1) % self.listeners.len();
                }
                result => return result.map(|stream| (stream, listener.place(), listener.config().clone())),
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// Closes them.
    pub(super) fn close(&mut self, registry: &Registry) {
        for mut listener in self.listeners.drain(..) {
            let _ = registry.deregister(&mut listener);
        }
        self.next = 0;
    }
}
