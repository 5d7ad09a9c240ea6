//! Generates Rust of the cases of `fastthrift-codegen`, and of the folder of real IDL if it is there: for each of its directories one
//! module, and one table of how its structs are read and written again.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use fastthrift_codegen::Build;
use fastthrift_codegen::rust::{self, Maps, Newtypes, Options, Services, Sets, Texts, Unmarked};
use fastthrift_idl::fs::FileLoader;
use fastthrift_schema::{Schema, StructId};

/// Sets options.
type Change = fn(&mut Options);
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("there is no OUT_DIR")?);
    cases(&out)?;
    println!("cargo::rerun-if-env-changed=FASTTHRIFT_SHARED");
    let beside = || Path::new("../../../shared").to_path_buf();
    let shared = env::var_os("FASTTHRIFT_SHARED").map_or_else(beside, PathBuf::from).join("idl");
    println!("cargo::rerun-if-changed={}", shared.display());
    let mut directories = BTreeMap::new();
    // A fuzzer is built by itself, and needs the cases alone.
    if shared.is_dir() && env::var_os("CARGO_CFG_FUZZING").is_none() {
        find(&shared, &mut directories)?;
    }
    real(&out, &shared, &directories)
}

/// The cases, with the defaults and with every option that is another.
fn cases(out: &Path) -> Outcome<()> {
    let folder = Path::new("../fastthrift-codegen/tests/rust");
    let file = |name: &str| folder.join(name).with_extension("thrift");
    let all = ["types", "names", "chosen", "constants", "docs", "services", "modules", "wide"].map(file);
    Build::new().options(|options| options.services.blocking = true).compile(&all)?;
    let variants: [(&str, Change); 3] = [("hashed", hashed), ("borrowed", borrowed), ("bare", bare)];
    for (name, change) in variants {
        let directory = out.join(name);
        fs::create_dir_all(&directory)?;
        Build::new().options(change).out_dir(directory).compile(&all)?;
    }
    Ok(())
}

fn hashed(options: &mut Options) {
    options.maps = Maps::Hash;
    options.sets = Sets::Hash;
    options.texts = Texts::Shared;
    options.unmarked = Unmarked::Option;
    options.newtypes = Newtypes::All;
    options.keep_unknown_fields = true;
    options.keep_unknown_members = true;
}

fn borrowed(options: &mut Options) {
    options.maps = Maps::Pairs;
    options.sets = Sets::List;
    options.texts = Texts::Borrowed;
}

fn bare(options: &mut Options) {
    options.no_std = true;
    options.services = Services::NONE;
    options.keep_unknown_members = true;
}

/// The IDL files of each directory that has any.
fn find(directory: &Path, found: &mut BTreeMap<PathBuf, Vec<PathBuf>>) -> Outcome<()> {
    let mut entries: Vec<PathBuf> = fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<Outcome<_>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            find(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "thrift") {
            found.entry(directory.to_path_buf()).or_default().push(fs::canonicalize(path)?);
        }
    }
    Ok(())
}

/// Writes `real.rs`, which has a module for each directory, and the table of all their structs.
fn real(out: &Path, shared: &Path, directories: &BTreeMap<PathBuf, Vec<PathBuf>>) -> Outcome<()> {
    let (mut modules, mut table) = (String::new(), String::new());
    for (place, (directory, files)) in directories.iter().enumerate() {
        let module = format!("directory{place}");
        let root = out.join(&module).with_extension("thrift");
        let includes: String = files.iter().map(|file| format!("include \"{}\"\n", file.display())).collect();
        fs::write(&root, includes)?;
        Build::new().compile([&root])?;
        writeln!(modules, "pub mod {module} {{\n    include!(concat!(env!(\"OUT_DIR\"), \"/{module}.rs\"));\n}}")?;
        let compiled = fastthrift_idl::compile(&FileLoader::default(), &root, &fastthrift_idl::Options::default());
        let schema = compiled.map_err(|failure| failure.to_string())?.schema;
        let folder = directory.strip_prefix(shared)?.display().to_string();
        for (id, path) in rust::struct_paths(&schema, &Options::default()) {
            let file = format!("{folder}/{}", file_of(&schema, id));
            let name = &schema.structure(id).name;
            writeln!(
                table,
                "    ({file:?}, {name:?}, fastthrift_generated::round_trip::<fastthrift_generated::real::{module}::{path}>),"
            )?;
        }
    }
    fs::write(out.join("real.rs"), modules)?;
    fs::write(out.join("table.rs"), format!("&[\n{table}]\n"))?;
    Ok(())
}

/// The name of the file that declares a struct.
fn file_of(schema: &Schema, id: StructId) -> String {
    format!("{}.thrift", schema.program(schema.structure(id).program).name)
}
