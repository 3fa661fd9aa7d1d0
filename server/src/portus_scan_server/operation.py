"""What operators see of the service: whether it lives, whether it is ready and why not, figures.

No figure has a label with an image, a repository or a person: their number has no limit, and who reads the figures may
not be allowed to see them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Middleware
from attrs import frozen
from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Row, case, func, select, text

from .access import public
from .store import SchemaError, Store, StoreUnavailableError, check, database_now, tables
from .supervisor import Supervisor
from .views import count_unwell

_ANSWER = 1.0
"""Seconds within which the database has to answer for the service to be ready."""
_UNHEARD = 300
"""Seconds after which a runner that asks no scanner is not well."""
_HOUR = 3600
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

requests, scanners, summaries = tables.requests, tables.scanners, tables.summaries


def add_operation(application: web.Application, store: Store, supervisor: Supervisor, address: str) -> None:
    """Add ``/healthz``, ``/readyz`` and ``/metrics``, which answer to anybody, and measure all requests."""
    measured = CollectorRegistry()
    ProcessCollector(namespace="portus_scan", registry=measured)
    times = Histogram(
        "portus_scan_http_request_seconds",
        "Time until a request was answered, by the route's pattern.",
        ("method", "route", "status"),
        registry=measured,
    )

    @public
    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    @public
    async def readyz(_request: web.Request) -> web.Response:
        reasons = [reason async for reason in _why_not_ready(store, supervisor, address)]
        warnings = [warning async for warning in _what_needs_a_person(store)]
        body: dict[str, Any] = {"status": "not ready", "reasons": reasons} if reasons else {"status": "ready"}
        if warnings:
            body["warnings"] = warnings
        return web.json_response(body, status=503 if reasons else 200)

    @public
    async def metrics(_request: web.Request) -> web.Response:
        now = CollectorRegistry()
        now.register(Figures(supervisor, await _read(store)))
        body = generate_latest(measured) + generate_latest(now)
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    application.middlewares.insert(0, _measuring(times))
    application.router.add_get("/healthz", healthz)
    application.router.add_get("/readyz", readyz)
    application.router.add_get("/metrics", metrics)


def _measuring(times: Histogram) -> Middleware:
    """Return the middleware that measures how long each answer takes."""

    @web.middleware
    async def measure(request: web.Request, handler: Callable[..., Awaitable[web.StreamResponse]]) -> Any:
        begun, status = time.perf_counter(), 500
        try:
            response = await handler(request)
            status = response.status
        except web.HTTPException as error:
            status = error.status
            raise
        else:
            return response
        finally:
            resource = request.match_info.route.resource
            route = resource.canonical if resource is not None else "none"
            method = request.method if request.method in _METHODS else "other"
            times.labels(method, route, str(status)).observe(time.perf_counter() - begun)

    return measure


async def _why_not_ready(store: Store, supervisor: Supervisor, address: str) -> AsyncIterator[str]:
    """Yield a sentence for each thing that keeps the service from doing its work."""
    if supervisor.stopping:
        yield "it is being stopped"
    elif supervisor.wanted and not supervisor.running:
        yield "the runner does not run"
    late = func.count(case((scanners.c.asked_at < database_now(-_UNHEARD), 1)))
    query = select(func.count().label("asked"), late.label("late")).select_from(scanners)
    try:
        async with asyncio.timeout(_ANSWER), store.reading() as db:
            if await db.scalar(text("select version_num from alembic_version")) != tables.SCHEMA:
                await asyncio.to_thread(check, address)  # a later one may go with this program
            found = (await db.execute(query)).one()
    except TimeoutError:
        yield f"the database does not answer within {_ANSWER:g} s"
    except (SchemaError, StoreUnavailableError) as error:
        yield str(error)
    else:
        who = "the runner has asked no scanner" if supervisor.wanted else "no worker has asked a scanner"
        if found.late:
            yield f"{who} for {_UNHEARD} s, of so many: {found.late}"
        if not found.asked:
            yield f"{who} yet"


async def _what_needs_a_person(store: Store) -> AsyncIterator[str]:
    """Yield a sentence for each thing that keeps the service from nothing, and that somebody should look at.

    The hosts of registries are for those who may see them: `/queue` has them.
    """
    try:
        async with asyncio.timeout(_ANSWER), store.reading() as db:
            failed, held = await count_unwell(db)
    except (TimeoutError, StoreUnavailableError):
        return
    if failed:
        yield f"the last sync could not read everything, of so many registries: {failed}"
    if held:
        yield f"removals are held back until an admin confirms them, of so many registries: {held}"


@frozen(kw_only=True)
class StoreFigures:
    """What the database says at one moment.

    Attributes:
        now: Its clock.
        requests: State, reason, number, the earliest time at which one was or is due; of those that ended, in an hour.
        images: Verdict and number.
        scanners: The rows of `scanners`.
        unwell: See `count_unwell`.
        deliveries: State and number of the messages that have not arrived.
    """

    now: datetime
    requests: Sequence[Row[Any]]
    images: Sequence[Row[Any]]
    scanners: Sequence[Row[Any]]
    unwell: tuple[int, int]
    deliveries: Sequence[Row[Any]]


async def _read(store: Store) -> StoreFigures | None:
    """Return the figures; None where the database can't be used, which is a figure as well."""
    counted = (
        requests.c.ended_at.is_(None) | (requests.c.ended_at > database_now(-_HOUR)) | (requests.c.state == "dead")
    )
    due = func.min(case((requests.c.state == "queued", requests.c.due_at))).label("due")
    columns = requests.c.state, requests.c.reason
    by_state = select(*columns, func.count().label("number"), due).where(counted).group_by(*columns)
    by_verdict = select(summaries.c.verdict, func.count().label("number")).group_by(summaries.c.verdict)
    told = tables.deliveries.c.state
    not_arrived = select(told, func.count().label("number")).where(told != "sent").group_by(told)
    try:
        async with asyncio.timeout(5 * _ANSWER), store.reading() as db:
            return StoreFigures(
                now=(await db.execute(select(database_now().label("now")))).scalar_one(),
                requests=(await db.execute(by_state)).all(),
                images=(await db.execute(by_verdict)).all(),
                scanners=(await db.execute(select(scanners))).all(),
                unwell=await count_unwell(db),
                deliveries=(await db.execute(not_arrived)).all(),
            )
    except (TimeoutError, StoreUnavailableError):
        return None


class Figures(Collector):
    """The figures of one moment, as Prometheus collects them.

    Args:
        supervisor: The runner's parent.
        found: What the database says.
    """

    def __init__(self, supervisor: Supervisor, found: StoreFigures | None) -> None:
        self._supervisor = supervisor
        self._found = found

    def collect(self) -> Iterator[Metric]:
        """Yield all figures."""
        up = GaugeMetricFamily("portus_scan_up", "Whether a part works: runner, database.", labels=["part"])
        if self._supervisor.wanted:
            up.add_metric(["runner"], self._supervisor.running)
        up.add_metric(["database"], self._found is not None)
        yield up
        yield CounterMetricFamily("portus_scan_runner_deaths", "Runners that have died.", value=self._supervisor.deaths)
        if self._found is not None:
            yield from _of_requests(self._found)
            images = [(row.verdict, row.number) for row in self._found.images]
            yield _gauge("images", "Images with a summary, by verdict.", "verdict", images)
            unwell = zip(("sync_failed", "removals_held"), self._found.unwell, strict=True)
            yield _gauge("registries_unwell", "Registries that somebody should look at.", "why", unwell)
            news = [(row.state, row.number) for row in self._found.deliveries]
            yield _gauge("deliveries", "Messages that have not arrived.", "state", news)
            yield from _of_scanners(self._found)


def _gauge(name: str, words: str, label: str, values: Iterable[tuple[str, float]]) -> Metric:
    made = GaugeMetricFamily(f"portus_scan_{name}", words, labels=[label])
    for which, value in values:
        made.add_metric([which], value)
    return made


def _of_requests(found: StoreFigures) -> Iterator[Metric]:
    waiting = GaugeMetricFamily("portus_scan_requests", "Requests that have not ended.", labels=["state", "reason"])
    ended = GaugeMetricFamily(
        "portus_scan_requests_ended_last_hour", "Requests that ended within an hour.", labels=["state", "reason"]
    )
    for row in found.requests:
        (ended if row.state in {"done", "failed"} else waiting).add_metric([row.state, row.reason], row.number)
    due = [row.due for row in found.requests if row.due is not None]
    late = max((found.now - min(due)).total_seconds(), 0.0) if due else 0.0
    yield from (waiting, ended)
    yield GaugeMetricFamily("portus_scan_requests_late_seconds", "How long the oldest request is due.", value=late)


def _of_scanners(found: StoreFigures) -> Iterator[Metric]:
    healthy = [(row.name, row.healthy) for row in found.scanners if row.healthy is not None]
    yield _gauge("scanner_healthy", "Whether its backend works.", "scanner", healthy)
    asked = [(row.name, (found.now - row.asked_at).total_seconds()) for row in found.scanners]
    yield _gauge("scanner_asked_seconds", "Time since it was asked.", "scanner", asked)
    dated = [(row.name, row.database_updated) for row in found.scanners if row.database_updated is not None]
    ages = [(name, (found.now - date).total_seconds()) for name, date in dated]
    yield _gauge("scanner_database_age_seconds", "Age of its data.", "scanner", ages)
