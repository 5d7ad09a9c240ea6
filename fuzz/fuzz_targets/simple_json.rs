//! Any schema, and any bytes as JSON of a value of it: see `check_json_decoder`.
#![no_main]

use fastthrift_testing::simple_json::check_json_decoder;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check_json_decoder(bytes));
