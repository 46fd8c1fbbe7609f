"""Traces with OpenTelemetry: what a request or a training has spent its time on.

Off, and its packages are not loaded, but within `opened`. No span holds a path, a key, a value of a
statement, or the text of an error: these can name users.
"""

from __future__ import annotations

import logging
import os
import re
import socket
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from importlib.metadata import version
from threading import Thread
from time import time_ns
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, event

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

logger = logging.getLogger(__name__)

# The last spans are sent within this time at the end, or not at all.
STOP_S = 2.0
NOTHING = nullcontext()
# What a statement does, and the table that it names first; both are few words of our own.
VERB = re.compile(r"\s*(\w+)")
TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE)\s+(\w+)", re.IGNORECASE)

_tracer: Tracer | None = None
# When the statement of this thread has begun, in a trace.
_statement_begin: ContextVar[int | None] = ContextVar("statement_begin", default=None)


@contextmanager
def opened(share: float) -> Iterator[None]:
    """Send traces within the block, if a share of the requests is to be traced."""
    global _tracer  # noqa: PLW0603 (the one of this process)
    if not share or _tracer is not None:
        yield
        return
    provider = _provider()
    _tracer = provider.get_tracer("recommender", version("recommender"))
    for name, listener in STATEMENTS.items():
        event.listen(Engine, name, listener)
    try:
        yield
    finally:
        _tracer = None
        for name, listener in STATEMENTS.items():
            event.remove(Engine, name, listener)
        # It waits for a collector that does not answer longer than a service may take to its end.
        ending = Thread(target=provider.shutdown, daemon=True)
        ending.start()
        ending.join(STOP_S)


def begin(
    name: str, *, caller: Mapping[str, str] | None = None, **about: str | int
) -> AbstractContextManager[Span | None]:
    """Begin a trace, which continues that of a caller by its `traceparent`; None where it is off.

    A request is its `server` span.
    """
    if _tracer is None:
        return NOTHING
    from opentelemetry.context import Context  # noqa: PLC0415 (where it is on)
    from opentelemetry.trace import SpanKind  # noqa: PLC0415
    from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
        TraceContextTextMapPropagator,
    )

    context = TraceContextTextMapPropagator().extract(caller, Context()) if caller else Context()
    attributes = {f"recommender.{key}": value for key, value in about.items()}
    kind = SpanKind.INTERNAL if caller is None else SpanKind.SERVER
    return _span(name, context=context, attributes=attributes, kind=kind)


def step(name: str) -> AbstractContextManager[Span | None]:
    """Make a step of the trace in progress, if there is one."""
    return _span(name) if _is_traced() else NOTHING


def record(name: str, start: int, *, error: str | None = None, **attributes: str) -> None:
    """Make a step that ends now of what has begun at that time, in nanoseconds since 1970."""
    if _tracer is None:
        return
    span = _tracer.start_span(name, attributes=attributes, start_time=start)
    if error:
        fail(span, error)
    span.end()


def fail(span: Span, what: str) -> None:
    """Mark a span as failed."""
    from opentelemetry.trace import StatusCode  # noqa: PLC0415

    span.set_attribute("error.type", what)
    span.set_status(StatusCode.ERROR)


@contextmanager
def _span(name: str, **how: Any) -> Iterator[Span]:
    # Both would take the text of the error.
    how |= {"record_exception": False, "set_status_on_exception": False}
    with _tracer.start_as_current_span(name, **how) as span:  # type: ignore[union-attr]
        try:
            yield span
        except BaseException as error:
            fail(span, type(error).__qualname__)
            raise


def _is_traced() -> bool:
    if _tracer is None:
        return False
    from opentelemetry.trace import get_current_span  # noqa: PLC0415

    return get_current_span().is_recording()


def _provider() -> TracerProvider:
    """Return what sends spans to the collector that OTEL_EXPORTER_OTLP_ENDPOINT names."""
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON  # noqa: PLC0415

    ours = {
        "service.name": "recommender",
        "service.version": version("recommender"),
        "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
    }
    provider = TracerProvider(
        ALWAYS_ON,  # what is not traced makes no span at all
        resource=Resource(ours).merge(OTELResourceDetector().detect()),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BatchSpanProcessor(make_exporter()))
    return provider


def make_exporter() -> Any:
    """Return what sends spans over HTTP, and says once where it cannot."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.trace.export import SpanExportResult  # noqa: PLC0415

    # Several lines for each batch, every five seconds.
    logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)

    class Exporter(OTLPSpanExporter):
        """The usual one, which says little more than whether it works."""

        failing = False

        def export(self, spans: Any) -> SpanExportResult:
            result = super().export(spans)
            failing, self.failing = self.failing, result is not SpanExportResult.SUCCESS
            if self.failing and not failing:
                logger.error(
                    "traces cannot be sent, and are dropped: does the collector that "
                    "OTEL_EXPORTER_OTLP_ENDPOINT names answer?"
                )
            elif failing and not self.failing:
                logger.info("traces are sent again")
            return result

    return Exporter()


def _begin_statement(*_: Any) -> None:
    _statement_begin.set(time_ns() if _is_traced() else None)


def _end_statement(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
    _record_statement(statement)


def _fail_statement(failed: Any) -> None:
    _record_statement(failed.statement or "", type(failed.original_exception).__qualname__)


def _record_statement(statement: str, error: str | None = None) -> None:
    """Make a span of the statement that has ended; one that fails may have no other end."""
    start = _statement_begin.get()
    _statement_begin.set(None)
    if start is None:
        return
    verb, table = VERB.match(statement), TABLE.search(statement)
    attributes = {"db.operation.name": verb[1].upper() if verb else "statement"}
    if table:
        attributes["db.collection.name"] = table[1]
    record(" ".join(attributes.values()), start, error=error, **attributes)


STATEMENTS = {
    "before_cursor_execute": _begin_statement,
    "after_cursor_execute": _end_statement,
    "handle_error": _fail_statement,
}
