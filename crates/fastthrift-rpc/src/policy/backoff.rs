use std::time::Duration;

/// How long to wait before a call is tried again: longer each time, and by chance a part of it, so that clients that failed
/// together do not come back together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// The longest wait before the second attempt. Default 10 ms.
    pub first: Duration,
    /// The longest wait of all. Default 1 s.
    pub most: Duration,
    /// How much longer each wait is than the one before. Default 2.
    pub factor: f64,
    /// The part of a wait that is left to chance: 0 is none of it, 1, the default, is all of it.
    pub jitter: f64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(10), most: Duration::from_secs(1), factor: 2.0, jitter: 1.0 }
    }
}

impl Backoff {
    /// The wait before the next attempt when `failed` attempts failed, 1 or more. `chance` is a number from 0 to 1 that is
    /// drawn anew each time; 0 gives the longest wait.
    pub fn delay(&self, failed: u32, chance: f64) -> Duration {
        let growth = self.factor.max(1.0).powi(i32::try_from(failed.saturating_sub(1)).unwrap_or(i32::MAX));
        let longest =
            Duration::try_from_secs_f64(self.first.as_secs_f64() * growth).unwrap_or(self.most).min(self.most);
        longest.mul_f64(1.0 - within_one(self.jitter) * within_one(chance))
    }
}

/// A number as a part of a whole; what is no number counts as nothing.
fn within_one(part: f64) -> f64 {
    if part.is_nan() { 0.0 } else { part.clamp(0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_the_longest() {
        let backoff = Backoff { jitter: 0.0, ..Backoff::default() };
        let waits: Vec<_> = (1..=9).map(|failed| backoff.delay(failed, 0.5).as_millis()).collect();
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
        assert_eq!(backoff.delay(u32::MAX, 0.5), backoff.most);
    }

    #[test]
    fn chance_takes_no_more_than_its_part() {
        let backoff = Backoff { jitter: 0.25, ..Backoff::default() };
        assert_eq!(backoff.delay(1, 0.0), Duration::from_millis(10));
        assert_eq!(backoff.delay(1, 1.0), Duration::from_micros(7500));
        assert_eq!(Backoff::default().delay(1, 1.0), Duration::ZERO);
    }

    #[test]
    fn numbers_that_make_no_sense_give_a_wait_nevertheless() {
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 1e300] {
            let backoff = Backoff { factor: odd, jitter: odd, ..Backoff::default() };
            for failed in [0, 1, 2, u32::MAX] {
                assert!(backoff.delay(failed, odd) <= backoff.most);
            }
        }
    }
}
