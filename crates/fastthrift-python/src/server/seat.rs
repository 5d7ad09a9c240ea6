//! Who leads: one thread of the pool has the reactor, polls and serves; while it is in a handler the reactor lies here,
//! and is another's for the taking when the handler does not come back in about a millisecond.
//!
//! The threads that do not lead follow. One follower is the watcher: it looks once a millisecond whether the same
//! handler still runs, and sleeps without a timer while nothing happens. The others wait to become the watcher.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often the watcher looks: a handler is left alone for one to two of these.
const TICK: Duration = Duration::from_millis(1);
/// After how many looks at nothing the watcher sleeps until it is woken.
const QUIET_TICKS: u32 = 3;

/// Where the reactor, here any `R`, lies while its leader is in a handler.
pub(super) struct Seat<R> {
    state: Mutex<State<R>>,
    watch: Condvar,
    idle: Condvar,
}

struct State<R> {
    parked: Option<Box<R>>,
    /// Counts how often the reactor was parked.
    turn: u64,
    /// The handler that runs is known to be slow: nobody needs to wait and see.
    is_urgent: bool,
    watcher: Watcher,
    /// Threads that wait to become the watcher.
    idle: usize,
    /// Threads in all.
    threads: usize,
    max_threads: usize,
    is_over: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Watcher {
    Vacant,
    /// Looks at each tick.
    Ticking,
    /// Sleeps until the reactor is parked.
    Asleep,
}

/// What a follower is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follow {
    /// Take the reactor, if it is still parked as of this turn.
    Take(u64),
    /// End.
    Leave,
}

impl<R> Seat<R> {
    /// A seat for at most `max_threads` threads, none of them there yet.
    pub(super) fn new(max_threads: usize) -> Self {
        let state = State {
            parked: None,
            turn: 0,
            is_urgent: false,
            watcher: Watcher::Vacant,
            idle: 0,
            threads: 0,
            max_threads,
            is_over: false,
        };
        Self { state: Mutex::new(state), watch: Condvar::new(), idle: Condvar::new() }
    }

    /// Lays the reactor down for the time of a handler; the turn returned names this time.
    #[inline]
    pub(super) fn park(&self, reactor: Box<R>, is_urgent: bool) -> u64 {
        let mut state = self.lock();
        state.parked = Some(reactor);
        state.turn += 1;
        state.is_urgent = is_urgent;
        let turn = state.turn;
        let wake = state.watcher == Watcher::Asleep || (is_urgent && state.watcher == Watcher::Ticking);
        if wake {
            state.watcher = Watcher::Ticking;
            drop(state);
            self.watch.notify_one();
        }
        turn
    }

    /// Takes the reactor, if it is still parked as of this turn.
    #[inline]
    pub(super) fn take(&self, turn: u64) -> Option<Box<R>> {
        let mut state = self.lock();
        if state.turn == turn { state.parked.take() } else { None }
    }

    /// Takes the reactor wherever it was parked.
    pub(super) fn take_any(&self) -> Option<Box<R>> {
        self.lock().parked.take()
    }

    /// Counts a new thread in, unless there are as many as allowed.
    pub(super) fn enter(&self) -> bool {
        let mut state = self.lock();
        let has_room = state.threads < state.max_threads && !state.is_over;
        state.threads += usize::from(has_room);
        has_room
    }

    /// Counts a thread out. Whether it was the last one.
    pub(super) fn leave(&self) -> bool {
        let mut state = self.lock();
        state.threads -= 1;
        state.threads == 0
    }

    /// Makes sure that somebody watches the new leader. Whether a new thread is needed for that; it is counted in
    /// already.
    pub(super) fn recruit(&self) -> bool {
        let mut state = self.lock();
        if state.watcher != Watcher::Vacant || state.is_over {
            return false;
        }
        if state.idle > 0 {
            drop(state);
            self.idle.notify_one();
            return false;
        }
        let has_room = state.threads < state.max_threads;
        state.threads += usize::from(has_room);
        has_room
    }

    /// Sends all followers home, now and for ever.
    pub(super) fn end(&self) {
        self.lock().is_over = true;
        self.watch.notify_all();
        self.idle.notify_all();
    }

    pub(super) fn is_over(&self) -> bool {
        self.lock().is_over
    }

    /// Waits until there is something to do for this thread.
    pub(super) fn follow(&self) -> Follow {
        let mut state = self.lock();
        loop {
            if state.is_over {
                return Follow::Leave;
            }
            if state.watcher == Watcher::Vacant {
                return self.watch(state);
            }
            state.idle += 1;
            state = self.idle.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    fn watch(&self, mut state: MutexGuard<'_, State<R>>) -> Follow {
        let mut parked_since = None;
        let mut last_turn = state.turn;
        let mut quiet = 0;
        state.watcher = Watcher::Ticking;
        let follow = loop {
            if state.is_over {
                break Follow::Leave;
            }
            let parked = state.parked.is_some().then_some(state.turn);
            if parked.is_some() && (state.is_urgent || parked == parked_since) {
                break Follow::Take(state.turn);
            }
            quiet = if parked.is_none() && state.turn == last_turn { quiet + 1 } else { 0 };
            last_turn = state.turn;
            parked_since = parked;
            if quiet > QUIET_TICKS {
                quiet = 0;
                state.watcher = Watcher::Asleep;
                state = self.watch.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.watcher = Watcher::Ticking;
            } else {
                state = self.watch.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner).0;
            }
        };
        state.watcher = Watcher::Vacant;
        follow
    }

    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
