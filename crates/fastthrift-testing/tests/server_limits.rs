//! What bounds a server's calls and its memory. Its crate is a Python extension and has no test program of its own: the
//! same files are built here.

#![allow(missing_docs, reason = "the files' items are not public where they belong")]
#![allow(dead_code, unreachable_pub, clippy::pedantic, reason = "the files' own crate is checked with all lints")]

#[path = "../../fastthrift-python/src/server/budget.rs"]
mod budget;
#[path = "../../fastthrift-python/src/server/load.rs"]
mod load;

use std::collections::VecDeque;

use budget::{Budget, FREE, Memory};
use load::{Admission, Load};

fn received(above: usize) -> Memory {
    Memory { inbound: FREE + above, outbound: 0 }
}

fn resumed(budget: &mut Budget) -> Vec<usize> {
    let mut ready = VecDeque::new();
    budget.resume(&mut ready);
    ready.into()
}

#[test]
fn calls_run_then_wait_then_are_refused_and_room_is_made_by_those_that_end() {
    let load = Load::new(2, 3);
    let Admission::Run(first) = load.admit(0) else { panic!("the first runs") };
    let Admission::Run(_second) = load.admit(0) else { panic!("so does the second") };
    assert!(!load.has_room());
    assert!(matches!(load.admit(0), Admission::Wait));
    assert!(matches!(load.admit(1), Admission::Refuse));
    drop(first);
    assert!(load.has_room());
    assert!(matches!(load.admit(1), Admission::Run(_)));
    assert!(matches!(load.admit(2), Admission::Refuse));
}

#[test]
fn no_more_calls_run_than_may_be_in_flight() {
    let load = Load::new(8, 1);
    let Admission::Run(only) = load.admit(0) else { panic!("one runs") };
    assert!(!load.has_room());
    assert!(matches!(load.admit(0), Admission::Refuse));
    drop(only);
    assert!(load.has_room());
}

#[test]
fn what_every_connection_has_is_not_counted() {
    let mut budget = Budget::new(1);
    for index in 0..1000 {
        budget.count(&mut Memory::default(), Memory { inbound: FREE / 2, outbound: FREE / 2 });
        assert_eq!(budget.allowance(index), usize::MAX);
    }
}

#[test]
fn at_the_limit_one_connection_at_a_time_goes_on_and_each_gets_its_turn() {
    let mut budget = Budget::new(100);
    let mut counted = [Memory::default(); 3];
    for each in &mut counted {
        budget.count(each, received(50));
    }
    (0..3).for_each(|index| budget.pause(index));
    assert_eq!(resumed(&mut budget), [0]);
    assert_eq!((budget.allowance(0), budget.allowance(1)), (usize::MAX, FREE));
    assert_eq!(resumed(&mut budget), [] as [usize; 0], "there is one already");
    budget.end_favour(0);
    budget.pause(0);
    assert_eq!(resumed(&mut budget), [1]);
    budget.forget(1);
    assert_eq!(resumed(&mut budget), [2]);
    budget.count(&mut counted[1], Memory::default());
    budget.count(&mut counted[2], Memory::default());
    assert_eq!(resumed(&mut budget), [0]);
    assert_eq!(budget.allowance(2), usize::MAX);
}

#[test]
fn who_is_closed_while_it_waits_is_not_given_a_turn() {
    let mut budget = Budget::new(100);
    budget.count(&mut Memory::default(), received(200));
    (0..3).for_each(|index| budget.pause(index));
    budget.forget(0);
    assert_eq!(resumed(&mut budget), [1]);
}

#[test]
fn only_what_is_to_be_sent_makes_calls_be_refused() {
    let mut budget = Budget::new(100);
    let mut counted = Memory::default();
    budget.count(&mut counted, received(1000));
    assert!(!budget.is_overdrawn());
    budget.count(&mut counted, Memory { inbound: 0, outbound: FREE + 100 });
    assert!(budget.is_overdrawn());
    budget.count(&mut counted, Memory::default());
    assert!(!budget.is_overdrawn());
    assert_eq!(budget.allowance(0), usize::MAX);
}
