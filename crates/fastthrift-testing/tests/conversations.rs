//! The same conversations over each way to carry the bytes.

mod tokio_driver;

use fastthrift_rpc::Carrier;
use fastthrift_testing::Pair;
use fastthrift_testing::conversation::{run_all, run_carried};
use fastthrift_testing::drivers::BlockingPair;
use tokio_driver::TokioPair;

#[test]
fn in_memory() {
    run_all(Pair::new);
}

#[test]
fn in_memory_one_byte_at_a_time() {
    run_all(|client, server| {
        let mut pair = Pair::new(client, server);
        pair.chunk = 1;
        pair
    });
}

#[test]
fn in_memory_compressed() {
    for chunk in [usize::MAX, 1] {
        run_carried(Carrier::Zlib, |client, server| {
            let mut pair = Pair::new(client, server);
            pair.chunk = chunk;
            pair
        });
    }
}

#[test]
fn over_blocking_sockets() {
    run_all(|client, server| BlockingPair::connect(client, server).expect("the loopback interface is there"));
}

#[test]
fn over_tokio() {
    run_all(|client, server| TokioPair::connect(client, server).expect("the loopback interface is there"));
}
