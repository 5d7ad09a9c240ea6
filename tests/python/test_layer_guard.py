"""The layer guard finds what it is there to find, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import check_layers
import pytest
import rust_text


def metadata(dependencies: dict[str, dict[str, str | None]], members: list[str] | None = None) -> dict[str, Any]:
    """What `cargo metadata` would say of packages and their dependencies, each with its kind."""
    names = {*dependencies, *(name for uses in dependencies.values() for name in uses)}
    return {
        "packages": [{"id": f"id:{name}", "name": name} for name in sorted(names)],
        "workspace_members": [f"id:{name}" for name in (members or list(dependencies))],
        "resolve": {
            "nodes": [
                {
                    "id": f"id:{name}",
                    "deps": [
                        {"pkg": f"id:{used}", "dep_kinds": [{"kind": kind}]}
                        for used, kind in dependencies.get(name, {}).items()
                    ],
                }
                for name in sorted(names)
            ]
        },
    }


def findings(source: str, crate: str = "fastthrift-rpc", path: str = "src/lib.rs") -> list[str]:
    return list(check_layers.check_source(crate, path, source))


def test_the_table_itself_passes() -> None:
    dependencies = {name: dict.fromkeys(sorted(uses)) for name, uses in check_layers.MAY_USE.items()}
    assert list(check_layers.check_graph(metadata(dependencies))) == []


def test_every_pure_crate_has_a_row() -> None:
    assert set(check_layers.PURE) <= check_layers.MAY_USE.keys()


@pytest.mark.parametrize(
    ("crate", "used"),
    [
        ("fastthrift-schema", "fastthrift-idl"),
        ("fastthrift-protocol", "fastthrift-schema"),
        ("fastthrift-rpc", "fastthrift-dynamic"),
        ("fastthrift-idl", "fastthrift-testing"),
        ("fastthrift-testing", "fastthrift-python"),
    ],
)
@pytest.mark.parametrize("kind", [None, "build"])
def test_a_dependency_against_the_direction_is_found(crate: str, used: str, kind: str | None) -> None:
    graph = metadata({crate: {used: kind}, used: {}})
    assert f"{crate}: must not use {used}" in list(check_layers.check_graph(graph))


def test_a_dependency_for_tests_alone_is_free() -> None:
    graph = metadata({"fastthrift-schema": {"fastthrift-testing": "dev"}, "fastthrift-testing": {}})
    assert list(check_layers.check_graph(graph)) == []


def test_a_crate_without_a_row_is_found() -> None:
    assert "fastthrift-new" in "".join(check_layers.check_graph(metadata({"fastthrift-new": {}})))


def test_io_behind_another_crate_is_found() -> None:
    graph = metadata({"fastthrift-rpc": {"helper": None}, "helper": {"tokio": None}}, members=["fastthrift-rpc"])
    assert list(check_layers.check_graph(graph)) == ["fastthrift-rpc: reaches tokio, which does IO"]


def test_io_below_the_line_and_in_tests_is_free() -> None:
    graph = metadata(
        {"fastthrift-python": {"pyo3": None}, "fastthrift-rpc": {"tokio": "dev"}},
        members=["fastthrift-python", "fastthrift-rpc"],
    )
    assert list(check_layers.check_graph(graph)) == []


@pytest.mark.parametrize(
    "source",
    [
        "use std::net::TcpStream;",
        "use std::{fmt, net::{self, TcpStream}};",
        "use std::{\n    collections::HashMap,\n    fs,\n};",
        "use std as s; fn f() { s::net::TcpStream::connect(a); }",
        "use std::*;",
        "use std::time::*;",
        "use std::time; fn f() { time::Instant::now(); }",
        "use std::time::{Duration, SystemTime};",
        "fn f() { ::std::thread::spawn(g); }",
        "fn f() { std :: env :: var(name); }",
        "fn f() { std::io::stdout().write(b); }",
        "static mut COUNT: u32 = 0;",
        "static COUNT: AtomicU32 = AtomicU32::new(0);",
        "pub(crate) static TABLE: std::sync::OnceLock<Table> = OnceLock::new();",
        "thread_local! { static A: u8 = 1; }",
        'fn f() { println!("x"); }',
        "async fn f() {}",
        'extern "C" { fn abs(x: i32) -> i32; }',
        "#[cfg(not(test))]\nmod real { use std::fs; }",
        '#[cfg(any(test, feature = "x"))]\nmod both { use std::fs; }',
        "#[cfg(test)]\nmod tests { }\nuse std::fs;",
        "fn f<'a>(x: &'a str) -> char { 'a' } use std::fs;",
        'const A: &str = "\\"//"; use std::fs;',
        'const A: &str = r#"/*"#; use std::fs;',
        "/* /* nested */ */ use std::fs;",
    ],
)
def test_io_or_global_state_in_the_source_is_found(source: str) -> None:
    assert findings(source) != []


@pytest.mark.parametrize(
    "source",
    [
        "use std::time::Duration;",
        "use std::io::Write;",
        "// std::fs\n/// println!\n/* std::net /* std::fs */ std::env */",
        'const A: &str = "std::fs::read";',
        'const A: &str = r##"use std::fs; "# static mut X"##;',
        "#[cfg(test)]\nmod tests {\n    use std::fs;\n    fn f(a: [u8; 3]) { println!() }\n}",
        "#[cfg(test)]\nuse std::fs;",
        "fn f(name: &'static str) -> &'static [u8] { b\"'\" }",
        "static NAMES: &[&str] = &[];",
        "mod net; use crate::net::Frame; fn f() { net::Frame::new() }",
        "fn f() { let r#async = Keyword::Async; }",
    ],
)
def test_what_only_looks_like_io_is_free(source: str) -> None:
    assert findings(source) == []


def test_a_finding_names_its_own_line() -> None:
    source = '/* one\n two */\nconst A: &str = "\n";\nuse std::fs;\n'
    assert findings(source) == [
        "crates/fastthrift-rpc/src/lib.rs:5: names std::fs; std::fs does not belong above the line"
    ]


def test_only_the_excepted_file_may_read_files_and_nothing_more() -> None:
    assert findings("use std::fs;", "fastthrift-idl", "src/loader/fs.rs") == []
    assert findings("use std::fs;", "fastthrift-idl", "src/lexer.rs") != []
    assert findings("use std::net::TcpStream;", "fastthrift-idl", "src/loader/fs.rs") != []


@pytest.mark.parametrize(
    ("declaration", "findings"),
    [
        ('#[cfg(feature = "fs")]\npub mod fs;', 0),
        ("pub mod fs;", 1),
        ('// #[cfg(feature = "fs")]\npub mod fs;', 1),
    ],
)
@pytest.mark.parametrize("above", ["loader/mod.rs", "loader.rs"])
def test_the_excepted_file_must_be_behind_a_feature(
    tmp_path: Path, declaration: str, findings: int, above: str
) -> None:
    crate(tmp_path, {"lib.rs": "mod loader;", above: declaration, "loader/fs.rs": "use std::fs;"})
    assert len(list(check_layers.check_crate("fastthrift-idl", tmp_path))) == findings


def test_files_of_test_modules_are_free(tmp_path: Path) -> None:
    sources = {"lib.rs": "mod a;\n#[cfg(test)]\nmod tests;", "tests.rs": "use std::fs;", "tests/b.rs": "use std::fs;"}
    crate(tmp_path, {**sources, "a.rs": "#[cfg(test)]\nmod inner;", "a/inner.rs": "use std::fs;"})
    assert list(check_layers.check_crate("fastthrift-rpc", tmp_path)) == []


def test_a_crate_without_sources_is_found(tmp_path: Path) -> None:
    assert len(list(check_layers.check_crate("fastthrift-rpc", tmp_path))) == 1


def test_blanking_keeps_every_line() -> None:
    source = 'fn f() {\n /* a\n b */ let c = \'"\'; let d = r#"\n"\n"#;\n}\n#[cfg(test)]\nmod t {\n}\nfn g() {}\n'
    code = rust_text.code_only(source)
    assert code.count("\n") == source.count("\n")
    assert [rust_text.line_of(code, code.index(name)) for name in ("fn f", "let d", "fn g")] == [1, 3, 10]


def crate(folder: Path, sources: dict[str, str]) -> None:
    for name, text in sources.items():
        file = folder / "src" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
