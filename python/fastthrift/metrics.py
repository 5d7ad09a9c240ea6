"""Metrics of calls for Prometheus: an interceptor for clients and servers, blocking or asyncio.

It needs the ``prometheus`` extra::

    from fastthrift.metrics import PrometheusMetrics

    metrics = PrometheusMetrics()
    server = fastthrift.Server(Handler(), "tcp://127.0.0.1:9090", interceptors=[metrics])
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from fastthrift import Call, TApplicationException, _core
from fastthrift._observing import carry_out, outcome

__all__ = ["PrometheusMetrics"]

SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The usual bounds of the buckets of latencies, in seconds."""

SIZES: Final = (64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216)
"""The bounds of the buckets of message sizes, in bytes."""


class PrometheusMetrics:
    """Counts and times calls; give one to any number of clients and servers as an interceptor.

    The metrics are, with ``side`` "client" or "server", and the labels ``service`` and ``function``:

    - ``thrift_calls_total``: calls that ended, with ``outcome``: "ok", "exception" (one that the IDL declares),
      "timeout", "connection", "cancelled", or the kind of a `TApplicationException`, such as "internal_error", which a
      reply that cannot be written is, too. A server refuses some calls before its interceptors run, such as those
      beyond ``max_in_flight`` ("loadshedding"): they are counted here alone, names that it does not serve as "".
    - ``thrift_call_seconds``: how long they took, a histogram.
    - ``thrift_calls_in_flight``: calls that have not ended, a gauge.
    - ``thrift_request_bytes`` and ``thrift_reply_bytes``: the sizes of messages, where they are known.

    Args:
        registry: Where the metrics are registered.
        prefix: What the names start with instead of "thrift".
        seconds: The bounds of the latency buckets, in seconds.

    Raises:
        TypeError: One of these is not of its class.
        ValueError: The registry has metrics of these names already, the prefix cannot be part of a name, or the bounds
            are none, or not numbers that grow from one to the next.
    """

    def __init__(
        self, *, registry: CollectorRegistry = REGISTRY, prefix: str = "thrift", seconds: Sequence[float] = SECONDS
    ) -> None:
        _core.given_text("prefix", prefix)
        if not all(callable(getattr(registry, method, None)) for method in ("register", "collect")):
            raise TypeError(f"registry must be a prometheus_client.CollectorRegistry, got {registry!r:.40}")
        seconds = _bounds(seconds)
        labels = ("side", "service", "function")
        self._calls = Counter(
            f"{prefix}_calls", "Calls that ended, by how they ended.", (*labels, "outcome"), registry=registry
        )
        self._seconds = Histogram(
            f"{prefix}_call_seconds", "How long calls took.", labels, buckets=seconds, registry=registry
        )
        # Where processes share their metrics, calls of a process that died are in flight no more.
        self._in_flight = Gauge(
            f"{prefix}_calls_in_flight",
            "Calls that have not ended.",
            labels,
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._request = Histogram(
            f"{prefix}_request_bytes", "Sizes of requests.", labels, buckets=SIZES, registry=registry
        )
        self._reply = Histogram(f"{prefix}_reply_bytes", "Sizes of replies.", labels, buckets=SIZES, registry=registry)

    def __call__(self, call: Call, proceed: Callable[[], object]) -> object:
        """Carry a call out and count it."""
        labels = (call.side, call.service, call.function)
        in_flight = self._in_flight.labels(*labels)
        start = time.perf_counter()
        in_flight.inc()

        def finish(outcome: str, _: BaseException | None) -> None:
            in_flight.dec()
            self._seconds.labels(*labels).observe(time.perf_counter() - start)
            self._calls.labels(*labels, outcome).inc()

        # The sizes are known after all interceptors returned.
        call.on_end(self._measure)
        return carry_out(call, proceed, finish)

    def refused(self, service: str, function: str, error: TApplicationException) -> None:
        """Count a call that a server refused before any interceptor ran."""
        self._calls.labels("server", service, function, outcome(error)).inc()

    def _measure(self, call: Call) -> None:
        labels = (call.side, call.service, call.function)
        if call.request_bytes is not None:
            self._request.labels(*labels).observe(call.request_bytes)
        if call.reply_bytes is not None:
            self._reply.labels(*labels).observe(call.reply_bytes)


def _bounds(seconds: Sequence[float]) -> list[float]:
    if isinstance(seconds, (str, bytes)) or not hasattr(seconds, "__iter__"):
        raise TypeError(f"seconds must be a list of numbers, got {seconds!r:.40}")
    bounds = [_core.given_number("each of seconds", bound) for bound in seconds]
    if not bounds or not all(low < high for low, high in zip([0.0, *bounds], bounds, strict=False)):
        raise ValueError(f"seconds must be positive numbers, each more than the one before, got {bounds!r:.40}")
    return bounds
