//! What a `build.rs` calls: which files it writes, and what it refuses.

#![cfg(feature = "build")]
#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::fs;
use std::path::{Path, PathBuf};

use fastthrift_codegen::Build;

/// An empty folder with these IDL files, and a folder `out` in it.
fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("build").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("out")).unwrap();
    for (file, text) in files {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn build(folder: &Path) -> Build {
    Build::new().out_dir(folder.join("out"))
}

/// The names of what was written.
fn written(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("out")).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_is_called_as_its_idl_whatever_dots_are_in_its_name() {
    let folder =
        folder("dots", &[("a.v1.thrift", "struct A {}"), ("a.v2.thrift", "struct A {}"), ("b", "struct B {}")]);
    build(&folder).compile(["a.v1.thrift", "a.v2.thrift", "b"].map(|file| folder.join(file))).unwrap();
    assert_eq!(written(&folder), ["a.v1.rs", "a.v2.rs", "b.rs"]);
}

#[test]
fn two_files_of_one_name_are_refused_and_one_that_comes_twice_is_not() {
    let folder = folder("twice", &[("x/a.thrift", "struct A {}"), ("y/a.thrift", "struct B {}")]);
    let [x, y] = ["x/a.thrift", "y/a.thrift"].map(|file| folder.join(file));
    let error = build(&folder).compile([&x, &y]).unwrap_err().to_string();
    let text = "have the same name: compile them together, or into two folders";
    assert_eq!(error, format!("{} and {} {text}", x.display(), y.display()));
    build(&folder).compile([&x, &x]).unwrap();
    assert_eq!(written(&folder), ["a.rs"]);
}

#[test]
fn files_that_are_compiled_together_have_what_they_include_once() {
    let idl = |name: &str| format!("include \"common.thrift\"\nstruct {name} {{ 1: common.Common common }}");
    let (a, b) = (idl("A"), idl("B"));
    let folder = folder("together", &[("a.thrift", &a), ("b.thrift", &b), ("common.thrift", "struct Common {}")]);
    build(&folder).together("idl").compile(["a.thrift", "b.thrift"].map(|file| folder.join(file))).unwrap();
    assert_eq!(written(&folder), ["idl.rs"]);
    let text = fs::read_to_string(folder.join("out/idl.rs")).unwrap();
    assert_eq!(text.matches("pub struct Common {}").count(), 1, "{text}");
    assert_eq!(text.matches("pub common: super::common::Common").count(), 2, "{text}");
}

#[test]
fn wrong_idl_and_a_missing_file_are_errors_that_read_as_the_command_prints_them() {
    let folder = folder("wrong", &[("a.thrift", "struct A { 1: Missing a }\nstruct B { 1: Gone b }")]);
    let error = build(&folder).compile([folder.join("a.thrift")]).unwrap_err();
    let text = format!("{error:?}");
    assert!(text.starts_with("error[E0501]: unknown type `Missing`") && text.contains("`Gone`"), "{text}");
    assert!(build(&folder).compile([folder.join("none.thrift")]).unwrap_err().to_string().contains("none.thrift"));
    assert!(written(&folder).is_empty());
}
