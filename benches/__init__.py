"""Benchmarks: fastthrift and its peers, in the same run, over the same data."""
