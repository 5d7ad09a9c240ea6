//! The seat of the server's reactor, whose crate is a Python extension and has no test program of its own: the same file is built here.

#![allow(missing_docs, reason = "the file's items are not public where they belong")]

#[path = "../../fastthrift-python/src/server/seat.rs"]
#[allow(dead_code, unreachable_pub, clippy::pedantic, reason = "the file's own crate is checked with all lints")]
mod seat;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use seat::{Follow, Seat};

/// Longer than any step takes, on a machine that is busy with other things, too.
const PATIENCE: Duration = Duration::from_secs(20);
/// As long as a handler that another thread should not wait for.
const SLOW: Duration = Duration::from_millis(30);

/// What stands for the reactor: the handlers that are to run, by how long they take.
struct Work {
    handlers: Vec<Duration>,
}

/// A pool of threads that does what the server's do, with naps for handlers.
struct Pool {
    seat: Seat<Work>,
    leaders: AtomicUsize,
    served: AtomicUsize,
}

impl Pool {
    fn start(max_threads: usize, handlers: Vec<Duration>) -> (Arc<Self>, Vec<JoinHandle<()>>) {
        let pool =
            Arc::new(Self { seat: Seat::new(max_threads), leaders: AtomicUsize::new(0), served: AtomicUsize::new(0) });
        let total = handlers.len();
        // All threads are counted in from the start; the first has the work.
        let mut work = Some(Box::new(Work { handlers }));
        assert!((0..max_threads).all(|_| pool.seat.enter()));
        let threads = (0..max_threads).map(|_| {
            let (pool, mut work) = (Arc::clone(&pool), work.take());
            std::thread::spawn(move || pool.work(&mut work, total))
        });
        let threads = threads.collect();
        (pool, threads)
    }

    fn work(&self, work: &mut Option<Box<Work>>, total: usize) {
        loop {
            if work.is_some() {
                assert!(!self.seat.recruit(), "there are as many threads as allowed");
                self.lead(work, total);
            }
            match self.seat.follow() {
                Follow::Take(turn) => *work = self.seat.take(turn),
                Follow::Leave => break,
            }
        }
        self.seat.leave();
    }

    /// Runs handlers until another thread has the work, or none are left.
    fn lead(&self, lead: &mut Option<Box<Work>>, total: usize) {
        while let Some(mut work) = lead.take() {
            assert_eq!(self.leaders.fetch_add(1, Ordering::SeqCst), 0, "two threads lead");
            let next = work.handlers.pop();
            self.leaders.fetch_sub(1, Ordering::SeqCst);
            let Some(time) = next else {
                // Nothing is left to begin; what other threads began they finish.
                *lead = Some(work);
                if self.served.load(Ordering::SeqCst) == total {
                    return self.end(lead);
                }
                std::thread::sleep(Duration::from_micros(100));
                continue;
            };
            let turn = self.seat.park(work, time > SLOW);
            if time > Duration::ZERO {
                std::thread::sleep(time);
            }
            *lead = self.seat.take(turn);
            self.served.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn end(&self, lead: &mut Option<Box<Work>>) {
        *lead = None;
        self.seat.end();
    }
}

/// Waits for all threads, and fails when one does not end.
fn join(threads: Vec<JoinHandle<()>>) {
    let (done, ended): (_, Receiver<()>) = channel();
    let waiter = std::thread::spawn(move || {
        for thread in threads {
            thread.join().expect("a thread of the pool failed");
        }
        drop(done);
    });
    assert_eq!(ended.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected), "a thread of the pool does not end");
    waiter.join().expect("all threads ended well");
}

#[test]
fn what_is_parked_is_taken_back_by_its_turn_alone() {
    let seat = Seat::new(1);
    let first = seat.park(Box::new("reactor"), false);
    let reactor = seat.take(first).unwrap();
    assert_eq!(seat.take(first), None);
    let second = seat.park(reactor, false);
    assert_eq!(seat.take(first), None);
    assert_eq!(seat.take(second).as_deref(), Some(&"reactor"));
    seat.park(Box::new("reactor"), false);
    assert_eq!(seat.take_any().as_deref(), Some(&"reactor"));
    assert_eq!(seat.take_any(), None);
}

#[test]
fn threads_are_counted_and_none_enters_after_the_end() {
    let seat = Seat::<()>::new(2);
    assert!(seat.enter());
    assert!(seat.recruit(), "nobody watches, and there is room");
    assert!(!seat.enter());
    assert!(!seat.recruit());
    assert!(!seat.leave());
    seat.end();
    assert!(seat.is_over());
    assert!(!seat.enter());
    assert!(!seat.recruit());
    assert_eq!(seat.follow(), Follow::Leave);
    assert!(seat.leave());
}

#[test]
fn a_follower_is_sent_to_take_what_stays_parked_and_at_once_when_that_is_urgent() {
    for is_urgent in [false, true] {
        let seat = Arc::new(Seat::new(2));
        let follower = std::thread::spawn({
            let seat = Arc::clone(&seat);
            move || seat.follow()
        });
        // Long enough for the follower to fall asleep: it must be woken.
        std::thread::sleep(SLOW);
        let turn = seat.park(Box::new(()), is_urgent);
        let start = Instant::now();
        assert_eq!(follower.join().unwrap(), Follow::Take(turn));
        assert!(start.elapsed() < PATIENCE);
        assert!(seat.take(turn).is_some());
    }
}

#[test]
fn followers_that_wait_and_that_watch_leave_at_the_end() {
    let seat = Arc::new(Seat::<()>::new(3));
    let threads = (0..3).map(|_| {
        assert!(seat.enter());
        let seat = Arc::clone(&seat);
        std::thread::spawn(move || {
            assert_eq!(seat.follow(), Follow::Leave);
            seat.leave();
        })
    });
    let threads: Vec<_> = threads.collect();
    std::thread::sleep(SLOW);
    seat.end();
    join(threads);
}

#[test]
fn every_handler_runs_once_and_all_threads_end_whatever_the_handlers_take() {
    // Quick ones, ones that end just when the watcher looks, and slow ones, in an order that differs for each pool.
    const TIMES: [u64; 8] = [0, 0, 0, 900, 1000, 1100, 2000, 3000];
    for (max_threads, count) in [(1, 50), (2, 300), (3, 300), (8, 600)] {
        let mut state = 0x9e37_79b9_u32;
        let handlers = (0..count).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let place = usize::try_from(state >> 29).expect("invariant: three bits fit");
            Duration::from_micros(TIMES[place])
        });
        let (pool, threads) = Pool::start(max_threads, handlers.collect());
        join(threads);
        assert_eq!(pool.served.load(Ordering::SeqCst), count);
        assert!(pool.seat.is_over());
    }
}

#[test]
fn slow_handlers_run_side_by_side() {
    let nap = Duration::from_millis(300);
    let start = Instant::now();
    let (pool, threads) = Pool::start(8, vec![nap; 8]);
    join(threads);
    assert_eq!(pool.served.load(Ordering::SeqCst), 8);
    assert!(start.elapsed() < nap * 8 / 2, "{:?}", start.elapsed());
}
