//! Any bytes as what a peer sends through a compressed stream or HTTP, in any pieces, to either side: see `carried_server` and
//! `carried_client`.
#![no_main]

use fastthrift_testing::carried::{carried_client, carried_server};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    carried_server(bytes);
    carried_client(bytes);
});
