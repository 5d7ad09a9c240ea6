//! A compiled schema drives a protocol without generated code.
