"""``import calculator_thrift`` for a ``calculator.thrift`` on the path."""

from __future__ import annotations

import os
import sys

from fastthrift._load import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

_SUFFIX = "_thrift"


class _ThriftImporter:
    """Finds and loads the IDL file that a module's name asks for."""

    @classmethod
    def find_spec(
        cls, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        stem = name.rpartition(".")[2].removesuffix(_SUFFIX)
        if not name.endswith(_SUFFIX) or not stem:
            return None
        for directory in sys.path if path is None else path:
            location = os.path.join(directory, f"{stem}.thrift")
            if os.path.isfile(location):
                from importlib.machinery import ModuleSpec  # not at the top: few programs use the hook

                return ModuleSpec(name, cls(), origin=location)  # type: ignore[arg-type]
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        assert spec.origin is not None
        return load(spec.origin, module_name=spec.name, include_dirs=[d for d in sys.path if os.path.isdir(d)])

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: the module is whole."""


def install_import_hook() -> None:
    """Let ``import x_thrift`` load the first ``x.thrift`` on ``sys.path``, or in the package; once is enough."""
    if _ThriftImporter not in sys.meta_path:
        sys.meta_path.append(_ThriftImporter)


def remove_import_hook() -> None:
    """Undo `install_import_hook`; modules that were imported stay."""
    if _ThriftImporter in sys.meta_path:
        sys.meta_path.remove(_ThriftImporter)
