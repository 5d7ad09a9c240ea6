"""Spans of calls for OpenTelemetry: an interceptor for clients and servers, blocking or asyncio.

It needs the ``opentelemetry`` extra. The W3C trace context travels in the headers of the Header transport and of HTTP;
other transports have none, and there each side's spans stand alone::

    from fastthrift.tracing import OpenTelemetryTracing

    client = fastthrift.connect(Calculator, url, transport="header", interceptors=[OpenTelemetryTracing()])
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from opentelemetry import propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider

from fastthrift import Call
from fastthrift._observing import ANSWERED, carry_out

__all__ = ["OpenTelemetryTracing"]


class OpenTelemetryTracing:
    """Makes a span of each call; give one to any number of clients and servers as an interceptor.

    A span is named ``service/function`` and has the attributes ``rpc.system``, ``rpc.service``, ``rpc.method``,
    ``network.peer.address`` and, when the call failed, ``error.type``. An exception that the IDL declares is an answer:
    it is recorded, but does not make the span an error.

    Args:
        provider: Gives the tracer; by default the global one.

    Raises:
        TypeError: It is no provider.
    """

    def __init__(self, *, provider: TracerProvider | None = None) -> None:
        if provider is not None and not callable(getattr(provider, "get_tracer", None)):
            raise TypeError(f"provider must be an opentelemetry.trace.TracerProvider or None, got {provider!r:.40}")
        self._tracer = trace.get_tracer("fastthrift", tracer_provider=provider)

    def __call__(self, call: Call, proceed: Callable[[], object]) -> object:
        """Carry a call out within a span."""
        is_client = call.side == "client"
        parent = None if is_client else propagate.extract({name.lower(): value for name, value in call.headers.items()})
        attributes = {"rpc.system": "thrift", "rpc.service": call.service, "rpc.method": call.function}
        if call.peer is not None:
            attributes["network.peer.address"] = call.peer
        span = self._tracer.start_span(
            f"{call.service}/{call.function}",
            context=parent,
            kind=SpanKind.CLIENT if is_client else SpanKind.SERVER,
            attributes=attributes,
        )
        if is_client:
            propagate.inject(call.headers, context=trace.set_span_in_context(span))

        def around() -> AbstractContextManager[object]:
            return trace.use_span(span, record_exception=False, set_status_on_exception=False)

        return carry_out(call, proceed, lambda outcome, error: _end(span, outcome, error), around)


def _end(span: Span, outcome: str, error: BaseException | None) -> None:
    if error is not None:
        span.record_exception(error)
    if outcome not in ANSWERED:
        span.set_attribute("error.type", outcome)
        span.set_status(Status(StatusCode.ERROR, str(error)))
    span.end()
