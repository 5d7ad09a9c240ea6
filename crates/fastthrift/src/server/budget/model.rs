//! Connections that take memory and give it back, in every order in which they can come.

use std::sync::Arc;

use loom::thread;

use super::*;
use crate::sync::model::explore;

#[test]
fn at_most_one_connection_goes_on_over_the_limit_and_nothing_is_left_counted() {
    explore(|| {
        let budget = Arc::new(Budget::new(100));
        // Together they are over the limit before either asks for more.
        let mut parts = [0, 1].map(Part::new);
        for part in &mut parts {
            assert!(budget.allows(part, FREE + 60) || part.number == 2);
        }
        let [first, second] = parts.map(|mut part| {
            let budget = Arc::clone(&budget);
            thread::spawn(move || (budget.allows(&mut part, FREE + 70), part))
        });
        let [(may_first, mut first), (may_second, mut second)] = [first, second].map(|asking| asking.join().unwrap());
        assert!(!(may_first && may_second), "both go on over the limit");
        let forgetting = {
            let budget = Arc::clone(&budget);
            thread::spawn(move || budget.forget(&mut first))
        };
        budget.forget(&mut second);
        forgetting.join().unwrap();
        assert_eq!((budget.held.load(Ordering::Relaxed), budget.favoured.load(Ordering::Relaxed)), (0, 0));
    });
}
