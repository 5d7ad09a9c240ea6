"""What the benchmarks are to show: a bound on a figure or on a ratio, and whether it was met."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from benches import report


@dataclass(frozen=True, kw_only=True)
class Aim:
    """One bound on what is measured."""

    text: str
    bound: float
    is_least: bool = False
    """Whether it is to be at least the bound, not at most."""

    def asked(self) -> str:
        """Return the bound in words."""
        return f"{'at least' if self.is_least else 'at most'} {report.figure(self.bound)}"

    def is_met(self, measured: float) -> bool:
        """Tell whether a figure keeps to the bound."""
        return measured >= self.bound if self.is_least else measured <= self.bound


def section(aims: Iterable[tuple[Aim, float | None]], title: str = "## What is aimed at") -> str:
    """Return the part of a report that holds each figure to its bound; a figure is None if it was not measured."""
    rows = [[aim.text, aim.asked(), *_found(aim, measured)] for aim, measured in aims]
    return f"{title}\n\n{report.table(['', 'aim', 'measured', 'met'], rows)}"


def _found(aim: Aim, measured: float | None) -> tuple[str, str]:
    if measured is None:
        return "", "not measured"
    return report.figure(measured), "yes" if aim.is_met(measured) else "no"
