"""``fastthrift check`` prints findings and says by its exit code how grave they are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import fastthrift
import pytest


def run(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fastthrift", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True, encoding="utf-8", timeout=50)


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    (tmp_path / "a.thrift").write_text("struct A {\n  1: Missing ä\n}\nstruct B { i32 b }\n", "utf-8")
    return tmp_path


def test_the_text_is_the_report_of_the_loader(wrong: Path) -> None:
    done = run("check", "a.thrift", cwd=wrong)
    findings = fastthrift.check(wrong / "a.thrift")
    assert done.returncode == 1
    shown = done.stdout.replace("a.thrift", str(wrong / "a.thrift"))
    assert shown.startswith("\n".join(finding.text for finding in findings))
    assert shown.splitlines()[-1].endswith("error, 1 warning")


def test_json_has_one_object_a_line_with_the_attributes_of_a_diagnostic(wrong: Path) -> None:
    done = run("check", "--format=json", "a.thrift", cwd=wrong)
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    for found, finding in zip(objects, fastthrift.check(wrong / "a.thrift"), strict=True):
        found["filename"] = str(wrong / found["filename"])
        places = [(str(wrong / place["filename"]), *list(place.values())[1:]) for place in found.pop("related")]
        assert places == list(finding.related)
        assert found == {name: getattr(finding, name) for name in found}


def test_files_without_errors_give_the_exit_code_0_and_warnings_are_none(tmp_path: Path) -> None:
    (tmp_path / "a.thrift").write_text("include 'b.thrift'\nstruct A { 1: b.B b }")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "b.thrift").write_text("struct B { i32 b }")
    done = run("check", "-I", "lib", "a.thrift", "lib/b.thrift", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.count("W0701") == 1
    assert done.stdout.endswith("\n1 warning\n")


@pytest.mark.parametrize("arguments", [("none.thrift",), ("--format=xml", "a.thrift"), ()])
def test_what_cannot_be_read_or_asked_gives_the_exit_code_2(arguments: tuple[str, ...], wrong: Path) -> None:
    assert run("check", *arguments, cwd=wrong).returncode == 2


@pytest.mark.parametrize(("file", "why"), [("none.thrift", "no such file"), ("sub", "it is a directory")])
def test_both_commands_say_in_the_same_words_that_a_file_cannot_be_read(file: str, why: str, wrong: Path) -> None:
    (wrong / "sub").mkdir()
    generated = run("gen", "python", file, "-o", "out", cwd=wrong)
    checked = run("check", file, cwd=wrong)
    assert (generated.returncode, checked.returncode) == (2, 2)
    assert generated.stderr == checked.stdout == f"error: cannot read {file}: {why}\n"


def test_the_command_says_its_version(tmp_path: Path) -> None:
    done = run("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout.partition(" ")[0], done.stderr) == (0, "fastthrift", "")


def into(output: str, *arguments: str | Path, cwd: Path) -> tuple[int, str]:
    """Run the command with its standard output going to a file or, where that is "|", to a reader that is gone."""
    command = [sys.executable, "-m", "fastthrift", *map(str, arguments)]
    if output == "|":
        reader, writer = os.pipe()
        os.close(reader)
    else:
        writer = os.open(output, os.O_WRONLY)
    try:
        done = subprocess.run(
            command, cwd=cwd, check=False, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=50
        )
    finally:
        os.close(writer)
    return done.returncode, done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_findings_that_cannot_be_written_are_an_error_and_no_traceback(wrong: Path) -> None:
    code, text = into("/dev/full", "check", "a.thrift", cwd=wrong)
    assert (code, text) == (2, "fastthrift: cannot write what was found: [Errno 28] No space left on device\n")


def test_the_exit_code_tells_of_errors_to_a_reader_that_is_gone(wrong: Path) -> None:
    assert into("|", "check", "a.thrift", cwd=wrong) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
@pytest.mark.parametrize(("file", "code"), [("a.thrift", 1), ("none.thrift", 2)])
def test_generating_says_by_its_exit_code_what_it_cannot_say_in_words(file: str, code: int, wrong: Path) -> None:
    command = [sys.executable, "-m", "fastthrift", "gen", "python", file, "-o", "out"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, cwd=wrong, check=False, stderr=full, stdout=subprocess.PIPE, timeout=50)
    assert (done.returncode, done.stdout) == (code, b"")
