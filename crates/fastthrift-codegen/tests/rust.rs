//! The Rust of small IDL files, beside which it is kept. `UPDATE=1 cargo test -p fastthrift-codegen --test rust` writes it anew; what
//! changed is then there to be looked at.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use fastthrift_codegen::Files;
use fastthrift_codegen::rust::{self, Maps, Newtypes, Options, Services, Sets, Texts, Unmarked};
use fastthrift_idl::fs::FileLoader;
use fastthrift_schema::Schema;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rust")
}

fn schema(file: &str) -> Arc<Schema> {
    let path = folder().join(file);
    fastthrift_idl::compile(&FileLoader::default(), path, &fastthrift_idl::Options::default()).unwrap().schema
}

fn generated(file: &str, options: &Options) -> String {
    rust::generate_file(&schema(file), options)
}

fn tree(file: &str) -> Files {
    rust::generate(&schema(file), &Options::default())
}

/// Compares with what is kept under this name, or keeps it.
fn check(name: &str, text: &str) {
    let path = folder().join(name);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, text).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap();
    let differs = text.lines().zip(kept.lines()).find(|(new, kept)| new != kept);
    assert!(kept == text, "{name} is not what is generated now (UPDATE=1 writes it); first difference: {differs:?}");
}

fn check_default(case: &str) {
    check(&format!("{case}.rs"), &generated(&format!("{case}.thrift"), &Options::default()));
}

#[test]
fn every_kind_of_type_is_generated() {
    check_default("types");
}

#[test]
fn names_are_made_writable_and_distinct() {
    check_default("names");
}

#[test]
fn names_that_the_idl_chooses_are_kept() {
    check_default("chosen");
}

#[test]
fn modules_have_names_by_which_rust_finds_them() {
    check_default("modules");
    let names: Vec<String> = tree("modules.thrift").into_iter().map(|(name, _)| name).collect();
    let expected = [
        "a.rs",
        "a/i32_.rs",
        "a/mod_.rs",
        "a/p_.rs",
        "mod.rs",
        "self_.rs",
        "self_/super_.rs",
        "self_/super_/crate_.rs",
        "self_/super_/crate_/lib.rs",
        "self_/super_/crate_/lib/main.rs",
        "self_/super_/crate_/lib/main/build.rs",
        "self_/super_/crate_/lib/main/build/type.rs",
    ];
    assert_eq!(names, expected);
}

#[test]
fn constants_and_defaults_are_expressions() {
    check_default("constants");
}

#[test]
fn what_is_too_wide_is_broken() {
    check_default("wide");
}

#[test]
fn documentation_is_carried_over() {
    check_default("docs");
}

#[test]
fn services_have_handlers_servers_and_clients() {
    check_default("services");
}

#[test]
fn clients_that_block_need_nothing_else_of_services() {
    let text = generated("blocking.thrift", &with(|options| options.services = Services::BLOCKING));
    assert!(!text.contains("async") && !text.contains("Server"), "{text}");
    check("blocking.rs", &text);
}

#[test]
fn the_examples_of_the_runtime_have_what_is_generated_now() {
    let examples = [("library/library", "library"), ("readme/calculator", "readme"), ("rust/calculator", "calculator")];
    for (file, name) in examples {
        let text = generated(&format!("../../../../examples/{file}.thrift"), &Options::default());
        check(&format!("../../../fastthrift/examples/idl/{name}.rs"), &text);
    }
}

fn with(change: impl FnOnce(&mut Options)) -> Options {
    let mut options = Options::default();
    change(&mut options);
    options
}

#[test]
fn options_choose_collections_and_what_is_kept() {
    let options = with(|options| {
        options.maps = Maps::Hash;
        options.sets = Sets::Hash;
        options.texts = Texts::Shared;
        options.unmarked = Unmarked::Option;
        options.newtypes = Newtypes::All;
        options.keep_unknown_fields = true;
        options.keep_unknown_members = true;
    });
    check("types_hashed.rs", &generated("types.thrift", &options));
}

#[test]
fn options_borrow_from_the_input_and_do_without_std() {
    let options = with(|options| {
        options.maps = Maps::Pairs;
        options.sets = Sets::List;
        options.texts = Texts::Borrowed;
        options.no_std = true;
    });
    check("types_borrowed.rs", &generated("types.thrift", &options));
}

#[test]
fn every_type_derives_what_the_options_ask_for() {
    for file in ["types.thrift", "names.thrift"] {
        let text = generated(file, &with(|options| options.derives = ["a::Trait".to_owned()].into()));
        // But for the errors of functions, which are of the runtime.
        let own = text.matches("#[derive(").count() - text.matches("#[derive(Debug, Clone)]\n").count();
        assert_eq!(text.matches("a::Trait").count(), own, "{text}");
    }
}

#[test]
fn a_tree_of_modules_has_a_file_for_each() {
    let files = tree("types.thrift");
    let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["mod.rs", "shapes.rs", "shapes/types.rs"]);
    assert!(files.text("mod.rs").unwrap().contains("\npub mod shapes;\n"));
    assert!(files.text("shapes/types.rs").unwrap().contains("\npub struct Empty {}\n"));
}

#[test]
fn rustfmt_leaves_everything_as_it_is() {
    check_format(&folder());
}

#[test]
fn rustfmt_leaves_everything_as_it_is_with_options_that_few_have() {
    let folder = empty_folder("options");
    for (number, options) in unusual().iter().enumerate() {
        for file in ["types", "names", "chosen", "constants", "docs", "services", "modules", "wide"] {
            let schema = schema(&format!("{file}.thrift"));
            fs::write(folder.join(format!("{file}_{number}.rs")), rust::generate_file(&schema, options)).unwrap();
            let tree = folder.join(format!("{file}_{number}"));
            for (name, text) in &rust::generate(&schema, options) {
                let path = tree.join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
        }
    }
    check_format(&folder);
}

#[test]
fn rustfmt_leaves_the_code_of_real_idl_as_it_is() {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("FASTTHRIFT_SHARED").map_or_else(beside, PathBuf::from).join("idl");
    if !shared.is_dir() {
        return println!("skipped: there is no real IDL beside the checkout");
    }
    let roots = [
        "cassandra/cassandra.thrift",
        "hbase-thrift1-happybase/Hbase.thrift",
        "impala/CatalogService.thrift",
        "impala/ImpalaInternalService.thrift",
        "impala/ImpalaService.thrift",
        "impala/StatestoreService.thrift",
        "jaeger/agent.thrift",
        "parquet/src/main/thrift/parquet.thrift",
        "storm/storm.thrift",
    ];
    let mut variants = unusual().to_vec();
    variants[0] = Options::default();
    let written = empty_folder("real");
    for root in roots {
        let root = shared.join(root);
        let loader = FileLoader::new([root.parent().unwrap()]);
        let compiled = fastthrift_idl::compile(&loader, &root, &fastthrift_idl::Options::default()).unwrap();
        for (number, options) in variants.iter().enumerate() {
            let name = format!("{}_{number}.rs", root.file_stem().unwrap().display());
            fs::write(written.join(name), rust::generate_file(&compiled.schema, options)).unwrap();
        }
    }
    check_format(&written);
}

/// Options that together are all but the defaults.
fn unusual() -> [Options; 3] {
    let bare = with(|options| {
        (options.maps, options.no_std, options.services) = (Maps::Pairs, true, Services::NONE);
    });
    let hashed = with(|options| {
        (options.texts, options.maps, options.sets) = (Texts::Shared, Maps::Hash, Sets::Hash);
        options.derives = ["serde::Deserialize", "serde::Serialize"].map(str::to_owned).into();
    });
    let borrowed = with(|options| {
        (options.texts, options.maps, options.sets) = (Texts::Borrowed, Maps::Pairs, Sets::List);
        options.services.blocking = true;
    });
    [bare, hashed, borrowed]
}

/// A folder for generated code, which is checked without the settings of this repository.
fn empty_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("rustfmt.toml"), "").unwrap();
    folder
}

/// Checks the files of a folder, and the trees in it.
fn check_format(folder: &Path) {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.map(|path| if path.is_dir() { path.join("mod.rs") } else { path });
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "rs") && path.exists());
    let Ok(done) = Command::new("rustfmt").args(["--check", "--edition", "2024"]).args(files).output() else {
        return println!("skipped: there is no rustfmt");
    };
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}

#[test]
fn the_same_text_comes_on_every_run() {
    let run = || generated("types.thrift", &Options::default());
    assert_eq!(run(), run());
}
