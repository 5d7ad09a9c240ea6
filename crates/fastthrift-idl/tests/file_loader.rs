//! Files on disk: where includes are searched, and what is said about files that cannot be read.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use fastthrift_idl::fs::FileLoader;
use fastthrift_idl::{Code, Failure, MemoryLoader, Options, Outcome, compile};

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let root = std::env::temp_dir().join(format!("fastthrift-idl-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        for (file, text) in files {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(root)
    }

    fn compile(&self, root: &str, include_dirs: &[&str]) -> Result<Outcome, Failure> {
        let loader = FileLoader::new(include_dirs.iter().map(|directory| self.0.join(directory)));
        compile(&loader, self.0.join(root), &Options::default())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn codes(result: Result<Outcome, Failure>) -> Vec<Code> {
    match result.unwrap_err() {
        Failure::Invalid(report) => report.errors().map(|error| error.code).collect(),
        failure => panic!("{failure}"),
    }
}

#[test]
fn the_including_file_s_folder_comes_before_include_directories() {
    let folder = Folder::new(
        "order",
        &[
            ("a/main.thrift", "include 'x.thrift'\ninclude 'sub/y.thrift'\nstruct M { 1: x.Beside x, 2: y.Second y }"),
            ("a/x.thrift", "struct Beside {}"),
            ("one/x.thrift", "struct First {}"),
            ("two/sub/y.thrift", "include 'z.thrift'\nstruct Second { 1: z.Z z }"),
            ("two/sub/z.thrift", "struct Z {}"),
        ],
    );
    let outcome = folder.compile("a/main.thrift", &["one", "two"]).unwrap();
    let names: Vec<_> = outcome.schema.programs().iter().map(|program| program.name.to_string()).collect();
    assert_eq!(names, ["main", "x", "y", "z"]);
}

#[test]
fn an_absolute_path_is_taken_as_it_is() {
    let folder = Folder::new("absolute", &[("b.thrift", "struct B {}")]);
    let text = format!("include '{}'\nstruct A {{ 1: b.B b }}", folder.0.join("b.thrift").display());
    fs::create_dir_all(folder.0.join("a")).unwrap();
    fs::write(folder.0.join("a/main.thrift"), text).unwrap();
    assert!(folder.compile("a/main.thrift", &[]).is_ok());
}

#[test]
fn two_paths_to_a_file_are_one_file() {
    let folder = Folder::new(
        "identity",
        &[
            ("main.thrift", "include 'x/b.thrift'\ninclude 'y/../x/b.thrift'\nstruct A { 1: b.B b }"),
            ("x/b.thrift", "struct B {}"),
            ("y/c.thrift", "struct C {}"),
        ],
    );
    let outcome = folder.compile("main.thrift", &[]).unwrap();
    assert_eq!(outcome.schema.programs().len(), 2);
    assert_eq!(outcome.warnings.iter().map(|warning| warning.code).collect::<Vec<_>>(), [Code::DuplicateInclude]);
}

#[test]
fn a_folder_as_include_is_an_error_of_its_own() {
    let folder = Folder::new("folder", &[("main.thrift", "include 'sub'"), ("sub/x.thrift", "")]);
    assert_eq!(codes(folder.compile("main.thrift", &[])), [Code::UnreadableInclude]);
}

#[cfg(unix)]
#[test]
fn links_that_lead_in_a_circle_are_unreadable_and_not_missing() {
    let folder = Folder::new("circle", &[("main.thrift", "include 'circle.thrift'")]);
    std::os::unix::fs::symlink("circle.thrift", folder.0.join("circle.thrift")).unwrap();
    assert_eq!(codes(folder.compile("main.thrift", &[])), [Code::UnreadableInclude]);
    let root = folder.compile("circle.thrift", &[]).unwrap_err();
    assert!(matches!(&root, Failure::RootUnreadable { .. }), "{root}");
}

#[test]
fn a_missing_root_and_a_folder_as_root_are_told_apart() {
    let folder = Folder::new("root", &[("sub/x.thrift", "")]);
    let missing = folder.compile("no.thrift", &[]).unwrap_err();
    assert!(matches!(&missing, Failure::RootNotFound { path, .. } if path.ends_with("no.thrift")));
    let unreadable = folder.compile("sub", &[]).unwrap_err();
    assert!(matches!(&unreadable, Failure::RootUnreadable { path, .. } if path.ends_with(Path::new("sub"))));
}

#[test]
fn a_missing_include_names_each_place_once() {
    let folder = Folder::new("twice", &[("main.thrift", "include \"none.thrift\"")]);
    let Failure::Invalid(report) = folder.compile("main.thrift", &["inc", "inc", ""]).unwrap_err() else { panic!() };
    let hint = report.errors().next().unwrap().hint.clone().unwrap();
    assert_eq!(hint.matches("inc/none.thrift").count(), 1, "{hint}");
}

#[test]
fn a_file_in_another_encoding_is_one_error_that_names_it() {
    let text = "struct S { 1: i32 x }";
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let wide: Vec<u8> = text.chars().flat_map(|character| u32::from(character).to_le_bytes()).collect();
    let marked = |mark: &[u8], content: &[u8]| [mark, content].concat();
    for (content, encoding) in [
        (marked(b"\xFF\xFE", &little), "UTF-16"),
        (marked(b"\xFE\xFF", &big), "UTF-16"),
        (marked(b"\xFF\xFE\0\0", &wide), "UTF-32"),
        (little, "UTF-16"),
        (big, "UTF-16"),
    ] {
        let loader = MemoryLoader::new().with_file("main.thrift", content);
        let Failure::Invalid(report) = compile(&loader, "main.thrift", &Options::default()).unwrap_err() else {
            panic!()
        };
        let errors: Vec<_> = report.errors().map(|error| (error.code, error.message.as_str())).collect();
        assert_eq!(errors, [(Code::InvalidUtf8, &*format!("the file is not UTF-8 but {encoding}"))]);
    }
}
