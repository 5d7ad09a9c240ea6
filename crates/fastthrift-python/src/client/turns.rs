//! One thread at a time has a client's link; others wait for their turn, no longer than their deadlines.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pyo3::prelude::*;

/// A value that one thread at a time takes.
pub(super) struct Turns<T> {
    /// `None` while a thread has it.
    value: Mutex<Option<Box<T>>>,
    returned: Condvar,
    /// The thread that has it, as [`this_thread`] numbers them; 0 is none.
    user: AtomicU64,
    /// The process that had it first: in a fork of it, the thread that has the value may not exist.
    process: u32,
}

/// The value while this thread has it.
pub(super) struct Turn<'a, T> {
    turns: &'a Turns<T>,
    value: Option<Box<T>>,
}

/// How long is waited at once, before signals are looked at.
const SLICE: Duration = Duration::from_millis(100);

/// Why there is no turn.
pub(super) enum NoTurn {
    /// A signal's handler raised this.
    Interrupted(PyErr),
    /// The deadline passed.
    TimedOut,
    /// This very thread has the value: it would wait for itself.
    Mine,
}

impl<T: Default + Send> Turns<T> {
    pub(super) fn new(value: T) -> Self {
        Self {
            value: Mutex::new(Some(Box::new(value))),
            returned: Condvar::new(),
            user: AtomicU64::new(0),
            process: std::process::id(),
        }
    }

    /// Takes the value; waits for it with the interpreter released.
    pub(super) fn take(&self, py: Python<'_>, deadline: Option<Instant>) -> Result<Turn<'_, T>, NoTurn> {
        let taken = self.lock().take();
        let value = match taken {
            Some(value) => value,
            None if self.user.load(Ordering::Relaxed) == this_thread() => return Err(NoTurn::Mine),
            // What the thread of the parent process had is the parent's.
            None if self.process != std::process::id() => Box::default(),
            None => self.wait(py, deadline)?,
        };
        self.user.store(this_thread(), Ordering::Relaxed);
        Ok(Turn { turns: self, value: Some(value) })
    }

    fn wait(&self, py: Python<'_>, deadline: Option<Instant>) -> Result<Box<T>, NoTurn> {
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let slice = left.map_or(SLICE, |left| left.min(SLICE));
            let returned = py.detach(|| {
                let value = self.returned.wait_timeout_while(self.lock(), slice, |value| value.is_none());
                value.unwrap_or_else(PoisonError::into_inner).0.take()
            });
            if let Some(value) = returned {
                return Ok(value);
            }
            py.check_signals().map_err(NoTurn::Interrupted)?;
            if left.is_some_and(|left| left <= slice) {
                return Err(NoTurn::TimedOut);
            }
        }
    }
}

impl<T> Turns<T> {
    fn lock(&self) -> MutexGuard<'_, Option<Box<T>>> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        self.turns.user.store(0, Ordering::Relaxed);
        *self.turns.lock() = self.value.take();
        self.turns.returned.notify_one();
    }
}

impl<T> Deref for Turn<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.value.as_ref().expect("invariant: only drop gives the value back")
    }
}

impl<T> DerefMut for Turn<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect("invariant: only drop gives the value back")
    }
}

/// A number for this thread; never 0.
fn this_thread() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local!(static NUMBER: u64 = NEXT.fetch_add(1, Ordering::Relaxed));
    NUMBER.with(|number| *number)
}
