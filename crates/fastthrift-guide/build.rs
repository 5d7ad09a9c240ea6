//! Generates Rust of the IDL that stands on the guide's pages, for the programs beside it.

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("there is no OUT_DIR")?);
    let build = fastthrift_codegen::Build::new().options(|options| options.services.blocking = true);
    for (page, name) in [("rust-runtime", "calculator"), ("rust-code", "user")] {
        let page = format!("../../docs/guide/{page}.md");
        println!("cargo::rerun-if-changed={page}");
        let file = out.join(name).with_extension("thrift");
        fs::write(&file, block(&fs::read_to_string(&page)?).ok_or("a page has no IDL")?)?;
        build.compile([file])?;
    }
    Ok(())
}

/// The first block of IDL on a page.
fn block(page: &str) -> Option<&str> {
    page.split_once("```thrift\n")?.1.split("```").next()
}
