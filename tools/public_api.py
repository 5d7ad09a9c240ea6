"""The public interface of each library crate as text, held to what is kept in `docs/api`.

Without arguments it says, line by line, what differs from the kept files, and exits with 1 if anything does: a change
of the interface is one of these files, too, and so is seen. `--update` keeps the present interface. `--since REVISION`
compares with what was kept then: whoever takes a line away needs a version that says so. It needs rustdoc's JSON, which
Rust's stable compiler writes, too, when it is told so (`rustdoc_unstable`).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rustdoc_text import FORMAT, Json, Renderer

ROOT = Path(__file__).resolve().parent.parent
KEPT = "docs/api"
CRATES = (
    "fastthrift",
    "fastthrift-codegen",
    "fastthrift-dynamic",
    "fastthrift-idl",
    "fastthrift-protocol",
    "fastthrift-rpc",
    "fastthrift-schema",
    "fastthrift-tls",
)
JSON_FLAGS = "-Zunstable-options --output-format json"
AUTO_TRAITS = frozenset({"Send", "Sync"})
"""Those of the traits that a type gets by itself whose loss is told."""


class Interface(Renderer):
    """Lists what a crate's users can name, one line each."""

    def __init__(self, crate: Json) -> None:
        super().__init__(crate)
        self._root = crate["root"]
        self._seen: set[tuple[int, str]] = set()

    def lines(self) -> list[str]:
        """Return all lines, sorted."""
        root = self.index[str(self._root)]
        return sorted(set(self._module(root, root["name"])))

    def _module(self, item: Json, path: str) -> Iterator[str]:
        for child in item["inner"]["module"]["items"]:
            yield from self._item(child, path)

    def _item(self, number: int, path: str, name: str | None = None) -> Iterator[str]:
        item = self.index.get(str(number))
        if item is None or (number, path) in self._seen:
            return
        self._seen.add((number, path))
        ((kind, inner),) = item["inner"].items()
        path = f"{path}::{name or item['name']}" if kind != "use" else path
        yield from getattr(self, f"_of_{kind}")(item, inner, path)

    def _of_module(self, item: Json, inner: Json, path: str) -> Iterator[str]:
        yield f"mod {path}"
        yield from self._module(item, path)

    def _of_use(self, item: Json, inner: Json, path: str) -> Iterator[str]:
        target = self.index.get(str(inner["id"]))
        if target is None:
            yield f"use {inner['source']} as {path}::{inner['name']}"
        elif inner["is_glob"]:
            yield from self._module(target, path)
        else:
            yield from self._item(inner["id"], path, inner["name"])

    def _of_struct(self, item: Json, inner: Json, path: str) -> Iterator[str]:
        ((kind, parts),) = inner["kind"].items() if isinstance(inner["kind"], dict) else (("tuple", []),)
        fields = parts["fields"] if kind == "plain" else [field for field in parts if field is not None]
        closed = " (..)" if kind == "tuple" and None in parts else ""
        if kind == "plain" and parts["has_stripped_fields"]:
            closed = " { .. }"
        yield f"{_marks(item)}struct {path}{self.parameters(inner['generics'])}{self.where(inner['generics'])}{closed}"
        yield from self._fields(fields, path)
        yield from self._impls(inner["impls"], path)

    def _of_enum(self, item: Json, inner: Json, path: str) -> Iterator[str]:
        yield f"{_marks(item)}enum {path}{self.parameters(inner['generics'])}{self.where(inner['generics'])}"
        for variant in inner["variants"]:
            yield from self._item(variant, path)
        yield from self._impls(inner["impls"], path)

    def _of_variant(self, item: Json, inner: Json, path: str) -> Iterator[str]:
        kind = inner["kind"]
        number = f" = {inner['discriminant']['value']}" if inner["discriminant"] else ""
        if isinstance(kind, str):
            yield f"{_marks(item)}variant {path}{number}"
        elif "tuple" in kind:
            parts = [self.index[str(field)]["inner"]["struct_field"] for field in kind["tuple"]]
            yield f"{_marks(item)}variant {path}({', '.join(self.type(part) for part in parts)}){number}"
        else:
            yield f"{_marks(item)}variant {path} {{ .. }}{number}"
            yield from self._fields(kind["struct"]["fields"], path)

    def _of_union(self, item: Json, inner: Json, path: str) -> Iterator[str]:
        yield f"{_marks(item)}union {path}{self.parameters(inner['generics'])}"
        yield from self._fields(inner["fields"], path)
        yield from self._impls(inner["impls"], path)

    def _of_trait(self, item: Json, inner: Json, path: str) -> Iterator[str]:
        bounds = f": {self.bounds(inner['bounds'])}" if inner["bounds"] else ""
        generics = inner["generics"]
        unsafe = "unsafe " if inner["is_unsafe"] else ""
        yield f"{unsafe}trait {path}{self.parameters(generics)}{bounds}{self.where(generics)}"
        for child in inner["items"]:
            yield from self._item(child, path)
        yield from self._implementers(inner["implementations"], path)

    def _of_function(self, item: Json, inner: Json, path: str) -> Iterator[str]:
        default = " { .. }" if item["visibility"] == "default" and inner["has_body"] else ""
        yield f"{_marks(item)}{self.qualifiers(inner)}fn {path}{self.signature(inner)}{default}"

    def _of_constant(self, item: Json, inner: Json, path: str) -> Iterator[str]:
        yield f"const {path}: {self.type(inner['type'])}"

    def _of_static(self, item: Json, inner: Json, path: str) -> Iterator[str]:
        yield f"static {'mut ' if inner['is_mutable'] else ''}{path}: {self.type(inner['type'])}"

    def _of_type_alias(self, item: Json, inner: Json, path: str) -> Iterator[str]:
        yield f"type {path}{self.parameters(inner['generics'])} = {self.type(inner['type'])}"

    def _of_assoc_type(self, item: Json, inner: Json, path: str) -> Iterator[str]:
        bounds = f": {self.bounds(inner['bounds'])}" if inner["bounds"] else ""
        value = f" = {self.type(inner['type'])}" if inner["type"] else ""
        yield f"type {path}{self.parameters(inner['generics'])}{bounds}{value}"

    def _of_assoc_const(self, item: Json, inner: Json, path: str) -> Iterator[str]:
        yield f"const {path}: {self.type(inner['type'])}"

    def _of_macro(self, item: Json, inner: str, path: str) -> Iterator[str]:
        yield f"macro {path}! {' '.join(inner.split())}"

    def _fields(self, fields: Sequence[int], path: str) -> Iterator[str]:
        for number in fields:
            if field := self.index.get(str(number)):
                yield f"field {path}::{field['name']}: {self.type(field['inner']['struct_field'])}"

    def _impls(self, impls: Sequence[int], path: str) -> Iterator[str]:
        for number in impls:
            inner = self.index[str(number)]["inner"]["impl"]
            if inner["blanket_impl"]:
                continue
            if inner["trait"] is None:
                for child in inner["items"]:
                    yield from self._inherent(child, inner, path)
            elif not inner["is_negative"] and (not inner["is_synthetic"] or self.path(inner["trait"]) in AUTO_TRAITS):
                yield self._implementation(inner, path)

    def _inherent(self, number: int, inner: Json, path: str) -> Iterator[str]:
        """Yield the line of an item of `impl Type`, with what the implementation asks of the type's parameters."""
        owner = self.type(inner["for"]).partition("<")
        where = self.parameters(inner["generics"]) + self.where(inner["generics"]) if owner[1] else ""
        for line in self._item(number, path):
            yield f"{line}; in impl{where} {''.join(owner)}" if owner[1] else line

    def _implementers(self, impls: Sequence[int], path: str) -> Iterator[str]:
        """Yield the types of others that have a trait of this crate."""
        for number in impls:
            inner = self.index[str(number)]["inner"]["impl"]
            if str(inner["for"].get("resolved_path", {}).get("id")) not in self.index:
                generics = inner["generics"]
                trait = path + "".join(self.path(inner["trait"]).partition("<")[1:])
                owner = self.type(inner["for"])
                yield f"impl{self.parameters(generics)} {trait} for {owner}{self.where(generics)}"

    def _implementation(self, inner: Json, path: str) -> str:
        generics = inner["generics"]
        name = self.type(inner["for"])
        place = path.rpartition("::")[0]
        return f"impl{self.parameters(generics)} {self.path(inner['trait'])} for {place}::{name}{self.where(generics)}"


def interface(crate: Json) -> list[str]:
    """Return the lines of a crate whose documentation this is, as rustdoc's JSON has it."""
    return Interface(crate).lines()


def differences(kept: Sequence[str], present: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the lines that are gone and those that came."""
    return sorted(set(kept) - set(present)), sorted(set(present) - set(kept))


def may_break(old: str, new: str) -> bool:
    """Say whether the step from one version to another lets a crate take something away from its users."""
    before, after = ([int(part) for part in version.split(".")] for version in (old, new))
    return after[:1] > before[:1] or (before[0] == 0 and after[:2] > before[:2])


def _marks(item: Json) -> str:
    return "#[non_exhaustive] " if any("non_exhaustive" in str(attr) for attr in item["attrs"]) else ""


def _document(crates: Sequence[str]) -> dict[str, Json]:
    """Run rustdoc, and return what it wrote."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    command = ["cargo", "doc", "--locked", "--quiet", "--no-deps", "--all-features", "--lib"]
    command += [word for crate in crates for word in ("-p", crate)]
    environment = {**os.environ, "RUSTDOC": str(ROOT / "tools/rustdoc_unstable"), "RUSTDOCFLAGS": JSON_FLAGS}
    subprocess.run(command, cwd=ROOT, check=True, env=environment)
    files = {crate: target / "doc" / f"{crate.replace('-', '_')}.json" for crate in crates}
    return {crate: json.loads(file.read_text()) for crate, file in files.items()}


def _present() -> dict[str, list[str]] | None:
    documents = _document(CRATES)
    formats = {document["format_version"] for document in documents.values()}
    if formats != {FORMAT}:
        print(f"public API: not compared, for this rustdoc writes format {formats}, and {FORMAT} is known here")
        return None
    return {crate: interface(document) for crate, document in documents.items()}


def _kept(crate: str) -> list[str]:
    file = ROOT / KEPT / f"{crate}.txt"
    return file.read_text().splitlines() if file.exists() else []


def _kept_then(crate: str, revision: str) -> list[str]:
    command = ["git", "show", f"{revision}:{KEPT}/{crate}.txt"]
    shown = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    return shown.stdout.splitlines() if shown.returncode == 0 else []


def _version_at(revision: str) -> str:
    command = ["git", "show", f"{revision}:Cargo.toml"]
    return _version(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def _version(manifest: str) -> str:
    """Return the version that all crates share, without what may follow its three numbers."""
    found = re.search(r'(?ms)^\[workspace\.package\].*?^version = "([\d.]+)', manifest)
    assert found, "the workspace has a version"
    return found[1]


def _compare(present: dict[str, list[str]]) -> int:
    findings = [
        f"{crate}: {sign} {line}"
        for crate, lines in present.items()
        for sign, changed in zip("-+", differences(_kept(crate), lines), strict=True)
        for line in changed
    ]
    counted = sum(len(lines) for lines in present.values())
    print("\n".join(findings) if findings else f"public API: {counted} lines of {len(present)} crates are as kept")
    if findings:
        print(f"public API: if that is meant, `make public-api UPDATE=1` keeps it in {KEPT}", file=sys.stderr)
    return 1 if findings else 0


def _since(revision: str) -> int:
    old, new = _version_at(revision), _version((ROOT / "Cargo.toml").read_text())
    gone = [
        f"{crate}: - {line}" for crate in CRATES for line in differences(_kept_then(crate, revision), _kept(crate))[0]
    ]
    print("\n".join(gone) if gone else f"public API: nothing is gone since {revision}")
    if gone and not may_break(old, new):
        print(f"public API: that breaks users, and {new} after {old} does not say so", file=sys.stderr)
        return 1
    return 0


def main() -> int:
    """Compare or keep the interfaces of this repository's crates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--update", action="store_true", help="keep the present interface")
    what.add_argument("--since", metavar="REVISION", help="compare what is kept with what was kept then")
    options = parser.parse_args()
    if options.since:
        return _since(options.since)
    present = _present()
    if present is None:
        return 0
    if not options.update:
        return _compare(present)
    (ROOT / KEPT).mkdir(exist_ok=True)
    for crate, lines in present.items():
        (ROOT / KEPT / f"{crate}.txt").write_text("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
