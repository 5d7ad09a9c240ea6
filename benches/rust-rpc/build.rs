//! Generates volo's side of the echo service.

fn main() {
    println!("cargo::rerun-if-changed=echo.thrift");
    volo_build::Builder::thrift().add_service("echo.thrift").write().expect("the generated code can be written");
}
