//! Any schema, and any bytes as a value of it: see `check_decoder`.
#![no_main]

use fastthrift_testing::values::check_decoder;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check_decoder(bytes));
