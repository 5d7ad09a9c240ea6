//! The command, run as a program.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn run(arguments: &[&str], directory: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fastthrift"));
    command.args(arguments).current_dir(directory).output().expect("the command starts")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("the command prints UTF-8")
}

/// A new folder with these files.
fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    for (name, content) in files {
        let file = folder.join(name);
        std::fs::create_dir_all(file.parent().expect("a file lies in a folder")).expect("the folder is made");
        std::fs::write(file, content).expect("the file is written");
    }
    folder
}

#[test]
fn check_prints_where_a_file_is_wrong_and_says_so_by_its_exit_code() {
    let folder = folder("wrong", &[("a.thrift", "struct A {\n  1: Missing a\n}\n")]);
    let done = run(&["check", "a.thrift"], &folder);
    assert_eq!(done.status.code(), Some(1));
    assert!(text(&done.stdout).starts_with("error[E0501]: unknown type `Missing`\n --> a.thrift:2:6\n"));
    let done = run(&["check", "--format", "json", "a.thrift"], &folder);
    assert!(text(&done.stdout).starts_with("{\"code\": \"E0501\", \"name\": \"unknown-type\", "));
}

#[test]
fn check_finds_included_files_in_the_directories_that_it_is_given() {
    let files = [("a.thrift", "include 'b.thrift'\nstruct A { 1: b.B b }"), ("lib/b.thrift", "struct B {}")];
    let folder = folder("included", &files);
    assert_eq!(run(&["check", "a.thrift"], &folder).status.code(), Some(1));
    let done = run(&["check", "-I", "lib", "a.thrift"], &folder);
    assert_eq!((done.status.code(), text(&done.stdout)), (Some(0), ""));
}

#[test]
fn check_says_with_another_exit_code_that_a_file_cannot_be_read_or_an_option_not_be() {
    let folder = folder("missing", &[("a.thrift", "")]);
    let done = run(&["check", "none.thrift"], &folder);
    assert_eq!((done.status.code(), text(&done.stdout)), (Some(2), "error: cannot read none.thrift: no such file\n"));
    assert_eq!(run(&["check", "--colour", "a.thrift"], &folder).status.code(), Some(2));
}

#[test]
fn both_commands_say_in_the_same_words_that_a_file_cannot_be_read() {
    let folder = folder("unreadable", &[("sub/a.thrift", "")]);
    let says = |file: &str, reason: &str| {
        let generated = run(&["gen", "python", file, "-o", "out"], &folder);
        let checked = run(&["check", file], &folder);
        assert_eq!((generated.status.code(), checked.status.code()), (Some(2), Some(2)));
        let (generated, checked) = (text(&generated.stderr), text(&checked.stdout));
        assert_eq!(generated, checked);
        assert!(checked.starts_with(&format!("error: cannot read {file}: {reason}")), "{checked}");
    };
    says("none.thrift", "no such file\n");
    says("sub", "it is a directory\n");
    #[cfg(target_os = "linux")]
    {
        std::os::unix::fs::symlink("loop.thrift", folder.join("loop.thrift")).expect("a link is made");
        says("loop.thrift", "Too many levels of symbolic links");
        std::os::unix::fs::symlink("gone.thrift", folder.join("link.thrift")).expect("a link is made");
        says("link.thrift", "no such file\n");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_printed_is_an_error_and_the_exit_code_tells_of_it() {
    let folder = folder("full", &[("a.thrift", "struct A { 1: Missing a }")]);
    let full = || Stdio::from(std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it"));
    let command = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fastthrift"));
        command.args(arguments).current_dir(&folder).stdout(full());
        command
    };
    let done = command(&["check", "a.thrift"]).output().expect("the command starts");
    assert_eq!(done.status.code(), Some(2));
    assert!(text(&done.stderr).starts_with("fastthrift: cannot write what was found: "), "{}", text(&done.stderr));
    let generate = ["gen", "python", "a.thrift", "-o", "out"];
    let done = command(&generate).stderr(full()).status().expect("the command starts");
    assert_eq!(done.code(), Some(1));
}

#[test]
fn a_package_that_python_cannot_import_is_refused() {
    let folder = folder("package", &[("a.thrift", "struct A {}")]);
    let done = run(&["gen", "python", "a.thrift", "-o", "out", "--package", "class.x"], &folder);
    assert_eq!(done.status.code(), Some(2));
    let reason = "\"class\" in \"class.x\" cannot name a package, since it is a keyword of Python";
    assert!(text(&done.stderr).contains(reason), "{}", text(&done.stderr));
    assert!(!folder.join("out").exists());
}

#[test]
fn rust_is_generated_as_the_options_say() {
    let files = [("a.thrift", "namespace rs a.b\nstruct A { 1: map<string, i32> m, 2: set<i32> s }\nservice S {}")];
    let folder = folder("rust", &files);
    let settings = "--layout file --maps hash --sets list --texts shared --unmarked option --newtypes all \
                    --keep-unknown-fields --keep-unknown-members --no-servers --no-clients --derive x::Y --runtime crate::r";
    let all: Vec<&str> = ["gen", "rust", "a.thrift", "-o", "out"].into_iter().chain(settings.split(' ')).collect();
    let done = run(&all, &folder);
    assert_eq!((done.status.code(), text(&done.stderr)), (Some(0), ""));
    let code = std::fs::read_to_string(folder.join("out/a.rs")).expect("one file is written");
    for part in ["HashMap<crate::r::Text, i32>", "VecSet<i32>", "x::Y", "unknown"] {
        assert!(code.contains(part), "{part} is not in {code}");
    }
    assert!(!code.contains("Server") && !code.contains("SClient"), "{code}");
    let done = run(&["gen", "rust", "a.thrift", "-o", "out", "--texts", "lent"], &folder);
    assert_eq!(done.status.code(), Some(2));
    assert_eq!(text(&done.stderr), "fastthrift: texts is \"lent\", expected owned, shared, borrowed\n");
}
