//! Timing that is fair on a noisy machine: the subjects of a case take turns in short batches, in another order each round, and the
//! CPU time of this thread is what counts.

use std::hint::black_box;

/// Something that is done over and over, and what it is called.
pub struct Subject<'a> {
    pub name: &'static str,
    run: Box<dyn FnMut() + 'a>,
}

impl<'a> Subject<'a> {
    /// A subject of which a single run does `run` once; what it makes is dropped within the time.
    pub fn new<T>(name: &'static str, mut run: impl FnMut() -> T + 'a) -> Self {
        Self { name, run: Box::new(move || drop(black_box(run()))) }
    }
}

/// How the time is spent.
#[derive(Clone, Copy)]
pub struct Plan {
    pub rounds: usize,
    pub batch_seconds: f64,
}

/// Returns for each subject the nanoseconds of one run, one figure a round.
pub fn measure(subjects: &mut [Subject<'_>], plan: Plan) -> Vec<Vec<f64>> {
    let counts: Vec<_> = subjects.iter_mut().map(|subject| count_for(subject, plan.batch_seconds)).collect();
    let mut times = vec![Vec::with_capacity(plan.rounds); subjects.len()];
    let mut order: Vec<_> = (0..subjects.len()).collect();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..plan.rounds {
        shuffle(&mut order, &mut random);
        for &index in &order {
            times[index].push(batch(&mut subjects[index], counts[index]) / counts[index] as f64 * 1e9);
        }
    }
    times
}

/// How many runs a batch of about that time has, found out by doubling, which also warms everything up.
fn count_for(subject: &mut Subject<'_>, seconds: f64) -> u32 {
    let mut count = 1;
    loop {
        let time = batch(subject, count);
        if time >= seconds / 2.0 || count >= 1 << 24 {
            return ((f64::from(count) * seconds / time.max(1e-9)) as u32).max(1);
        }
        count *= 2;
    }
}

/// The CPU seconds of so many runs.
fn batch(subject: &mut Subject<'_>, count: u32) -> f64 {
    let start = thread_seconds();
    for _ in 0..count {
        (subject.run)();
    }
    thread_seconds() - start
}

fn shuffle(order: &mut [usize], random: &mut u64) {
    for last in (1..order.len()).rev() {
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        order.swap(last, (*random % (last as u64 + 1)) as usize);
    }
}

fn thread_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a value of this function.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(failed, 0, "this clock is on every system that the benchmark is for");
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}
