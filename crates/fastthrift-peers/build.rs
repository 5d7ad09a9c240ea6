//! Generates Rust of the IDL that the programs share with the tests.

fn main() -> Result<(), fastthrift_codegen::build::Error> {
    fastthrift_codegen::compile([
        "../../conformance/conformance.thrift",
        "../../tests/faults/oracle.thrift",
        "../../tests/interop/calculator.thrift",
        "../../tests/python/store.thrift",
    ])
}
