use std::time::Duration;

/// When connections of a pool are made, looked at and closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolPolicy {
    /// How many connections there may be at once, those in use included. Default 1.
    pub size: usize,
    /// After how long without use a connection is closed; `None`, the default, is never.
    pub idle_timeout: Option<Duration>,
    /// How old a connection may become; `None`, the default, is any age. One in use is not disturbed.
    pub max_age: Option<Duration>,
    /// After how long without use it is looked whether a connection is still there. Default 5 ms.
    pub glance_after: Duration,
    /// After how long without use a connection is checked by a call before it is used; `None`, the default, is never.
    pub check_after: Option<Duration>,
}

/// When a connection was made, and when it was used last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    /// When it was made.
    pub opened: Duration,
    /// When anything was done with it last.
    pub used: Duration,
}

/// What becomes of a connection that is to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is used as it is.
    Use,
    /// It is used unless the peer closed it, which costs no round trip to see.
    Glance,
    /// The same, and a call over it has to succeed before.
    Check,
    /// It is closed, and another is made.
    Close,
}

impl Default for PoolPolicy {
    fn default() -> Self {
        Self { size: 1, idle_timeout: None, max_age: None, glance_after: Duration::from_millis(5), check_after: None }
    }
}

impl PoolPolicy {
    /// What becomes of a connection that is to be used now.
    pub fn verdict(&self, age: Age, now: Duration) -> Verdict {
        let idle = now.saturating_sub(age.used);
        if self.expires(age).is_some_and(|end| end <= now) {
            Verdict::Close
        } else if self.check_after.is_some_and(|after| idle >= after) {
            Verdict::Check
        } else if idle >= self.glance_after {
            Verdict::Glance
        } else {
            Verdict::Use
        }
    }

    /// When a connection that nobody uses is to be closed.
    pub fn expires(&self, age: Age) -> Option<Duration> {
        let idle = self.idle_timeout.and_then(|timeout| age.used.checked_add(timeout));
        let old = self.max_age.and_then(|most| age.opened.checked_add(most));
        match (idle, old) {
            (Some(idle), Some(old)) => Some(idle.min(old)),
            (idle, old) => idle.or(old),
        }
    }

    /// Whether it matters when connections were made and used, but for what costs no round trip to see.
    pub fn has_limits(&self) -> bool {
        self.idle_timeout.is_some() || self.max_age.is_some() || self.check_after.is_some()
    }

    /// Whether another connection may be made when there are that many.
    pub fn may_open(&self, open: usize) -> bool {
        open < self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(opened: u64, used: u64) -> Age {
        Age { opened: Duration::from_secs(opened), used: Duration::from_secs(used) }
    }

    #[test]
    fn a_connection_is_looked_at_only_when_it_was_idle() {
        let policy = PoolPolicy::default();
        assert_eq!(policy.verdict(at(0, 7), Duration::from_millis(7004)), Verdict::Use);
        assert_eq!(policy.verdict(at(0, 7), Duration::from_millis(7005)), Verdict::Glance);
        assert_eq!(policy.verdict(at(0, 7), Duration::MAX), Verdict::Glance);
        assert_eq!(policy.expires(at(0, 7)), None);
    }

    #[test]
    fn a_connection_ends_by_idleness_or_age_whichever_comes_first() {
        let (idle, age) = (Duration::from_secs(10), Duration::from_mins(1));
        let policy = PoolPolicy { idle_timeout: Some(idle), max_age: Some(age), ..PoolPolicy::default() };
        assert_eq!(policy.expires(at(0, 5)), Some(Duration::from_secs(15)));
        assert_eq!(policy.expires(at(0, 55)), Some(age));
        assert_eq!(policy.verdict(at(0, 5), Duration::from_millis(14_999)), Verdict::Glance);
        assert_eq!(policy.verdict(at(0, 5), Duration::from_secs(15)), Verdict::Close);
        assert_eq!(policy.verdict(at(0, 60), age), Verdict::Close);
    }

    #[test]
    fn a_call_checks_a_connection_that_was_idle_for_long() {
        let policy = PoolPolicy { check_after: Some(Duration::from_secs(1)), ..PoolPolicy::default() };
        assert_eq!(policy.verdict(at(0, 5), Duration::from_millis(5999)), Verdict::Glance);
        assert_eq!(policy.verdict(at(0, 5), Duration::from_secs(6)), Verdict::Check);
    }

    #[test]
    fn times_matter_only_where_there_are_limits() {
        let second = Some(Duration::from_secs(1));
        assert!(!PoolPolicy { size: 8, ..PoolPolicy::default() }.has_limits());
        assert!(PoolPolicy { idle_timeout: second, ..PoolPolicy::default() }.has_limits());
        assert!(PoolPolicy { max_age: second, ..PoolPolicy::default() }.has_limits());
        assert!(PoolPolicy { check_after: second, ..PoolPolicy::default() }.has_limits());
    }

    #[test]
    fn times_at_the_end_of_all_time_do_not_overflow() {
        let policy = PoolPolicy { idle_timeout: Some(Duration::MAX), ..PoolPolicy::default() };
        assert_eq!(policy.expires(at(0, 1)), None);
        assert_eq!(policy.verdict(at(9, 9), Duration::ZERO), Verdict::Use);
    }

    #[test]
    fn no_more_connections_are_made_than_the_size() {
        let policy = PoolPolicy { size: 2, ..PoolPolicy::default() };
        assert!(policy.may_open(0) && policy.may_open(1) && !policy.may_open(2));
    }
}
