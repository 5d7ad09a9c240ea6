//! Many callers at once, and the time that their calls take.

use std::future::Future;
use std::time::{Duration, Instant};

/// Who calls.
pub trait Call: Send + 'static {
    /// Makes a call, and waits for its reply.
    fn call(&mut self) -> impl Future<Output = ()> + Send;
}

/// What came of it.
pub struct Load {
    /// How many calls were made, and in how long.
    pub calls: usize,
    /// The time.
    pub elapsed: Duration,
    /// The time of each call, in ns, in order.
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

/// Lets all of them call for this long, after a tenth of it to warm up.
pub async fn run<C: Call>(callers: Vec<C>, time: Duration) -> Load {
    let begin = Instant::now() + time / 10;
    let end = begin + time;
    let tasks: Vec<_> = callers.into_iter().map(|caller| tokio::spawn(calls(caller, begin, end))).collect();
    let mut times = Vec::new();
    for task in tasks {
        times.append(&mut task.await.expect("callers do not panic"));
    }
    times.sort_unstable();
    Load { calls: times.len(), elapsed: time, times }
}

async fn calls<C: Call>(mut caller: C, begin: Instant, end: Instant) -> Vec<u32> {
    let mut times = Vec::with_capacity(1 << 16);
    let mut last = Instant::now();
    while last < end {
        caller.call().await;
        let now = Instant::now();
        if now >= begin && now < end {
            times.push(u32::try_from((now - last).as_nanos()).unwrap_or(u32::MAX));
        }
        last = now;
    }
    times
}
