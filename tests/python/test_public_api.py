"""The guard of the crates' public interfaces sees what their users would."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import public_api
import pytest
from rustdoc_text import FORMAT

Interface = Callable[[str], list[str]]

BEFORE = """
#![allow(missing_docs)]
pub struct Point { pub x: i32, y: i32 }
impl Point {
    pub const fn new(x: i32) -> Self { Self { x, y: 0 } }
    pub fn each<'a, T>(&'a self, f: impl Fn(&T) -> u8) -> Option<Box<dyn Iterator<Item = u8> + 'a>>
        where T: 'a { let _ = f; None }
}
#[derive(Clone)]
#[non_exhaustive]
pub enum Shape { Dot, Line(Vec<[u8; 4]>), Box { width: f64 } }
pub trait Draw: Send { const COUNT: usize; type Ink: Default; fn draw(&mut self, ink: Self::Ink); fn done(&self) {} }
impl Draw for u8 { const COUNT: usize = 1; type Ink = (); fn draw(&mut self, (): ()) {} }
mod hidden { pub fn found() {} pub fn lost() {} pub struct Inside(pub u8, std::rc::Rc<()>); }
pub use hidden::{Inside, found};
"""


@pytest.fixture
def interface(tmp_path: Path) -> Interface:
    """What makes the lines of a crate's text."""

    def lines(text: str) -> list[str]:
        (tmp_path / "shapes.rs").write_text(text)
        command = ["rustdoc", "--edition=2024", "-Zunstable-options", "--output-format=json", "shapes.rs", "-o", "out"]
        subprocess.run(command, cwd=tmp_path, check=True, env={**os.environ, "RUSTC_BOOTSTRAP": "1"})
        crate = json.loads((tmp_path / "out" / "shapes.json").read_text())
        if crate["format_version"] != FORMAT:
            pytest.skip(f"this rustdoc writes format {crate['format_version']}")
        return public_api.interface(crate)

    return lines


def test_an_interface_has_all_that_a_user_can_name_and_nothing_else(interface: Interface) -> None:
    assert interface(BEFORE) == [
        "#[non_exhaustive] enum shapes::Shape",
        "const fn shapes::Point::new(x: i32) -> Self",
        "const shapes::Draw::COUNT: usize",
        "field shapes::Inside::0: u8",
        "field shapes::Point::x: i32",
        "field shapes::Shape::Box::width: f64",
        "fn shapes::Draw::done(&self) { .. }",
        "fn shapes::Draw::draw(&mut self, ink: Self::Ink)",
        "fn shapes::Point::each<'a, T>(self: &'a Self, f: impl Fn(&T) -> u8) -> "
        "Option<Box<dyn Iterator<Item = u8> + 'a>> where T: 'a",
        "fn shapes::found()",
        "impl Clone for shapes::Shape",
        "impl Send for shapes::Point",
        "impl Send for shapes::Shape",
        "impl Sync for shapes::Point",
        "impl Sync for shapes::Shape",
        "impl shapes::Draw for u8",
        "struct shapes::Inside (..)",
        "struct shapes::Point { .. }",
        "trait shapes::Draw: Send",
        "type shapes::Draw::Ink: Default",
        "variant shapes::Shape::Box { .. }",
        "variant shapes::Shape::Dot",
        "variant shapes::Shape::Line(Vec<[u8; 4]>)",
    ]


@pytest.mark.parametrize(
    ("old", "new", "gone", "came"),
    [
        ("pub use hidden::{Inside, found};", "pub use hidden::Inside;", ["fn shapes::found()"], []),
        (
            "pub const fn new(x: i32)",
            "pub const fn new(x: i64)",
            ["const fn shapes::Point::new(x: i32) -> Self"],
            ["const fn shapes::Point::new(x: i64) -> Self"],
        ),
        ("#[derive(Clone)]", "", ["impl Clone for shapes::Shape"], []),
        (
            "y: i32 }",
            "y: std::rc::Rc<()> }",
            ["impl Send for shapes::Point", "impl Sync for shapes::Point"],
            [],
        ),
        ("pub fn lost() {}", "pub fn lost() {} pub fn other() {}", [], []),
    ],
    ids=["removed", "changed", "no longer cloned", "no longer sent", "private"],
)
def test_a_change_that_users_feel_is_a_difference(
    interface: Interface, old: str, new: str, gone: list[str], came: list[str]
) -> None:
    after = BEFORE.replace(old, new).replace("Self { x, y: 0 }", "todo!()")
    assert after != BEFORE
    assert public_api.differences(interface(BEFORE), interface(after)) == (gone, came)


@pytest.mark.parametrize(
    ("old", "new", "may"),
    [
        ("0.1.0", "0.1.1", False),
        ("0.1.4", "0.2.0", True),
        ("0.9.0", "1.0.0", True),
        ("1.2.0", "1.3.0", False),
        ("1.2.0", "2.0.0", True),
    ],
)
def test_a_version_says_whether_users_may_have_to_change(old: str, new: str, may: bool) -> None:
    assert public_api.may_break(old, new) is may


def test_the_interface_of_each_crate_is_kept() -> None:
    kept = {file.stem for file in (public_api.ROOT / public_api.KEPT).glob("*.txt")}
    assert kept == set(public_api.CRATES)
