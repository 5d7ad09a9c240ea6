//! Many callers at once, and the time that their calls take.

use std::future::Future;
use std::time::{Duration, Instant};

/// Who calls.
pub trait Call: Send + 'static {
    /// Makes a call, and waits for its reply.
    fn call(&mut self) -> impl Future<Output = ()> + Send;
}

/// Who calls, and blocks its thread meanwhile.
pub trait BlockingCall: Send + 'static {
    /// Makes a call, and waits for its reply.
    fn call(&mut self);
}

/// What came of it.
pub struct Load {
    /// How many calls were made, those of the warming up too.
    pub made: usize,
    /// In how long those were made whose times are kept.
    pub elapsed: Duration,
    /// The time of each call after the warming up, in ns, in order.
    pub times: Vec<u32>,
}

impl Load {
    /// The time within which this part of the calls was over, in µs.
    pub fn percentile(&self, part: f64) -> f64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let index = ((self.times.len() as f64) * part) as usize;
        f64::from(self.times[index.min(self.times.len() - 1)]) / 1e3
    }
}

/// When calls are counted: after a tenth of the time, to warm up, and for this long.
#[derive(Clone, Copy)]
struct Span {
    begin: Instant,
    end: Instant,
}

impl Span {
    fn starting_now(time: Duration) -> Self {
        let begin = Instant::now() + time / 10;
        Self { begin, end: begin + time }
    }
}

/// What one caller measured so far.
struct Watch {
    span: Span,
    last: Instant,
    made: usize,
    times: Vec<u32>,
}

impl Watch {
    fn new(span: Span) -> Self {
        Self { span, last: Instant::now(), made: 0, times: Vec::with_capacity(1 << 16) }
    }

    fn goes_on(&self) -> bool {
        self.last < self.span.end
    }

    /// Notes the end of a call.
    fn lap(&mut self) {
        let now = Instant::now();
        if now >= self.span.begin && now < self.span.end {
            self.times.push(u32::try_from((now - self.last).as_nanos()).unwrap_or(u32::MAX));
        }
        self.last = now;
        self.made += 1;
    }
}

/// Lets all of them call for this long, after a tenth of it to warm up.
pub async fn run<C: Call>(callers: Vec<C>, time: Duration) -> Load {
    let span = Span::starting_now(time);
    let tasks: Vec<_> = callers.into_iter().map(|caller| tokio::spawn(calls(caller, span))).collect();
    let mut all = Vec::new();
    for task in tasks {
        all.push(task.await.expect("callers do not panic"));
    }
    load_of(all, time)
}

async fn calls<C: Call>(mut caller: C, span: Span) -> Watch {
    let mut watch = Watch::new(span);
    while watch.goes_on() {
        caller.call().await;
        watch.lap();
    }
    watch
}

/// The same in a thread for each.
pub fn run_blocking<C: BlockingCall>(callers: Vec<C>, time: Duration) -> Load {
    let span = Span::starting_now(time);
    let threads: Vec<_> =
        callers.into_iter().map(|caller| std::thread::spawn(move || blocking_calls(caller, span))).collect();
    load_of(threads.into_iter().map(|thread| thread.join().expect("callers do not panic")).collect(), time)
}

fn blocking_calls<C: BlockingCall>(mut caller: C, span: Span) -> Watch {
    let mut watch = Watch::new(span);
    while watch.goes_on() {
        caller.call();
        watch.lap();
    }
    watch
}

fn load_of(all: Vec<Watch>, time: Duration) -> Load {
    let made = all.iter().map(|watch| watch.made).sum();
    let mut times: Vec<u32> = all.into_iter().flat_map(|watch| watch.times).collect();
    times.sort_unstable();
    Load { made, elapsed: time, times }
}
