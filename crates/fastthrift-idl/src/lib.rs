//! Thrift IDL text to a resolved schema, with diagnostics.
