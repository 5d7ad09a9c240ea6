"""The speed gate counts the program's own instructions, and fails when a case takes more than it may."""

from __future__ import annotations

from pathlib import Path

import check_instructions
import pytest
from check_instructions import Counts

PROFILE = """\
# callgrind format
positions: line
events: Ir
summary: 100

ob=/bin/program
fl=/src/encode.rs
fn=encode
72 3
+1 2
cob=/lib/libc.so
cfi=/src/memcpy.c
cfn=memcpy
calls=2 -58
* 40
-3 5
ob=/lib/libc.so
fl=/src/memcpy.c
fn=memcpy
10 40
ob=/bin/program
fl=/src/decode.rs
fn=decode
* 50
totals: 100
"""


def kept(**counts: int) -> Counts:
    return Counts("rustc 1", counts)


def fails(before: Counts, after: Counts) -> list[bool]:
    return [finding.fails for finding in check_instructions.compare(before, after)]


def test_only_the_instructions_of_the_programs_own_file_count() -> None:
    assert check_instructions.own_instructions(PROFILE, Path("/bin/program")) == 3 + 2 + 5 + 50
    assert check_instructions.own_instructions(PROFILE, Path("/lib/libc.so")) == 40


@pytest.mark.parametrize(
    ("after", "expected"), [(1000, []), (1030, []), (970, []), (1031, [True]), (2000, [True]), (969, [False])]
)
def test_a_case_may_grow_by_the_tolerance_and_one_that_shrank_asks_to_be_kept(after: int, expected: list[bool]) -> None:
    assert fails(kept(small=1000), kept(small=after)) == expected


def test_a_case_that_is_new_or_gone_fails_until_it_is_kept() -> None:
    assert fails(kept(small=1000), kept(small=1000, book=5)) == [True]
    assert fails(kept(small=1000, book=5), kept(small=1000)) == [True]


def test_counts_of_another_compiler_are_held_to_a_wider_tolerance_and_named() -> None:
    before = Counts("rustc 2", {"small": 1000})
    assert fails(before, kept(small=1100)) == [False]
    assert fails(before, kept(small=1200)) == [False, True]


def test_what_is_kept_reads_back() -> None:
    counts = Counts("rustc 1.95.0 (x)", {"small, binary, encode": 453, "book, compact, decode": 7})
    assert Counts.parse(counts.text()) == counts
