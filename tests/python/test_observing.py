"""Metrics, spans and log records of calls, on both sides."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import fastthrift
import pytest
from fastthrift.logs import CallLog
from fastthrift.metrics import PrometheusMetrics
from fastthrift.tracing import OpenTelemetryTracing
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, get_current_span
from prometheus_client import CollectorRegistry

MODULE = fastthrift.loads(
    """
    exception Refused { 1: string why }
    service Desk {
        i64 twice(1: i64 number) throws (1: Refused refused)
        oneway void note(1: i64 number)
        string trace_id()
    }
    """,
    module_name="observed_desk",
)


class Desk(MODULE.Desk):  # type: ignore[misc, name-defined]
    def twice(self, number: int) -> int:
        if number == 0:
            raise MODULE.Refused("zero")
        if number < 0:
            raise RuntimeError("a secret")
        return 2 * number

    def note(self, number: int) -> None:
        pass

    def trace_id(self) -> str:
        return f"{get_current_span().get_span_context().trace_id:032x}"


def work(client: Any) -> None:
    """Make one call of each kind."""
    assert client.twice(4) == 8
    with pytest.raises(MODULE.Refused):
        client.twice(0)
    with pytest.raises(fastthrift.TApplicationException):
        client.twice(-1)
    client.note(1)
    # The oneway call was served before this one.
    assert client.twice(1) == 2


def test_metrics_count_and_time_what_a_server_does() -> None:
    registry = CollectorRegistry()
    metrics = PrometheusMetrics(registry=registry)
    with (
        fastthrift.Server(Desk(), "tcp://127.0.0.1:0", interceptors=[metrics]) as server,
        fastthrift.connect(MODULE.Desk, server.url) as client,
    ):
        work(client)

    def value(name: str, function: str, **labels: str) -> float | None:
        where = {"side": "server", "service": "Desk", "function": function, **labels}
        return registry.get_sample_value(name, where)

    assert value("thrift_calls_total", "twice", outcome="ok") == 2
    assert value("thrift_calls_total", "twice", outcome="exception") == 1
    assert value("thrift_calls_total", "twice", outcome="internal_error") == 1
    assert value("thrift_calls_total", "note", outcome="ok") == 1
    assert value("thrift_call_seconds_count", "twice") == 4
    assert value("thrift_call_seconds_bucket", "twice", le="10.0") == 4
    assert value("thrift_calls_in_flight", "twice") == 0
    # The arguments are a struct of one i64: a type, an id, eight bytes and the end.
    assert value("thrift_request_bytes_sum", "twice") == 4 * 12
    assert value("thrift_reply_bytes_count", "twice") == 4
    assert value("thrift_reply_bytes_count", "note") is None


def test_metrics_of_two_programs_parts_do_not_share_a_registry_unnoticed() -> None:
    registry = CollectorRegistry()
    PrometheusMetrics(registry=registry)
    with pytest.raises(ValueError, match="Duplicated"):
        PrometheusMetrics(registry=registry)
    PrometheusMetrics(registry=registry, prefix="other")


@pytest.fixture
def spans() -> Iterator[tuple[OpenTelemetryTracing, InMemorySpanExporter]]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield OpenTelemetryTracing(provider=provider), exporter
    provider.shutdown()


def test_each_call_of_a_server_is_a_span(spans: tuple[OpenTelemetryTracing, InMemorySpanExporter]) -> None:
    tracing, exporter = spans
    with (
        fastthrift.Server(Desk(), "tcp://127.0.0.1:0", interceptors=[tracing]) as server,
        fastthrift.connect(MODULE.Desk, server.url) as client,
    ):
        work(client)
        trace = client.trace_id()
    finished = exporter.get_finished_spans()
    assert [span.name for span in finished] == ["Desk/twice"] * 3 + ["Desk/note", "Desk/twice", "Desk/trace_id"]
    assert {span.kind for span in finished} == {SpanKind.SERVER}
    assert [span.status.status_code for span in finished[:3]] == [StatusCode.UNSET, StatusCode.UNSET, StatusCode.ERROR]
    assert [span.attributes and span.attributes.get("error.type") for span in finished[:3]] == [
        None,
        None,
        "internal_error",
    ]
    assert finished[0].attributes
    assert str(finished[0].attributes["network.peer.address"]).startswith("tcp://127.0.0.1:")
    assert [event.name for event in finished[1].events] == ["exception"]
    # The handler ran within its span.
    assert trace == f"{finished[-1].context.trace_id:032x}"


def test_each_call_of_a_server_is_a_record_with_fields(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fastthrift.calls")
    with (
        fastthrift.Server(Desk(), "tcp://127.0.0.1:0", interceptors=[CallLog()]) as server,
        fastthrift.connect(MODULE.Desk, server.url) as client,
    ):
        work(client)
    records: list[Any] = [record for record in caplog.records if record.name == "fastthrift.calls"]
    assert [record.thrift_outcome for record in records] == ["ok", "exception", "internal_error", "ok", "ok"]
    assert [record.levelname for record in records] == ["INFO", "INFO", "WARNING", "INFO", "INFO"]
    first = records[0]
    assert (first.thrift_side, first.thrift_service, first.thrift_function) == ("server", "Desk", "twice")
    assert 0 < first.thrift_seconds < 60
    assert (first.thrift_request_bytes, records[3].thrift_reply_bytes) == (12, None)
    assert first.getMessage().startswith("Desk.twice ok in ")
