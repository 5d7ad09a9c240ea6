//! Any bytes as values of generated types, which must read them as a schema at run time does: see `Reference::check`.
#![no_main]

use fastthrift_generated::agreement::Reference;

thread_local! {
    static REFERENCE: Reference = Reference::default();
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| REFERENCE.with(|reference| reference.check(bytes)));
