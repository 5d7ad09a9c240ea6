//! Generates the echo service by each library's own generator.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const IDL: &str = "echo.thrift";

fn main() {
    println!("cargo::rerun-if-changed={IDL}");
    fastthrift_codegen::compile([IDL]).expect("the IDL is sound");
    volo_build::Builder::thrift().add_service(IDL).write().expect("the generated code can be written");
    apache(&PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")));
    grpc();
}

/// Runs Apache's compiler, and takes the attributes of a crate off what it writes, which is included in a module here.
fn apache(out: &Path) {
    let folder = out.join("apache");
    fs::create_dir_all(&folder).expect("the folder is cargo's");
    let status = Command::new("thrift").args(["--gen", "rs", "-out"]).arg(&folder).arg(IDL).status();
    assert!(status.is_ok_and(|status| status.success()), "the thrift compiler must be installed: conformance/install");
    let text = fs::read_to_string(folder.join("echo.rs")).expect("the compiler wrote it");
    let kept: Vec<_> =
        text.lines().filter(|line| !line.starts_with("#![") && !line.starts_with("extern crate")).collect();
    fs::write(out.join("apache.rs"), kept.join("\n")).expect("the folder is cargo's");
}

/// Describes the service to tonic; its message is written by hand, which needs no compiler of Protocol Buffers.
fn grpc() {
    let echo = tonic_build::manual::Method::builder()
        .name("echo")
        .route_name("Echo")
        .input_type("crate::tonic_peer::Message")
        .output_type("crate::tonic_peer::Message")
        .codec_path("tonic_prost::ProstCodec")
        .build();
    let service = tonic_build::manual::Service::builder().name("Echo").package("echo").method(echo).build();
    tonic_build::manual::Builder::new().compile(&[service]);
}
