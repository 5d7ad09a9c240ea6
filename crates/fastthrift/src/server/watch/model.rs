//! A connection that sleeps, and those who tell it something, in every order in which they can come.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use loom::future::block_on;
use loom::thread;

use super::*;
use crate::sync::model::explore;

#[test]
fn a_connection_misses_nothing_that_it_is_told() {
    explore(|| {
        let watch = Arc::new(Watch::default());
        let tellers = [Order::Drain, Order::Cut].map(|order| {
            let watch = Arc::clone(&watch);
            thread::spawn(move || watch.order(order))
        });
        let (mut answers, mut is_registered) = (Vec::new(), false);
        block_on(poll_fn(|cx| {
            if !is_registered {
                watch.register(cx.waker());
                is_registered = true;
            }
            match watch.take(&mut answers) {
                Some(Order::Cut) => Poll::Ready(()),
                _ => Poll::Pending,
            }
        }));
        for teller in tellers {
            teller.join().unwrap();
        }
        // The other order came, too, and changed nothing.
        assert!(watch.take(&mut answers).is_none_or(|order| order == Order::Cut));
    });
}
