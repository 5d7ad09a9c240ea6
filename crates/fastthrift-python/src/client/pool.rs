//! The connections of a client: threads take one for a call each, and wait for one no longer than their deadlines.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use fastthrift_rpc::policy::PoolPolicy;
use pyo3::prelude::*;

use super::link::Link;
use super::reaper::Reaper;
use crate::process;

/// How long is waited at once, before signals are looked at.
const SLICE: Duration = Duration::from_millis(100);

/// The connections of one client, in the process that made it and in those that were forked from it.
pub(super) struct Pool {
    shelf: Arc<Shelf>,
    policy: PoolPolicy,
    /// Shared with the pools of forked processes, which are closed together.
    is_closed: Arc<AtomicBool>,
    process: u32,
    /// The pool of a process that was forked from this one: what the parent has is the parent's.
    forked: OnceLock<Box<Pool>>,
    reaper: Reaper,
}

/// Where links lie that nobody uses.
pub(super) struct Shelf {
    content: Mutex<Content>,
    returned: Condvar,
}

pub(super) struct Content {
    /// The links that nobody uses: the one that was used last at the end, those without a connection at the start.
    #[expect(clippy::vec_box, reason = "each call moves one out and in again")]
    free: Vec<Box<Link>>,
    /// The threads that use the others, as [`this_thread`] tells them apart; once for each link.
    users: Vec<usize>,
    /// How many threads wait for a link.
    waiting: usize,
}

/// A link while this thread has it.
pub(super) struct Turn<'a> {
    pool: &'a Pool,
    link: Option<Box<Link>>,
    thread: usize,
}

/// Why there is no turn.
pub(super) enum NoTurn {
    /// The client was closed.
    Closed,
    /// A signal's handler raised this.
    Interrupted(PyErr),
    /// The deadline passed.
    TimedOut,
    /// This very thread has a link, and no other is free: it would wait for itself.
    Mine,
}

impl Pool {
    pub(super) fn new(policy: PoolPolicy) -> Self {
        Self::of_process(policy, Arc::default())
    }

    fn of_process(policy: PoolPolicy, is_closed: Arc<AtomicBool>) -> Self {
        let content = Content { free: Vec::with_capacity(1), users: Vec::with_capacity(1), waiting: 0 };
        let shelf = Arc::new(Shelf { content: Mutex::new(content), returned: Condvar::new() });
        let reaper = Reaper::new(policy);
        Self { shelf, policy, is_closed, process: process::id(), forked: OnceLock::new(), reaper }
    }

    /// When connections are made, looked at and closed.
    pub(super) fn policy(&self) -> &PoolPolicy {
        &self.policy
    }

    /// Takes a link; waits for one with the interpreter released.
    #[inline]
    pub(super) fn take(&self, py: Python<'_>, deadline: Option<Instant>) -> Result<Turn<'_>, NoTurn> {
        let pool = self.here();
        let thread = this_thread();
        let mut content = pool.open_content()?;
        let link = match content.take(thread, &pool.policy) {
            Some(link) => link,
            None if content.users.contains(&thread) => return Err(NoTurn::Mine),
            None => {
                drop(content);
                pool.wait(py, thread, deadline)?
            }
        };
        Ok(Turn { pool, link: Some(link), thread })
    }

    /// Takes a link if one is to be had without waiting.
    pub(super) fn try_take(&self) -> Option<Turn<'_>> {
        let pool = self.here();
        let thread = this_thread();
        let link = pool.open_content().ok()?.take(thread, &pool.policy)?;
        Some(Turn { pool, link: Some(link), thread })
    }

    /// Closes all connections, those in use when their calls end. Further calls fail.
    pub(super) fn close(&self) {
        let pool = self.here();
        pool.is_closed.store(true, Ordering::Release);
        let free = std::mem::take(&mut pool.shelf.lock().free);
        pool.shelf.returned.notify_all();
        drop(free);
    }

    /// The pool of this very process.
    #[inline]
    fn here(&self) -> &Self {
        if self.process == process::id() { self } else { self.here_too() }
    }

    #[cold]
    fn here_too(&self) -> &Self {
        self.forked.get_or_init(|| self.fork()).here()
    }

    /// A pool for a process that was forked from this one's. The parent's connections are closed here, not shut down.
    #[cold]
    fn fork(&self) -> Box<Self> {
        // Another thread of the parent may have held the lock when it was forked, and nobody gives it back here.
        if let Ok(mut content) = self.shelf.content.try_lock() {
            content.free.clear();
        }
        Box::new(Self::of_process(self.policy, self.is_closed.clone()))
    }

    #[inline]
    fn open_content(&self) -> Result<MutexGuard<'_, Content>, NoTurn> {
        let content = self.shelf.lock();
        if self.is_closed.load(Ordering::Acquire) { Err(NoTurn::Closed) } else { Ok(content) }
    }

    #[cold]
    fn wait(&self, py: Python<'_>, thread: usize, deadline: Option<Instant>) -> Result<Box<Link>, NoTurn> {
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let slice = left.map_or(SLICE, |left| left.min(SLICE));
            if let Some(link) = py.detach(|| self.wait_slice(thread, slice))? {
                return Ok(link);
            }
            py.check_signals().map_err(NoTurn::Interrupted)?;
            if left.is_some_and(|left| left <= slice) {
                return Err(NoTurn::TimedOut);
            }
        }
    }

    fn wait_slice(&self, thread: usize, slice: Duration) -> Result<Option<Box<Link>>, NoTurn> {
        let mut content = self.open_content()?;
        content.waiting += 1;
        let is_none_there = |content: &mut Content| {
            !self.is_closed.load(Ordering::Acquire) && content.free.is_empty() && !content.may_add(&self.policy)
        };
        let waited = self.shelf.returned.wait_timeout_while(content, slice, is_none_there);
        let mut content = waited.unwrap_or_else(PoisonError::into_inner).0;
        content.waiting -= 1;
        if self.is_closed.load(Ordering::Acquire) {
            return Err(NoTurn::Closed);
        }
        Ok(content.take(thread, &self.policy))
    }
}

impl Shelf {
    #[inline]
    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the connections that ended by now, and says when the next one ends.
    pub(super) fn sweep(&self, policy: &PoolPolicy, now: Instant) -> Option<Instant> {
        let mut content = self.lock();
        let ended: Vec<_> =
            content.free.extract_if(.., |link| link.expires(policy).is_some_and(|end| end <= now)).collect();
        let next = content.free.iter().filter_map(|link| link.expires(policy)).min();
        drop(content);
        drop(ended);
        next
    }
}

impl Content {
    fn may_add(&self, policy: &PoolPolicy) -> bool {
        policy.may_open(self.free.len() + self.users.len())
    }

    /// Takes a link that nobody uses, or a new one if there may be more.
    #[inline]
    fn take(&mut self, thread: usize, policy: &PoolPolicy) -> Option<Box<Link>> {
        let link = match self.free.pop() {
            Some(link) => link,
            None => self.added(policy)?,
        };
        self.users.push(thread);
        Some(link)
    }

    #[cold]
    fn added(&self, policy: &PoolPolicy) -> Option<Box<Link>> {
        self.may_add(policy).then(Box::default)
    }

    #[inline]
    fn put(&mut self, link: Box<Link>, thread: usize) {
        if let Some(place) = self.users.iter().position(|&user| user == thread) {
            self.users.swap_remove(place);
        }
        if link.is_open() {
            self.free.push(link);
        } else {
            self.free.insert(0, link);
        }
    }
}

impl Drop for Turn<'_> {
    #[inline]
    fn drop(&mut self) {
        let Some(link) = self.link.take() else { return };
        let pool = self.pool;
        let mut content = pool.shelf.lock();
        content.put(link, self.thread);
        let is_wanted = content.waiting > 0;
        // Whoever closed the pool meanwhile saw a shelf without this link.
        let is_closed = pool.is_closed.load(Ordering::Acquire);
        let left = if is_closed { std::mem::take(&mut content.free) } else { Vec::new() };
        drop(content);
        drop(left);
        if is_wanted {
            pool.shelf.returned.notify_one();
        }
        pool.reaper.watch(&pool.shelf);
    }
}

impl Deref for Turn<'_> {
    type Target = Link;
    fn deref(&self) -> &Link {
        self.link.as_ref().expect("invariant: only drop gives the link back")
    }
}

impl DerefMut for Turn<'_> {
    fn deref_mut(&mut self) -> &mut Link {
        self.link.as_mut().expect("invariant: only drop gives the link back")
    }
}

/// What this thread has and no other that lives: the address of a variable of its own.
#[inline]
fn this_thread() -> usize {
    thread_local!(static PLACE: Cell<u8> = const { Cell::new(0) });
    PLACE.with(|place| std::ptr::from_ref(place).addr())
}
