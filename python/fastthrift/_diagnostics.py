"""What is to be said about IDL files."""

from __future__ import annotations

import sys


class Diagnostic:
    """One finding about an IDL file.

    Attributes:
        code: The stable code, such as ``E0301``.
        name: The code in words, such as ``unknown-type``.
        severity: ``error`` or ``warning``.
        message: What was expected, and what came.
        filename: The file.
        line: The line, from 1.
        column: The column, from 1, in code points.
        end_line: The line of the end.
        end_column: The column behind the last character.
        source_line: The line's text.
        hint: What would help, or None.
        related: Other places: (filename, line, column, text) each.
        text: All of it as the command line shows it.
    """

    # A plain class: `typing` would cost more time than all the rest of the import.
    __slots__ = (
        "code",
        "column",
        "end_column",
        "end_line",
        "filename",
        "hint",
        "line",
        "message",
        "name",
        "related",
        "severity",
        "source_line",
        "text",
    )

    code: str
    name: str
    severity: str
    message: str
    filename: str
    line: int
    column: int
    end_line: int
    end_column: int
    source_line: str
    hint: str | None
    related: tuple[tuple[str, int, int, str], ...]
    text: str

    def __init__(self, **values: object) -> None:
        for name in self.__slots__:
            setattr(self, name, values[name])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Diagnostic):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __hash__(self) -> int:
        return hash((self.code, self.filename, self.line, self.column))

    def __repr__(self) -> str:
        return f"<{self.severity}[{self.code}] {self.filename}:{self.line}:{self.column}: {self.message}>"

    def __str__(self) -> str:
        return self.text


class ThriftSyntaxError(SyntaxError):
    """An IDL file is not right.

    ``filename``, ``lineno``, ``offset`` and ``text`` say where the first error is, as for Python's own files. Where
    there are more errors, the report is a note of the exception (from Python 3.11 on), so that a traceback has it.

    Attributes:
        diagnostics: All findings of the run, warnings too.
        report: All errors as text, as the command line shows them, and how many errors and warnings there are.
    """

    def __init__(self, first: Diagnostic, diagnostics: list[Diagnostic], report: str) -> None:
        place = (first.filename, first.line, first.column, first.source_line, first.end_line, first.end_column)
        super().__init__(f"{first.message} [{first.code}]", place)
        self.diagnostics = diagnostics
        self.report = report
        self._first = first
        if sum(diagnostic.severity == "error" for diagnostic in diagnostics) > 1 and sys.version_info >= (3, 11):
            self.add_note(report)

    def __str__(self) -> str:
        return self.report

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self._first, self.diagnostics, self.report)
