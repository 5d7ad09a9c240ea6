//! Closes the connections of a pool that nobody uses when their time is over, also when nobody calls any more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use fastthrift_rpc::policy::PoolPolicy;

use super::pool::Shelf;

/// How long the thread sleeps at least.
const GLANCE: Duration = Duration::from_millis(5);

/// A thread that sleeps until the next connection ends. There is one only while a pool with limits on age has connections.
pub(super) struct Reaper {
    policy: PoolPolicy,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    is_running: AtomicBool,
    is_over: Mutex<bool>,
    over: Condvar,
}

impl Reaper {
    pub(super) fn new(policy: PoolPolicy) -> Self {
        Self { policy, state: Arc::default() }
    }

    /// Sees to it that the connections on a shelf are closed in time.
    #[inline]
    pub(super) fn watch(&self, links: &Arc<Shelf>) {
        let has_limits = self.policy.idle_timeout.is_some() || self.policy.max_age.is_some();
        if has_limits && !self.state.is_running.swap(true, Ordering::AcqRel) {
            self.start(links);
        }
    }

    #[cold]
    fn start(&self, links: &Arc<Shelf>) {
        let (policy, state, links) = (self.policy, self.state.clone(), Arc::downgrade(links));
        let body = move || state.run(&links, &policy);
        if thread::Builder::new().name("fastthrift-pool".to_owned()).spawn(body).is_err() {
            // Connections that are over are then closed when they are about to be used.
            self.state.is_running.store(false, Ordering::Release);
        }
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        *self.state.is_over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.state.over.notify_all();
    }
}

impl State {
    fn run(&self, links: &Weak<Shelf>, policy: &PoolPolicy) {
        while let Some(next) = self.next_end(links, policy) {
            let now = Instant::now();
            // A connection that comes back later may end earlier, when it is old.
            let least = policy.idle_timeout.into_iter().chain(policy.max_age).min().unwrap_or_default();
            let left = next.saturating_duration_since(now).min((least / 4).max(GLANCE));
            let is_over = self.is_over.lock().unwrap_or_else(PoisonError::into_inner);
            let waited = self.over.wait_timeout_while(is_over, left, |is_over| !*is_over);
            if *waited.unwrap_or_else(PoisonError::into_inner).0 {
                return;
            }
        }
    }

    /// Closes what is over, and says when the next connection ends; `None` ends this thread.
    fn next_end(&self, links: &Weak<Shelf>, policy: &PoolPolicy) -> Option<Instant> {
        let sweep = || links.upgrade().and_then(|links| links.sweep(policy, Instant::now()));
        sweep().or_else(|| {
            self.is_running.store(false, Ordering::Release);
            // What came back before that relies on this thread, unless it started another.
            sweep().filter(|_| !self.is_running.swap(true, Ordering::AcqRel))
        })
    }
}
