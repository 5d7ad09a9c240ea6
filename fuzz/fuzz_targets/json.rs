//! Any bytes as JSON: see `check_reader`.
#![no_main]

use fastthrift_protocol::Protocol;
use fastthrift_testing::codec::check_reader;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check_reader(Protocol::Json, bytes));
