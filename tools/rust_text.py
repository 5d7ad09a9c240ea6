"""A reading of Rust source that is just good enough to find what a file names.

`code_only` blanks comments, literals and test-only items but keeps every line where it was, so that a finding's line
number is the file's own. `imports` and `paths` then say which modules the code names, aliases followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TRIVIA = re.compile(
    r"""
      (?P<line>//[^\n]*)
    | (?P<block>/\*)                        # a block comment nests, so its end is searched by hand
    | (?P<raw>\b(?:br|cr|r)(?P<hashes>\#*)")
    | (?P<text>(?:\b[bc])?")
    | b?'(?:\\(?:x[0-9a-fA-F]{2}|u\{[^}]*\}|.)|[^\\'\n])'  # told from a lifetime by its closing quote
    """,
    re.VERBOSE,
)
_TEST_ITEM = re.compile(r"#\[cfg\((?:test\b[^\]]*|all\(\s*test\b[^\]]*)\)\]")
_USE = re.compile(r"\buse\s+([^;]+);")
_PATH = re.compile(r"(?<![\w:])(?:::)?[A-Za-z_]\w*(?:\s*::\s*[A-Za-z_]\w*)+")


def code_only(source: str) -> str:
    """Return the source with comments, literals and `#[cfg(test)]` items blanked, lines kept."""
    return _without_test_items(without_trivia(source))


def without_trivia(source: str) -> str:
    """Return the source with comments and literals blanked, lines kept."""
    kept: list[str] = []
    position = 0
    while match := _TRIVIA.search(source, position):
        end = _end_of_trivia(source, match)
        blank = _blank(source[match.start() : end])
        kept += source[position : match.start()], blank if match["line"] or match["block"] else f'"{blank}"'
        position = end
    return "".join(kept) + source[position:]


def imports(code: str) -> Iterator[tuple[str, str, int]]:
    """Yield `(name in scope, full path, line)` for every leaf of every `use`."""
    for match in _USE.finditer(code):
        line = line_of(code, match.start())
        for path, alias in _leaves("".join(f" {match[1]} ".split("\n")).strip()):
            yield alias or path.rsplit("::", 1)[-1], path, line


def paths(code: str) -> Iterator[tuple[str, int]]:
    """Yield `(full path, line)` for every import and for every path in the code, its first name resolved."""
    scope: dict[str, str] = {}
    for name, path, line in imports(code):
        scope[name] = path
        yield path, line
    for match in _PATH.finditer(_USE.sub(lambda use: _blank(use[0]), code)):
        first, _, rest = re.sub(r"\s", "", match[0]).removeprefix("::").partition("::")
        yield f"{scope.get(first, first)}::{rest}", line_of(code, match.start())


def line_of(text: str, position: int) -> int:
    """Return the line, counted from one, of a position."""
    return text.count("\n", 0, position) + 1


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def _end_of_trivia(source: str, match: re.Match[str]) -> int:
    if match["block"]:
        return _end_of_block_comment(source, match.end())
    if match["raw"]:
        end = source.find('"' + match["hashes"], match.end())
        return len(source) if end < 0 else end + 1 + len(match["hashes"])
    if match["text"]:
        closing = re.compile(r'(?:[^"\\]|\\.)*"', re.DOTALL).match(source, match.end())
        return closing.end() if closing else len(source)
    return match.end()


def _end_of_block_comment(source: str, position: int) -> int:
    depth = 1
    for mark in re.finditer(r"/\*|\*/", source[position:]):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return position + mark.end()
    return len(source)


def _without_test_items(code: str) -> str:
    while match := _TEST_ITEM.search(code):
        end = _end_of_item(code, match.end())
        code = code[: match.start()] + _blank(code[match.start() : end]) + code[end:]
    return code


def _end_of_item(code: str, position: int) -> int:
    """Return the end of the item that starts here: its closing brace, or a semicolon outside all brackets."""
    depth = 0
    for mark in re.finditer(r"[{}()\[\];]", code[position:]):
        depth += {"{": 1, "(": 1, "[": 1, ";": 0}.get(mark[0], -1)
        if depth < 0:
            return position + mark.start()
        if depth == 0 and mark[0] in "};":
            return position + mark.end()
    return len(code)


def _leaves(tree: str) -> Iterator[tuple[str, str | None]]:
    """Expand a use tree: `std::{fs, time as t}` gives `std::fs` and `std::time` as `t`."""
    prefix, brace, rest = tree.partition("{")
    prefix = re.sub(r"\s", "", prefix) if brace else prefix
    if not brace:
        path, _, alias = re.sub(r"\s+", " ", tree.strip()).partition(" as ")
        yield path.replace(" ", "").removeprefix("::").removesuffix("::self"), alias.strip() or None
        return
    for part in _split(rest[: rest.rindex("}")]):
        for path, name in _leaves(part):
            yield f"{prefix.removeprefix('::')}{path}".removesuffix("::self"), name


def _split(parts: str) -> Iterator[str]:
    depth, start = 0, 0
    for position, mark in enumerate(parts):
        depth += {"{": 1, "}": -1}.get(mark, 0)
        if mark == "," and depth == 0:
            yield parts[start:position]
            start = position + 1
    if parts[start:].strip():
        yield parts[start:]
