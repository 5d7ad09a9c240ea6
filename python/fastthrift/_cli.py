"""The command ``fastthrift``."""

from __future__ import annotations

import argparse
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

_SERVING = """\
Serve a handler from several processes on one port. A process that dies is started again. SIGTERM and SIGINT let what
is in flight end and then stop; a second one stops at once. SIGHUP loads the handler anew: new processes take over
before the old ones end. The exit code is 0 when all ended well, 1 when something was cut off, 2 for arguments that
cannot be, and 3 when the handler cannot be loaded or the address not be listened on.
"""


_CHECKING = """\
Say what is wrong with IDL files and what they include. The exit code is 0 without errors, 1 with errors, and 2 when a
file cannot be read.
"""

_GENERATING = {
    "python": """\
Write packages: a module for each IDL file and those that it includes, with its stub. What a file declares is imported
from the package that its py namespace names, or that is called as the file.
""",
    "rust": """\
Write Rust: mod.rs, and a file for each module, for crates that depend on fastthrift. Modules are called as the files'
rs namespaces say, or as the files.
""",
    "stubs": """\
Write stubs (.pyi) for the modules that loading IDL files, or the import hook, makes at run time: <file>_thrift.pyi
each.
""",
}


_RUST_VALUES = {
    "layout": (
        "WHICH",
        'which files: "tree" (mod.rs, and a file for each module) or "file" (one, called as the first IDL file)',
    ),
    "maps": ("KIND", 'what maps are: "btree", "hash" or "pairs" (a vector of pairs, the fastest to read)'),
    "sets": ("KIND", 'what sets are: "btree", "hash" or "list"'),
    "texts": (
        "KIND",
        'how strings and binaries are held: "owned", "shared" (with the message) or "borrowed" (from the input)',
    ),
    "unmarked": ("KIND", 'what fields are that are neither required nor optional: "value" or "option"'),
    "newtypes": ("WHICH", 'which typedefs are types of their own: "annotated" or "all"'),
    "derive": (
        "TRAIT",
        "a trait to derive on every type; may be given several times",
    ),
    "runtime": ("PATH", "the path of the runtime crate (default: ::fastthrift)"),
}
_RUST_FLAGS = {
    "keep-unknown-fields": "let structs keep and write fields that their IDL does not know",
    "keep-unknown-members": "let unions keep and write members that their IDL does not know",
    "no-servers": "write no traits of handlers and no servers",
    "no-clients": "write no clients",
    "blocking": "write clients that block, too",
    "no-std": "write code that does without std, and without services",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments)
    return int(options.run(options, arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fastthrift", description="Thrift for Python and Rust, on one Rust core.")
    parser.add_argument("-V", "--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _set_up_check(commands.add_parser("check", help="say what is wrong with IDL files", description=_CHECKING))
    _set_up_gen(commands.add_parser("gen", help="generate code from IDL files"))
    _set_up_serve(commands.add_parser("serve", help="serve a handler from several processes", description=_SERVING))
    return parser


class _Version(argparse.Action):
    """Prints the version, which is looked up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib import metadata

        try:
            version = metadata.version("fastthrift")
        except metadata.PackageNotFoundError:
            version = "(not installed)"
        parser.exit(0 if _print(f"fastthrift {version}\n") else 2)


def _set_up_check(check: argparse.ArgumentParser) -> None:
    _add_sources(check)
    check.add_argument(
        "--format",
        choices=("text", "json"),
        default="text",
        help='how findings are written: "text", or "json" for one object a line (default: text)',
    )
    check.set_defaults(run=_check)


def _set_up_gen(gen: argparse.ArgumentParser) -> None:
    kinds = gen.add_subparsers(required=True, metavar="WHAT")
    for what, description in _GENERATING.items():
        kind = kinds.add_parser(what, help=description.partition(":")[0].lower(), description=description)
        _add_sources(kind)
        kind.add_argument("-o", "--output", required=True, metavar="DIR", help="the folder to write to")
        if what == "python":
            kind.add_argument(
                "--package", metavar="NAME", help="the package that all modules lie in, such as myapp.idl"
            )
        if what == "rust":
            for name, (metavar, help_text) in _RUST_VALUES.items():
                kind.add_argument(f"--{name}", action="append", default=[], metavar=metavar, help=help_text)
            for name, help_text in _RUST_FLAGS.items():
                kind.add_argument(f"--{name}", action="store_true", help=help_text)
        kind.set_defaults(run=_generate, what=what, package=None)


def _add_sources(command: argparse.ArgumentParser) -> None:
    command.add_argument("files", nargs="+", metavar="IDL", help="an IDL file")
    command.add_argument(
        "-I",
        "--include-dir",
        action="append",
        default=[],
        dest="include_dirs",
        metavar="DIR",
        help="where included files are searched after the directory of the including file; may be given several times",
    )
    command.add_argument(
        "--dialect",
        choices=("extended", "apache"),
        default="extended",
        help="what to accept; extended takes more than Apache's compiler does (default: extended)",
    )
    command.add_argument("--allow-missing-includes", action="store_true", help="let an included file be missing")


def _check(options: argparse.Namespace, _arguments: Sequence[str]) -> int:
    report, code = _findings(options, options.format)
    return code if _print(report) else 2


def _findings(options: argparse.Namespace, form: Literal["text", "json"]) -> tuple[str, int]:
    """Return what is wrong with the files, and the exit code that says so."""
    from fastthrift import _core

    return _core.check_report(
        options.files, options.include_dirs, options.dialect, options.allow_missing_includes, form
    )


def _generate(options: argparse.Namespace, _arguments: Sequence[str]) -> int:
    from fastthrift._diagnostics import ThriftSyntaxError
    from fastthrift._generate import generate

    try:
        generate(
            options.what,
            options.files,
            options.output,
            include_dirs=options.include_dirs,
            dialect=options.dialect,
            allow_missing_includes=options.allow_missing_includes,
            package=options.package,
            settings=_rust_settings(options) if options.what == "rust" else (),
        )
    except ThriftSyntaxError as error:
        _complain(error.report)
        return 1
    except (OSError, ValueError) as error:
        is_unread = isinstance(error, OSError) and error.filename in options.files
        _complain(_findings(options, "text")[0] if is_unread else f"fastthrift: {error}\n")
        return 2
    return 0


def _rust_settings(options: argparse.Namespace) -> list[tuple[str, str]]:
    given = vars(options)
    values = [(name, value) for name in _RUST_VALUES for value in given[name]]
    return values + [(name, "") for name in _RUST_FLAGS if given[name.replace("-", "_")]]


def _print(text: str) -> bool:
    """Print text as UTF-8 and say whether that went well; a reader that has had enough is no error."""
    if sys.stdout is None:  # it was closed before the start
        _complain("fastthrift: cannot write what was found: there is no standard output\n")
        return False
    try:
        sys.stdout.buffer.write(text.encode())
        sys.stdout.flush()
    except OSError as error:
        # What Python would still flush at its end goes nowhere.
        import os

        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return True
        _complain(f"fastthrift: cannot write what was found: {error}\n")
        return False
    return True


def _complain(text: str) -> None:
    """Print text as UTF-8 to where errors go; where nobody reads them, the exit code still tells of them."""
    import contextlib

    with contextlib.suppress(OSError, AttributeError):
        sys.stderr.buffer.write(text.encode(errors="backslashreplace"))
        sys.stderr.flush()


def _set_up_serve(serve: argparse.ArgumentParser) -> None:
    serve.add_argument(
        "handler", help="module:name of a handler, a class, or a function without arguments that makes one"
    )
    serve.add_argument("--url", action="append", required=True, help="where to listen; may be given several times")
    serve.add_argument("--service", metavar="MODULE:NAME", help="the service, where the handler's class does not say")
    serve.add_argument("--workers", type=_positive, default=1, metavar="N", help="processes (default: 1)")
    serve.add_argument("--threads", type=_positive, metavar="N", help="handlers that run at once in each process")
    serve.add_argument("--grace", type=_seconds, default=10.0, metavar="SECONDS", help="to end in (default: 10)")
    serve.add_argument("--protocol", choices=("binary", "compact", "json", "simplejson"), help="the only one to accept")
    serve.add_argument("--transport", help="the only one to accept")
    serve.add_argument("--tls-cert", metavar="FILE", help="the certificate, with those above it, for TLS")
    serve.add_argument("--tls-key", metavar="FILE", help="its key")
    serve.add_argument("--tls-client-ca", metavar="FILE", help="who signs the certificates that clients must have")
    serve.add_argument(
        "--sasl",
        action="append",
        type=_mechanism,
        default=[],
        metavar="MECHANISM=MODULE:NAME",
        help="what judges clients, which then have to say who they are; may be given several times",
    )
    serve.add_argument(
        "--interceptor",
        action="append",
        default=[],
        metavar="MODULE:NAME",
        help="what runs around each handler, or a class of it; may be given several times, the outermost first",
    )
    serve.add_argument("--message-timeout", type=_time, metavar="SECONDS", help="for a client to send a message")
    serve.add_argument("--idle-timeout", type=_time, metavar="SECONDS", help="for a client to be silent between two")
    serve.add_argument("--max-message-size", type=_positive, metavar="BYTES", help="of a request, and of a reply")
    serve.add_argument("--max-connections", type=_positive, metavar="N", help="clients of each process")
    serve.add_argument("--max-in-flight", type=_positive, metavar="N", help="calls of each process that run or wait")
    serve.add_argument("--max-memory", type=_positive, metavar="BYTES", help="of all connections of each process")
    serve.add_argument("--health", action="store_true", help="serve fastthrift.health.Health, too")
    serve.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default="info",
        help="what is logged (default: info)",
    )
    # What a process of this command is told by the one that started it.
    serve.add_argument("--inherit", help=argparse.SUPPRESS)
    serve.add_argument("--listen", action="append", help=argparse.SUPPRESS)
    serve.add_argument("--channel", type=int, help=argparse.SUPPRESS)
    serve.set_defaults(run=_serve)


def _serve(options: argparse.Namespace, arguments: Sequence[str]) -> int:
    if bool(options.tls_cert) != bool(options.tls_key) or (options.tls_client_ca and not options.tls_cert):
        _parser().error("--tls-cert and --tls-key go together, and --tls-client-ca with them")
    if options.channel is not None:
        from fastthrift._worker import work

        return work(options)
    from fastthrift._supervisor import supervise

    return supervise(options, arguments)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def _mechanism(text: str) -> tuple[str, str]:
    name, equals, place = text.partition("=")
    if not (name and equals and place):
        raise argparse.ArgumentTypeError(f"expected MECHANISM=MODULE:NAME, got {text!r}")
    return name, place


def _time(text: str) -> float:
    number = _seconds(text)
    if number == 0:
        raise argparse.ArgumentTypeError(f"{text} is no time to wait")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds")
    return number
