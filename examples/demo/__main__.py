"""`python -m examples.demo`: load, serve, call and check; exits with 1 when anything is not as it should be."""

from __future__ import annotations

import sys
import tempfile
import traceback
from collections.abc import Callable
from itertools import product

import fastthrift

from examples.demo import apache, hbase_clients, hive_clients, rust
from examples.demo.hbase_server import Tables
from examples.demo.hive_server import Warehouse
from examples.demo.idl import FILES, tcli
from examples.library.pages import Shelf

PROTOCOLS = ("binary", "compact")
TRANSPORTS = ("framed", "unframed")


class Report:
    """Holds conversations, prints a line for each, and keeps what went wrong."""

    def __init__(self) -> None:
        self.done = 0
        self.failures: list[str] = []

    def head(self, title: str) -> None:
        print(f"\n{title}\n")
        print(f"  {'client':<13}{'server':<13}{'protocol':<21}{'transport':<11}{'socket':<8}{'calls/s':>8}")

    def hold(self, client: str, server: str, conversation: Callable[..., float | None], *how: str) -> None:
        """Hold a conversation: with a URL, protocol and transport it checks what it gets and may return its speed."""
        url, protocol, transport = how
        line = f"  {client:<13}{server:<13}{protocol:<21}{transport:<11}{url.partition(':')[0]:<8}"
        try:
            speed = conversation(*how)
            told = "ok" if speed is None else f"{speed:,.0f}"
            print(f"{line}{told:>8}", flush=True)
            self.done += 1
        except Exception:  # noqa: BLE001 (whatever it is, the others go on)
            print(f"{line}  FAILED", flush=True)
            self.failures.append(f"{line.strip()}\n{traceback.format_exc()}")


def call_hbase(report: Report) -> None:
    report.head("Hbase.thrift, a table in memory; calls/s: getRow, which returns 3 cells of 256 bytes")
    with tempfile.TemporaryDirectory() as folder:
        for url in ("tcp://127.0.0.1:0", f"unix://{folder}/hbase.sock"):
            with fastthrift.Server(Tables(), url) as server:
                for how in product(PROTOCOLS, TRANSPORTS):
                    report.hold("fastthrift", "fastthrift", hbase_clients.with_fastthrift, server.url, *how)
    with fastthrift.Server(Tables(), "tcp://127.0.0.1:0") as server:
        for how in product(PROTOCOLS, TRANSPORTS):
            report.hold("happybase", "fastthrift", hbase_clients.with_happybase, server.url, *how)


def call_hive(report: Report) -> None:
    report.head("TCLIService.thrift, Hive's and Impala's; calls/s: GetInfo, for impyla: SELECT, which returns 250 rows")
    with fastthrift.Server(Warehouse(tcli), "tcp://127.0.0.1:0", service=tcli.TCLIService) as server:
        for how in product(apache.PROTOCOLS, TRANSPORTS):
            report.hold("Apache", "fastthrift", hive_clients.with_apache, server.url, *how)
        report.hold("impyla", "fastthrift", hive_clients.with_impyla, server.url, "binary", "unframed")
    for how in product(PROTOCOLS, TRANSPORTS):
        report.hold("fastthrift", "Apache", hive_clients.with_fastthrift, apache.serve(*how), *how)


def call_rust(report: Report) -> None:
    report.head("calculator.thrift, in Rust (crates/fastthrift/examples, built for tests) and in Python; calls/s: add")
    programs = rust.Programs()
    with programs.serving("calculator_server", "tcp://127.0.0.1:0") as url:
        for how in [*product(PROTOCOLS, TRANSPORTS), ("compact", "header")]:
            report.hold("fastthrift", "Rust", rust.call_calculator, url, *how)
    with fastthrift.Server(rust.Calculator(), "tcp://127.0.0.1:0") as server:
        for how in [("binary", "framed"), ("compact", "framed"), ("compact", "header")]:
            report.hold("Rust", "fastthrift", programs.call_calculator, server.url, *how)
        report.hold("Rust, by IDL", "fastthrift", programs.call_by_idl, server.url, "compact", "framed")
        with programs.serving("proxy", rust.IDL, "Calculator", server.url, "tcp://127.0.0.1:0") as url:
            report.hold("fastthrift", "Rust proxy", rust.call_calculator, url, "compact", "framed")
        with programs.serving("gateway", rust.IDL, "Calculator", server.url, "127.0.0.1:0") as url:
            report.hold("urllib", "Rust gateway", rust.call_gateway, url, "JSON", "HTTP")
    report.head("library.thrift: a list of 1,000 books in pages, and a file of 1,000 records (client: who reads)")
    with programs.serving("pages", "serve", "tcp://127.0.0.1:0") as url:
        report.hold("fastthrift", "Rust", rust.list_pages, url, "binary", "framed")
    with fastthrift.Server(Shelf(1000), "tcp://127.0.0.1:0") as server:
        report.hold("Rust", "fastthrift", programs.list_pages, server.url, "binary", "framed")
    report.hold("fastthrift", "Rust", programs.write_records, "file", "compact", "none")
    report.hold("Rust", "fastthrift", programs.read_records, "file", "compact", "none")


def main() -> int:
    print("fastthrift loads IDL files that others wrote; no code is generated:\n")
    print(f"  {'file':<24}{'load':>8}{'structs':>10}{'enums':>8}{'services':>10}")
    for loaded in FILES:
        print(f"  {loaded}")
    print("\nIt serves what they describe, and talks to other implementations. Each line is a conversation whose every")
    print("result is checked, and then calls one after the other, with client and server in this one process, but for")
    print("those in Rust, which are programs of their own:")
    report = Report()
    call_hbase(report)
    call_hive(report)
    call_rust(report)
    if report.failures:
        print(f"\n{len(report.failures)} conversations FAILED:", *report.failures, sep="\n\n", file=sys.stderr)
        return 1
    print(f"\nAll {report.done} conversations went as they should; every result was checked.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
