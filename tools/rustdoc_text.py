"""Types, signatures and bounds of rustdoc's JSON as the text that one would write in Rust.

The shapes are those of rustdoc's format 57, which Rust 1.95 writes (its documentation: the crate `rustdoc-types`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

FORMAT = 57
"""The version of rustdoc's format that is read here."""

Json = Mapping[str, Any]

_OUR_STD = frozenset({"alloc", "core", "std"})


class Renderer:
    """Renders the parts of one crate's documentation."""

    def __init__(self, crate: Json) -> None:
        self.index: Json = crate["index"]
        self._paths: Json = crate["paths"]

    def type(self, node: Any) -> str:
        """Render a type; `_` is one that is inferred."""
        if isinstance(node, str):
            return "_"
        ((kind, inner),) = node.items()
        return self._TYPES[kind](self, inner)

    def signature(self, function: Json) -> str:
        """Render a function's generics, arguments and result, as they stand after its name."""
        sig, generics = function["sig"], function["generics"]
        inputs = ", ".join(self._input(name, node) for name, node in sig["inputs"])
        return f"{self.parameters(generics)}({inputs}){self._output(sig)}{self.where(generics)}"

    def qualifiers(self, function: Json) -> str:
        """Render what stands before `fn`."""
        header = function["header"]
        abi = "" if header["abi"] == "Rust" else f'extern "{header["abi"]}" '
        flags = "".join(f"{flag} " for flag in ("const", "async", "unsafe") if header[f"is_{flag}"])
        return flags + abi

    def parameters(self, generics: Json) -> str:
        """Render what stands in angle brackets after the name of an item, without those of `impl Trait` arguments."""
        written = [self._parameter(param) for param in generics["params"] if not _is_synthetic(param)]
        return f"<{', '.join(written)}>" if written else ""

    def where(self, generics: Json) -> str:
        """Render the clause of an item, which is empty or begins with a space."""
        written = [self._predicate(predicate) for predicate in generics["where_predicates"]]
        return f" where {', '.join(sorted(written))}" if written else ""

    def bounds(self, bounds: Sequence[Json]) -> str:
        """Render bounds, parted by plus signs."""
        return " + ".join(self._bound(bound) for bound in bounds)

    def path(self, node: Json) -> str:
        """Render a path to a type or trait: the last name of those of this crate and of Rust's own libraries."""
        known = self._paths.get(str(node["id"]))
        name: str = known["path"][-1] if known else node["path"].rpartition("::")[2]
        if known and known["crate_id"] and known["path"][0] not in _OUR_STD:
            name = f"{known['path'][0]}::{name}"
        return name + self._arguments(node["args"])

    def _arguments(self, args: Any) -> str:
        if not isinstance(args, dict):
            return ""
        ((kind, inner),) = args.items()
        if kind == "parenthesized":
            inputs = ", ".join(self.type(node) for node in inner["inputs"])
            return f"({inputs})" + (f" -> {self.type(inner['output'])}" if inner["output"] else "")
        written = [self._argument(argument) for argument in inner["args"]]
        written += [self._constraint(constraint) for constraint in inner["constraints"]]
        return f"<{', '.join(written)}>" if written else ""

    def _argument(self, argument: Any) -> str:
        if argument == "infer":
            return "_"
        ((kind, inner),) = argument.items()
        if kind == "type":
            return self.type(inner)
        return str(inner) if kind == "lifetime" else _constant(inner)

    def _constraint(self, constraint: Json) -> str:
        name = constraint["name"] + self._arguments(constraint["args"])
        ((kind, inner),) = constraint["binding"].items()
        if kind == "constraint":
            return f"{name}: {self.bounds(inner)}"
        return f"{name} = {self.type(inner['type']) if 'type' in inner else _constant(inner['constant'])}"

    def _bound(self, bound: Json) -> str:
        ((kind, inner),) = bound.items()
        if kind == "outlives":
            return str(inner)
        if kind == "use":
            return f"use<{', '.join(next(iter(name.values())) for name in inner)}>"
        modifier = {"none": "", "maybe": "?", "maybe_const": "~const "}[inner["modifier"]]
        return modifier + self._higher_ranked(inner["generic_params"]) + self.path(inner["trait"])

    def _higher_ranked(self, params: Sequence[Json]) -> str:
        return f"for<{', '.join(param['name'] for param in params)}> " if params else ""

    def _parameter(self, param: Json) -> str:
        ((kind, inner),) = param["kind"].items()
        name = str(param["name"])
        if kind == "lifetime":
            return f"{name}: {' + '.join(inner['outlives'])}" if inner["outlives"] else name
        if kind == "const":
            default = inner["default"]
            return f"const {name}: {self.type(inner['type'])}" + (f" = {default}" if default else "")
        name += f": {self.bounds(inner['bounds'])}" if inner["bounds"] else ""
        return name + (f" = {self.type(inner['default'])}" if inner["default"] else "")

    def _predicate(self, predicate: Json) -> str:
        ((kind, inner),) = predicate.items()
        if kind == "bound_predicate":
            ranked = self._higher_ranked(inner["generic_params"])
            return f"{ranked}{self.type(inner['type'])}: {self.bounds(inner['bounds'])}"
        if kind == "lifetime_predicate":
            return f"{inner['lifetime']}: {' + '.join(inner['outlives'])}"
        return f"{self.type(inner['lhs'])} == {inner['rhs']}"

    def _input(self, name: str, node: Any) -> str:
        short = {"Self": "self", "&Self": "&self", "&mut Self": "&mut self"}
        text = self.type(node)
        return short.get(text, f"self: {text}") if name == "self" else f"{name}: {text}"

    def _output(self, sig: Json) -> str:
        return f" -> {self.type(sig['output'])}" if sig["output"] else ""

    def _borrowed(self, inner: Json) -> str:
        lifetime = f"{inner['lifetime']} " if inner["lifetime"] else ""
        return f"&{lifetime}{'mut ' if inner['is_mutable'] else ''}{self.type(inner['type'])}"

    def _dyn(self, inner: Json) -> str:
        traits = [self._higher_ranked(each["generic_params"]) + self.path(each["trait"]) for each in inner["traits"]]
        return "dyn " + " + ".join(traits + [inner["lifetime"]] * bool(inner["lifetime"]))

    def _function_pointer(self, inner: Json) -> str:
        inputs = ", ".join(self.type(node) for _, node in inner["sig"]["inputs"])
        ranked = self._higher_ranked(inner["generic_params"])
        return f"{ranked}{self.qualifiers(inner)}fn({inputs}){self._output(inner['sig'])}"

    def _qualified(self, inner: Json) -> str:
        owner = self.type(inner["self_type"])
        name = inner["name"] + self._arguments(inner["args"])
        if not inner["trait"] or not inner["trait"]["path"]:
            return f"{owner}::{name}"
        return f"<{owner} as {self.path(inner['trait'])}>::{name}"

    def _tuple(self, inner: Sequence[Any]) -> str:
        return f"({', '.join(self.type(node) for node in inner)}{',' if len(inner) == 1 else ''})"

    _TYPES: Mapping[str, Callable[[Renderer, Any], str]] = {
        "array": lambda self, inner: f"[{self.type(inner['type'])}; {inner['len']}]",
        "borrowed_ref": _borrowed,
        "dyn_trait": _dyn,
        "function_pointer": _function_pointer,
        "generic": lambda _, inner: str(inner),
        "impl_trait": lambda self, inner: f"impl {self.bounds(inner)}",
        "pat": lambda self, inner: self.type(inner["type"]),
        "primitive": lambda _, inner: "!" if inner == "never" else str(inner),
        "qualified_path": _qualified,
        "raw_pointer": lambda self, inner: f"*{'mut' if inner['is_mutable'] else 'const'} {self.type(inner['type'])}",
        "resolved_path": path,
        "slice": lambda self, inner: f"[{self.type(inner)}]",
        "tuple": _tuple,
    }


def _is_synthetic(param: Json) -> bool:
    kind = param["kind"]
    return "type" in kind and bool(kind["type"]["is_synthetic"])


def _constant(inner: Json) -> str:
    return str(inner["value"] or inner["expr"])
