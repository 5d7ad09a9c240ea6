"""Metrics, spans and log records of calls, on both sides."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import fastthrift
import pytest
from fastthrift import aio
from fastthrift.logs import CallLog
from fastthrift.metrics import PrometheusMetrics
from fastthrift.tracing import OpenTelemetryTracing
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, get_current_span
from prometheus_client import CollectorRegistry

from tests.python.engines import SERVERS, serving
from tests.python.loops import until

MODULE = fastthrift.loads(
    """
    exception Refused { 1: string why }
    exception Other { 1: string why }
    service Desk {
        i64 twice(1: i64 number) throws (1: Refused refused)
        oneway void note(1: i64 number)
        string trace_id()
        string wrong(1: string how) throws (1: Refused refused)
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

    def wrong(self, how: str) -> object:
        if how == "undeclared":
            raise MODULE.Other("nobody is told")
        if how == "exception":
            raise MODULE.Refused(why=5)
        return {"type": 5, "nothing": None, "size": "x" * 3000}[how]

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


class Told:
    """An interceptor that notes what it is told was refused, and fails then if it is to."""

    def __init__(self, *, fails: bool = False) -> None:
        self.refused_calls: list[tuple[str, str, int]] = []
        self.fails = fails

    def __call__(self, call: object, proceed: Any) -> Any:
        return proceed()

    def refused(self, service: str, function: str, error: fastthrift.TApplicationException) -> None:
        self.refused_calls.append((service, function, error.type))
        if self.fails:
            raise RuntimeError("not now")


class SlowDesk(Desk):
    def __init__(self) -> None:
        self.has_begun, self.go = threading.Event(), threading.Event()

    def twice(self, number: int) -> int:
        self.has_begun.set()
        assert self.go.wait(20)
        return 2 * number


@pytest.mark.parametrize("engine", SERVERS)
def test_calls_that_a_server_refuses_are_counted(engine: str) -> None:
    registry = CollectorRegistry()
    handler, told = SlowDesk(), Told()
    options: dict[str, Any] = {"interceptors": [PrometheusMetrics(registry=registry), told], "max_in_flight": 1}
    other = fastthrift.loads("service Desk { void other(), i64 twice(1: i64 number) }", module_name="refused_desk").Desk
    refusal = fastthrift.TApplicationException
    with (
        serving(engine, handler, "tcp://127.0.0.1:0", **options) as (url,),
        fastthrift.connect(MODULE.Desk, url, timeout=20) as client,
        fastthrift.connect(other, url, timeout=20) as stranger,
        fastthrift.connect(other, url, timeout=20, service_name="Nowhere") as lost,
        ThreadPoolExecutor(1) as pool,
    ):
        for call in (stranger.other, lost.other):
            with pytest.raises(refusal) as unknown:
                call()
            assert unknown.value.type == refusal.UNKNOWN_METHOD
        running = pool.submit(client.twice, 4)
        assert handler.has_begun.wait(20)
        for _ in range(3):
            with pytest.raises(refusal) as refused:
                stranger.twice(1)
            assert refused.value.type == refusal.LOADSHEDDING
        handler.go.set()
        assert running.result(20) == 8

    def value(service: str, function: str, outcome: str) -> float | None:
        where = {"side": "server", "service": service, "function": function, "outcome": outcome}
        return registry.get_sample_value("thrift_calls_total", where)

    assert value("Desk", "twice", "loadshedding") == 3
    assert value("Desk", "twice", "ok") == 1
    # A peer could call by any number of names.
    assert value("Desk", "", "unknown_method") == 1
    assert value("", "", "unknown_method") == 1
    labels = {"side": "server", "service": "Desk", "function": "twice"}
    assert registry.get_sample_value("thrift_call_seconds_count", labels) == 1
    assert registry.get_sample_value("thrift_calls_in_flight", labels) == 0
    unknown_ones = [("Desk", "", refusal.UNKNOWN_METHOD), ("", "", refusal.UNKNOWN_METHOD)]
    assert told.refused_calls == [*unknown_ones, *[("Desk", "twice", refusal.LOADSHEDDING)] * 3]


def test_who_is_told_of_refused_calls_and_fails_does_not_keep_the_peer_from_its_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raised: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda it: raised.append(str(it.exc_value)))
    told = Told(fails=True)
    processor = fastthrift.Processor(Desk(), transport="unframed", interceptors=[told])
    reply = processor.process(b"\x80\x01\0\x01\0\0\0\x04none\0\0\0\x01\0")
    assert reply is not None
    assert b"'Desk' has no function 'none'" in reply
    assert told.refused_calls == [("Desk", "", fastthrift.TApplicationException.UNKNOWN_METHOD)]
    assert raised == ["not now"]


def test_what_is_told_of_refused_calls_is_a_plain_function() -> None:
    class Waiting(Told):
        async def refused(self, service: str, function: str, error: fastthrift.TApplicationException) -> None:
            pass

    for engine in (fastthrift.Server, aio.Server):
        with pytest.raises(TypeError, match="'refused' of an interceptor must be a plain function"):
            engine(Desk(), "tcp://127.0.0.1:0", interceptors=[Waiting()])


@pytest.mark.parametrize("engine", SERVERS)
def test_what_the_peer_gets_no_reply_of_is_no_success(
    engine: str, spans: tuple[OpenTelemetryTracing, InMemorySpanExporter], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "fastthrift.calls")
    registry = CollectorRegistry()
    tracing, exporter = spans
    watching = [PrometheusMetrics(registry=registry), tracing, CallLog()]
    hows = ["type", "nothing", "size", "exception", "undeclared"]

    def all_of_them(call: Any, proceed: Any) -> Any:
        for each in watching:
            proceed = functools.partial(each, call, proceed)
        return proceed()

    class AllOfThem:
        def __call__(self, call: Any, proceed: Any) -> Any:
            return all_of_them(call, proceed)

    options: dict[str, Any] = {"interceptors": [AllOfThem()], "max_message_size": 2000}
    with (
        serving(engine, Desk(), "tcp://127.0.0.1:0", **options) as (url,),
        fastthrift.connect(MODULE.Desk, url) as client,
    ):
        for how in hows:
            with pytest.raises(fastthrift.TApplicationException, match="internal error in 'wrong'"):
                client.wrong(how)
        assert client.twice(1) == 2

    where = {"side": "server", "service": "Desk", "function": "wrong"}
    assert registry.get_sample_value("thrift_calls_total", {**where, "outcome": "internal_error"}) == len(hows)
    assert registry.get_sample_value("thrift_calls_total", {**where, "outcome": "ok"}) is None
    assert registry.get_sample_value("thrift_calls_in_flight", where) == 0
    finished = exporter.get_finished_spans()
    assert [span.status.status_code for span in finished] == [StatusCode.ERROR] * len(hows) + [StatusCode.UNSET]
    for span in finished[:-1]:
        assert span.attributes
        assert span.attributes["error.type"] == "internal_error"
    records: list[Any] = [record for record in caplog.records if record.name == "fastthrift.calls"]
    assert [record.thrift_outcome for record in records] == ["internal_error"] * len(hows) + ["ok"]
    # The reply was written when the record was.
    assert records[-1].thrift_reply_bytes > 0


def test_a_call_whose_client_leaves_ends_for_the_metrics_too() -> None:
    registry = CollectorRegistry()
    metrics = PrometheusMetrics(registry=registry)
    labels = {"side": "server", "service": "Desk", "function": "twice"}

    def in_flight() -> float | None:
        return registry.get_sample_value("thrift_calls_in_flight", labels)

    class Stubborn(Desk):
        async def twice(self, number: int) -> int:  # type: ignore[override]
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
            return number

    async def main() -> None:
        async with aio.Server(Stubborn(), "tcp://127.0.0.1:0", interceptors=[metrics]) as server:
            port = int(server.url.rpartition(":")[2])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            call = b"\x80\x01\x00\x01\x00\x00\x00\x05twice\x00\x00\x00\x01\x0a\x00\x01" + bytes(9)
            writer.write(len(call).to_bytes(4, "big") + call)
            await until(in_flight)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            assert await reader.read() == b""
            await until(lambda: not in_flight())

    asyncio.run(asyncio.wait_for(main(), 30))
    assert registry.get_sample_value("thrift_calls_total", {**labels, "outcome": "ok"}) == 1


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
