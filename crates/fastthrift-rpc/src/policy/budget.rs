use std::time::Duration;

/// How many calls may be made again, as a bucket of tokens: each call adds a part of one, time adds some, and each call that
/// is made again takes one. So clients of a server that fails add little to its load, and those that call seldom may still
/// try again.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryBudget {
    tokens: f64,
    ratio: f64,
    per_second: f64,
    burst: f64,
    filled: Duration,
}

impl RetryBudget {
    /// A full bucket: `ratio` is what a call adds, `per_second` what a second adds, `burst` how much there may be. What is
    /// negative or no number counts as 0.
    pub fn new(ratio: f64, per_second: f64, burst: f64) -> Self {
        let [ratio, per_second, burst] = [ratio, per_second, burst].map(|number| number.max(0.0));
        Self { tokens: burst, ratio, per_second, burst, filled: Duration::ZERO }
    }

    /// Notes that a call is made: a new one, not one that is made again. It needs no time, so it costs next to nothing.
    pub fn deposit(&mut self) {
        self.tokens = (self.tokens + self.ratio).min(self.burst);
    }

    /// Takes a token for a call that is to be made again; false when there is none, and then it must not be made.
    pub fn withdraw(&mut self, now: Duration) -> bool {
        let passed = now.saturating_sub(self.filled);
        self.filled = self.filled.max(now);
        self.tokens = (self.tokens + self.per_second * passed.as_secs_f64()).min(self.burst);
        let is_there = self.tokens >= 1.0;
        if is_there {
            self.tokens -= 1.0;
        }
        is_there
    }
}

impl Default for RetryBudget {
    /// One call in five, ten a second, and a hundred at once.
    fn default() -> Self {
        Self::new(0.2, 10.0, 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::ZERO;

    #[test]
    fn a_burst_ends_when_the_bucket_is_empty_and_time_fills_it() {
        let mut budget = RetryBudget::new(0.0, 2.0, 3.0);
        assert_eq!((0..9).filter(|_| budget.withdraw(START)).count(), 3);
        assert!(!budget.withdraw(Duration::from_millis(499)));
        assert!(budget.withdraw(Duration::from_millis(500)));
        let later = Duration::from_hours(1);
        assert_eq!((0..9).filter(|_| budget.withdraw(later)).count(), 3);
    }

    #[test]
    fn calls_pay_for_their_part_of_what_is_made_again() {
        let mut budget = RetryBudget::new(0.2, 0.0, 10.0);
        while budget.withdraw(START) {}
        let again = (0..1000).filter(|_| {
            budget.deposit();
            budget.withdraw(START)
        });
        assert!((199..=200).contains(&again.count()));
    }

    #[test]
    fn a_clock_that_goes_back_adds_nothing() {
        let mut budget = RetryBudget::new(0.0, 1.0, 1.0);
        assert!(budget.withdraw(Duration::from_secs(10)));
        assert!(!budget.withdraw(Duration::from_secs(5)));
        assert!(!budget.withdraw(Duration::from_secs(10)));
        assert!(budget.withdraw(Duration::from_secs(11)));
    }

    #[test]
    fn numbers_that_make_no_sense_give_nothing() {
        let mut budget = RetryBudget::new(f64::NAN, -1.0, f64::NAN);
        budget.deposit();
        assert!(!budget.withdraw(Duration::from_secs(1)));
    }
}
