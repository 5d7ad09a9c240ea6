//! Generates Rust of the IDL that the programs share with the tests.

fn main() -> Result<(), fastthrift_codegen::build::Error> {
    let build = fastthrift_codegen::Build::new().options(|options| options.services.blocking = true);
    build.compile([
        "../../conformance/conformance.thrift",
        "../../tests/faults/oracle.thrift",
        "../../tests/interop/calculator.thrift",
        "../../tests/python/store.thrift",
    ])
}
