"""What the conformance suite makes of its outcomes: known failures are named, and only those."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance import known, report
from conformance.cells import Cell, Speech, all_speeches
from conformance.known import Entry
from conformance.libraries import OURS
from conformance.report import Verdict
from conformance.suite import Outcome, can_speak, jobs

BINARY = Cell("go", "fastthrift", Speech("tcp", "framed", "binary"))
JSON = Cell("go", "fastthrift", Speech("tcp", "framed", "json"))


def entries(tmp_path: Path, *lines: str) -> list[Entry]:
    file = tmp_path / "known.txt"
    file.write_text("# a comment\n\n" + "\n".join(lines))
    return known.read(file)


def judged(tmp_path: Path, *lines: str, is_whole: bool = True) -> Verdict:
    outcomes = [Outcome(BINARY, {"void": None, "nul": None}), Outcome(JSON, {"void": None, "nul": "came 'ab'"})]
    return report.judge(outcomes, entries(tmp_path, *lines), is_whole=is_whole)


def test_a_failure_that_is_not_known_is_an_error(tmp_path: Path) -> None:
    verdict = judged(tmp_path)
    assert verdict.errors == ["FAIL go fastthrift tcp framed json: nul: came 'ab'"]
    assert verdict.signs == {BINARY: "+", JSON: "F"}


def test_a_failure_that_is_known_is_none(tmp_path: Path) -> None:
    verdict = judged(tmp_path, "go,cpp fast* tcp,unix * json nul | drops it")
    assert verdict == Verdict({BINARY: "+", JSON: "k"}, [], 1)


def test_a_success_that_is_known_as_a_failure_is_an_error(tmp_path: Path) -> None:
    verdict = judged(tmp_path, "go * * * * nul | drops it")
    assert len(verdict.errors) == 1
    assert verdict.errors[0].startswith("PASS go fastthrift tcp framed binary: nul passes")
    assert verdict.signs == {BINARY: "U", JSON: "k"}


def test_what_fails_at_times_is_no_error_either_way(tmp_path: Path) -> None:
    assert judged(tmp_path, "go * * * * ~nul | drops it at times") == Verdict({BINARY: "+", JSON: "k"}, [], 1)


def test_a_cell_of_which_all_fails_alike_is_told_once() -> None:
    verdict = report.judge([Outcome(JSON, {"void": "no server", "nul": "no server"})], [], is_whole=False)
    assert verdict == Verdict({JSON: "F"}, ["FAIL go fastthrift tcp framed json: each check: no server"], 0)


def test_a_line_that_names_nothing_is_an_error_of_a_whole_run_alone(tmp_path: Path) -> None:
    lines = ["go * * * json nul | drops it", "java * * * * void | never run"]
    assert judged(tmp_path, *lines).errors == ["STALE known_failures.txt:4 names nothing"]
    assert judged(tmp_path, *lines, is_whole=False).errors == []


@pytest.mark.parametrize("line", ["go * * * json nul", "go * * json nul | reason", "go * * * json nul | "])
def test_a_line_without_six_patterns_and_a_reason_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(ValueError, match=r"known_failures.txt:3: expected six patterns"):
        entries(tmp_path, line)


def test_the_table_has_a_sign_for_each_cell(tmp_path: Path) -> None:
    rows = [line.split() for line in report.table(judged(tmp_path).signs)]
    assert rows[2] == ["go", "fastthrift", "tcp", "+", ".", "F"] + 12 * ["."]


def test_a_server_of_ours_that_asks_who_calls_serves_no_other_transport() -> None:
    served = [job for job in jobs(["java"], ["fastthrift"]) if job.server == "fastthrift"]
    assert any(job.speech.transport == "sasl" for job in served)
    for job in served:
        assert {cell.speech.transport == "sasl" for cell in job.cells} == {job.speech.transport == "sasl"}


def test_each_way_to_speak_is_run_with_each_peer_both_ways_and_once() -> None:
    cells = [cell for job in jobs(["go", "cpp"], list(OURS)) for cell in job.cells]
    assert len(cells) == len(set(cells))
    for speech in all_speeches():
        assert Cell("go", "fastthrift", speech) in cells
        assert Cell("fastthrift", "cpp", speech) in cells
        assert Cell("fastthrift-rust", "fastthrift-aio", speech) in cells
        assert Cell("fastthrift", "fastthrift-rust", speech) in cells
        assert Cell("fastthrift", "fastthrift-aio", speech) not in cells
    assert can_speak(BINARY)
    blocking = "fastthrift-rust-blocking"
    assert can_speak(Cell(blocking, "cpp", BINARY.speech))
    assert not can_speak(Cell(blocking, "go", BINARY.speech))
    assert not can_speak(Cell("cpp", blocking, BINARY.speech))
    sasl = Speech("tcp", "sasl", "binary")
    assert can_speak(Cell("fastthrift-rust", "java", sasl))
    assert can_speak(Cell("java", "fastthrift-rust", sasl))


def test_the_file_of_known_failures_can_be_read() -> None:
    assert all(entry.reason for entry in known.read())
