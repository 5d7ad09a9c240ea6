//! Callers, the task of a connection and its end, in every order in which they can come.

use std::time::Duration;

use fastthrift_rpc::{Endpoint, Headers};
use loom::future::block_on;
use loom::thread;

use super::*;
use crate::client::connection::Incoming;
use crate::sync::model::{Socket, explore};
use crate::transport::{Direct, ReadSide};

/// A pool of one connection to an echo, its task, and the socket, whose first sends take so many bytes.
fn connected(is_exclusive: bool, room: &[usize]) -> (Arc<Pool>, Driver, Arc<Socket>) {
    let target = Target {
        endpoint: Endpoint::parse("memory://model").unwrap(),
        #[cfg(feature = "tls")]
        securing: None,
    };
    let (config, policy) = (ClientConfig::default(), PoolPolicy::default());
    let pool = Pool::new(target, config, policy, is_exclusive, Duration::from_secs(1));
    assert!(pool.reserve().unwrap());
    let socket = Arc::new(Socket::new(room));
    let sides = (ReadSide::Model(Arc::clone(&socket)), Some(Direct::Model(Arc::clone(&socket))));
    let driver = pool.adopt(sides.0, sides.1);
    (pool, driver, socket)
}

/// The arguments of a call: one number.
fn body(number: u8) -> [u8; 8] {
    [8, 0, 1, 0, 0, 0, number, 0]
}

fn outgoing(body: &[u8], kind: CallKind) -> Outgoing<'_> {
    Outgoing { service: None, function: "echo", kind, headers: Headers::none(), deadline: None, body }
}

/// Calls, and gives the reply.
async fn call(pool: &Arc<Pool>, number: u8) -> Result<Vec<u8>, CallError> {
    let body = body(number);
    let begun = pool.begin(&outgoing(&body, CallKind::Call)).await?;
    let Incoming { body, .. } = begun.expect("a call is answered").kept().await?;
    Ok(body.into_vec())
}

/// Lets two callers call over one connection, and waits until both have their own reply and the connection is gone.
fn two_callers(is_exclusive: bool, room: &'static [usize]) {
    explore(move || {
        let (pool, driver, _socket) = connected(is_exclusive, room);
        let driving = thread::spawn(move || block_on(driver.run()));
        let other = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || assert_eq!(block_on(call(&pool, 2)).unwrap(), body(2)))
        };
        assert_eq!(block_on(call(&pool, 1)).unwrap(), body(1));
        other.join().unwrap();
        drop(pool);
        driving.join().unwrap();
    });
}

#[test]
fn each_of_two_callers_gets_its_own_reply() {
    two_callers(false, &[]);
}

#[test]
fn what_a_caller_could_not_send_is_sent_by_the_task() {
    explore(|| {
        // A second caller would wake the task as well, so there is one alone.
        let (pool, driver, _socket) = connected(false, &[usize::MAX, 5, 0]);
        let driving = thread::spawn(move || block_on(driver.run()));
        for number in [1, 2] {
            assert_eq!(block_on(call(&pool, number)).unwrap(), body(number));
        }
        drop(pool);
        driving.join().unwrap();
    });
}

#[test]
fn callers_and_the_task_send_one_after_the_other() {
    two_callers(false, &[usize::MAX, 5, 0]);
}

#[test]
fn a_connection_for_one_call_at_a_time_is_handed_on() {
    two_callers(true, &[]);
}

#[test]
fn a_call_that_is_given_up_disturbs_no_other() {
    explore(|| {
        let (pool, driver, _socket) = connected(false, &[]);
        let driving = thread::spawn(move || block_on(driver.run()));
        let other = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || {
                let body = body(2);
                drop(pool.try_begin(&outgoing(&body, CallKind::Call)).unwrap());
            })
        };
        assert_eq!(block_on(call(&pool, 1)).unwrap(), body(1));
        other.join().unwrap();
        assert_eq!(block_on(call(&pool, 3)).unwrap(), body(3));
        drop(pool);
        driving.join().unwrap();
    });
}

#[test]
fn a_caller_who_sent_for_itself_and_does_not_go_on_holds_up_no_other() {
    explore(|| {
        let (pool, driver, _socket) = connected(false, &[]);
        let driving = thread::spawn(move || block_on(driver.run()));
        assert_eq!(block_on(call(&pool, 1)).unwrap(), body(1));
        let number = body(2);
        let left_alone = pool.try_begin(&outgoing(&number, CallKind::Call)).unwrap().unwrap();
        assert_eq!(block_on(call(&pool, 3)).unwrap(), body(3));
        assert_eq!(block_on(left_alone.unwrap().kept()).unwrap().body.into_vec(), number);
        drop(pool);
        driving.join().unwrap();
    });
}

#[test]
fn every_call_ends_when_the_peer_does() {
    explore(|| {
        let (pool, driver, socket) = connected(false, &[]);
        let driving = thread::spawn(move || block_on(driver.run()));
        let ending = thread::spawn(move || socket.end());
        let number = body(1);
        if let Ok(Some(Some(waiting))) = pool.try_begin(&outgoing(&number, CallKind::Call)) {
            // A reply that came before the end counts.
            if let Ok(incoming) = block_on(waiting.kept()) {
                assert_eq!(incoming.body.into_vec(), number);
            }
        }
        ending.join().unwrap();
        driving.join().unwrap();
        assert!(pool.lock().available.is_empty());
    });
}

#[test]
fn a_oneway_is_sent_before_the_connection_ends() {
    explore(|| {
        let (pool, driver, socket) = connected(false, &[3, 0]);
        let driving = thread::spawn(move || block_on(driver.run()));
        let number = body(1);
        assert!(pool.try_begin(&outgoing(&number, CallKind::Oneway)).unwrap().is_some());
        drop(pool);
        driving.join().unwrap();
        assert_eq!(socket.served(), 1);
    });
}

#[test]
fn who_waits_until_all_is_sent_waits_no_longer() {
    explore(|| {
        let (pool, driver, socket) = connected(false, &[3, 0]);
        let driving = thread::spawn(move || block_on(driver.run()));
        let number = body(1);
        assert!(pool.try_begin(&outgoing(&number, CallKind::Oneway)).unwrap().is_some());
        block_on(pool.flush()).unwrap();
        assert_eq!(socket.served(), 1);
        drop(pool);
        driving.join().unwrap();
    });
}

#[test]
fn a_task_that_is_dropped_sends_what_is_left() {
    explore(|| {
        let (pool, driver, socket) = connected(false, &[3]);
        let number = body(1);
        assert!(pool.try_begin(&outgoing(&number, CallKind::Oneway)).unwrap().is_some());
        drop(driver);
        assert_eq!(socket.served(), 1);
    });
}

#[test]
fn every_call_ends_when_the_task_is_dropped() {
    explore(|| {
        let (pool, driver, _socket) = connected(false, &[]);
        let dropping = thread::spawn(move || drop(driver));
        let number = body(1);
        // One that was not begun is made over another connection.
        if let Ok(Some(Some(waiting))) = pool.try_begin(&outgoing(&number, CallKind::Call)) {
            match block_on(waiting.kept()) {
                Ok(incoming) => assert_eq!(incoming.body.into_vec(), number),
                Err(error) => assert!(error.was_sent()),
            }
        }
        dropping.join().unwrap();
        assert!(pool.try_begin(&outgoing(&number, CallKind::Call)).unwrap().is_none());
        assert!(pool.reserve().unwrap());
    });
}
