//! Any bytes as what a peer sends, in any pieces, to either side: see `server_connection` and `client_connection`.
#![no_main]

use fastthrift_testing::connections::{client_connection, server_connection};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    server_connection(bytes);
    client_connection(bytes);
});
