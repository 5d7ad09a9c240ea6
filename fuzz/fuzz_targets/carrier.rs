//! Any bytes as what a peer sends through a compressed stream, HTTP or SASL, in any pieces, to either side: see
//! `carried_server`, `carried_client` and `shaken_hands`.
#![no_main]

use fastthrift_testing::carried::{carried_client, carried_server, shaken_hands};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    carried_server(bytes);
    carried_client(bytes);
    shaken_hands(bytes);
});
