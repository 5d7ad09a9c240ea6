"""The house checks find what would bind the text to one machine or one tracker."""

from __future__ import annotations

import check_house
import pytest


@pytest.mark.parametrize(
    "text",
    [
        "open('/ro" + "ot/x')",
        "see /wo" + "rk/main",
        "cd /ho" + "me/someone/src",
        "https://pypi.o" + "rg/simple",
        "https://static.crates.i" + "o/x",
        "pip install --index-" + "url=http://mirror x",
        "Closes " + "#12",
        "issue" + " 7",
        "<" * 7 + " HEAD",
    ],
)
def test_text_of_one_place_is_found_with_its_line(text: str) -> None:
    assert [finding.split(":")[:2] for finding in check_house.check_text("a.md", f"fine\n{text}\n")] == [["a.md", "2"]]


@pytest.mark.parametrize(
    "text",
    [
        'connect("unix:///tmp/calculator.sock")',
        "GET /works HTTP/1.1",
        "/network/x and ../work/x",
        "https://keepachangelog.com/en/1.1.0/",
        "this issue is 7 years old",
        "=" * 7,
    ],
)
def test_ordinary_text_is_free(text: str) -> None:
    assert list(check_house.check_text("a.md", text)) == []
