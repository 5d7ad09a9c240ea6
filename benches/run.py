"""Run the benchmarks: `make bench`, or a part of them with BENCH_ARGS="--part codec"."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benches import report

PARTS = ("load", "codec", "objects", "rust-codec", "rpc", "rust-rpc")


def main() -> None:
    """Run the parts that the command line names, all of them unless it names one."""
    parser = argparse.ArgumentParser(prog="benches", description=__doc__)
    parser.add_argument("--part", action="append", choices=PARTS, help="run this part alone; may be repeated")
    parser.add_argument("--write", action="store_true", help="keep the reports in docs/benchmarks")
    parser.add_argument("--quick", action="store_true", help="few short rounds, to see that it works")
    parser.add_argument("--loadgen", type=Path, required=True, help="the built load generator")
    parser.add_argument("--floor", type=Path, required=True, help="the built C server")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fastthrift-bench-") as folder:
        for part in options.part or PARTS:
            report.publish(part, _run(part, Path(folder), options), write=options.write)


def _run(part: str, work: Path, options: argparse.Namespace) -> str:
    # Each part imports what it measures, so that one part runs where another's peers are absent.
    if part == "load":
        from benches import load

        return load.run(work, rounds=3 if options.quick else 9)
    if part == "codec":
        from benches import codec

        rounds, seconds = (5, 0.002) if options.quick else (25, 0.008)
        return codec.run(work, rounds=rounds, batch_seconds=seconds, quick=options.quick, write=options.write)
    if part == "objects":
        from benches import objects

        rounds, seconds = (5, 0.002) if options.quick else (25, 0.008)
        return objects.run(work, rounds=rounds, batch_seconds=seconds)
    if part == "rust-codec":
        from benches import rust_codec

        rounds, seconds = (5, 0.002) if options.quick else (25, 0.004)
        return rust_codec.run(rounds=rounds, batch_seconds=seconds)
    if part == "rust-rpc":
        from benches import rust_rpc

        rounds, seconds = (1, 0.5) if options.quick else (5, 2.0)
        return rust_rpc.run(rounds=rounds, seconds=seconds)
    from benches import rpc

    rounds, seconds = (1, 0.3) if options.quick else (5, 1.0)
    return rpc.run(work, options.loadgen, options.floor, rounds=rounds, seconds=seconds)


if __name__ == "__main__":
    main()
