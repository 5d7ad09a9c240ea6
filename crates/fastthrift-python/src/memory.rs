//! `memory://name`: connections within this process. A name leads to a listener; behind a connection is a pair of sockets
//! of the system, so that each engine treats it like any other.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::process;

/// How many connections wait for a listener to accept them before others are refused.
const BACKLOG: usize = 1024;

static FIRST: Listeners = Listeners::new();

/// The listeners of one process. Those of a process that was forked have a lock of their own: the parent's may have been held by a
/// thread that is not there to give it back, and a fork of the parent has its memory, but nobody who accepts.
struct Listeners {
    /// The number of the process; 0 before anybody asked.
    process: AtomicU32,
    named: Mutex<BTreeMap<Arc<str>, Arc<Entrance>>>,
    forked: OnceLock<Box<Listeners>>,
}

impl Listeners {
    const fn new() -> Self {
        Self { process: AtomicU32::new(0), named: Mutex::new(BTreeMap::new()), forked: OnceLock::new() }
    }

    /// Those of this very process.
    fn here() -> MutexGuard<'static, BTreeMap<Arc<str>, Arc<Entrance>>> {
        let process = process::id();
        let mut listeners = &FIRST;
        loop {
            let claimed = listeners.process.compare_exchange(0, process, Ordering::Relaxed, Ordering::Relaxed);
            if claimed.is_ok() || claimed == Err(process) {
                return lock(&listeners.named);
            }
            listeners = listeners.forked.get_or_init(|| Box::new(Self::new()));
        }
    }
}

/// What those who connect see of a listener.
struct Entrance {
    waiting: Mutex<VecDeque<UnixStream>>,
    /// A byte into it says that somebody waits. It never blocks: where it is full, the listener has enough to look at.
    bell: UnixStream,
}

/// A name that connections come in by; free again with this value.
pub(crate) struct MemoryListener {
    name: Arc<str>,
    entrance: Arc<Entrance>,
    bell: UnixStream,
}

impl MemoryListener {
    /// Listens under a name.
    pub(crate) fn bind(name: &Arc<str>) -> io::Result<Self> {
        let (ringing, bell) = UnixStream::pair()?;
        ringing.set_nonblocking(true)?;
        bell.set_nonblocking(true)?;
        let entrance = Arc::new(Entrance { waiting: Mutex::default(), bell: ringing });
        let mut listeners = Listeners::here();
        if listeners.contains_key(name) {
            return Err(io::Error::new(ErrorKind::AddrInUse, "another server of this process has that name"));
        }
        listeners.insert(Arc::clone(name), Arc::clone(&entrance));
        Ok(Self { name: Arc::clone(name), entrance, bell })
    }

    /// The next connection, which blocks unless told otherwise; `WouldBlock` when none waits.
    pub(crate) fn accept(&self) -> io::Result<UnixStream> {
        if let Some(stream) = self.next() {
            return Ok(stream);
        }
        // Who connects after the bell was emptied rings it again.
        let mut scrap = [0; 64];
        while (&self.bell).read(&mut scrap).is_ok_and(|count| count > 0) {}
        self.next().ok_or_else(|| ErrorKind::WouldBlock.into())
    }

    fn next(&self) -> Option<UnixStream> {
        lock(&self.entrance.waiting).pop_front()
    }

    /// A socket of the system that is readable when connections may wait.
    pub(crate) fn bell(&self) -> &UnixStream {
        &self.bell
    }
}

impl Drop for MemoryListener {
    fn drop(&mut self) {
        let mut listeners = Listeners::here();
        if listeners.get(&self.name).is_some_and(|found| Arc::ptr_eq(found, &self.entrance)) {
            listeners.remove(&self.name);
        }
    }
}

/// Connects to the listener of a name.
pub(crate) fn connect(name: &str) -> io::Result<UnixStream> {
    let listeners = Listeners::here();
    let Some(entrance) = listeners.get(name).cloned() else {
        return Err(io::Error::new(ErrorKind::ConnectionRefused, "no server of this process has that name"));
    };
    drop(listeners);
    let (here, there) = UnixStream::pair()?;
    let mut waiting = lock(&entrance.waiting);
    if waiting.len() >= BACKLOG {
        return Err(io::Error::new(ErrorKind::ConnectionRefused, "too many others wait for that server"));
    }
    waiting.push_back(there);
    drop(waiting);
    let _ = (&entrance.bell).write(&[1]);
    Ok(here)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
