//! Any bytes as an unframed message, in any pieces: see `check_scanner`.
#![no_main]

use fastthrift_testing::codec::check_scanner;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check_scanner(bytes));
