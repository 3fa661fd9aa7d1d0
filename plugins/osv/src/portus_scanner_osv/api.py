"""OSV.dev's API: which vulnerabilities packages have, and their records."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from portus_scanners import InvalidReportError, ScannerError, ScannerUnavailableError
from portus_scanners.backends import HttpAnswer, HttpBackend, structure_answer

from .queries import Query
from .wire import BatchResponse, QueryResult, Vulnerability

BATCH_SIZE = 1000
"""Queries in one request, by the server's limit."""
MOST_PAGES = 100
"""Most pages of one batch, far more than any batch has."""
AT_ONCE = 8
"""Records that are fetched at the same time."""
BATCH = "OSV.dev's answer to the queries"


class UnknownEcosystemError(ScannerError):
    """The server rejects a request since it does not know an ecosystem in it."""


class OsvApi:
    """The client of OSV.dev's API.

    Args:
        backend: The API's server.
    """

    def __init__(self, backend: HttpBackend) -> None:
        self._backend = backend

    async def find(self, queries: Sequence[Query], *, timeout: float | None = None) -> Mapping[Query, Collection[str]]:
        """Return the ids of the vulnerabilities that each query has."""
        found: dict[Query, dict[str, None]] = {query: {} for query in queries}
        for start in range(0, len(queries), BATCH_SIZE):
            waiting = [(query, "") for query in queries[start : start + BATCH_SIZE]]
            for _ in range(MOST_PAGES):
                waiting = await self._find_page(waiting, found, timeout)
                if not waiting:
                    break
            else:
                raise InvalidReportError(BATCH, faults=[f"$.results: there are more than {MOST_PAGES} pages"])
        return found

    async def find_known(self, queries: Sequence[Query]) -> tuple[Mapping[Query, Collection[str]], Collection[str]]:
        """Return what `find` returns, and the ecosystems that the server rejects; their queries found nothing."""
        try:
            return await self.find(queries), ()
        except UnknownEcosystemError:
            by_ecosystem: dict[str, list[Query]] = defaultdict(list)
            for query in queries:
                by_ecosystem[query.osv_ecosystem].append(query)
        found: dict[Query, Collection[str]] = {}
        rejected = []
        for name, some in by_ecosystem.items():
            try:
                found |= await self.find(some)
            except UnknownEcosystemError:
                found |= dict.fromkeys(some, ())
                rejected.append(name)
        return found, rejected

    async def fetch_all(self, ids: Collection[str], fetched: Callable[[int], None]) -> Mapping[str, Vulnerability]:
        """Return the record of each id, fetching a few at a time; call *fetched* with the number of records so far."""
        slots, records = asyncio.Semaphore(AT_ONCE), dict[str, Vulnerability]()

        async def fetch(name: str) -> None:
            async with slots:
                records[name] = await self._fetch(name)
            fetched(len(records))

        await _all_or_first_error([fetch(name) for name in ids])
        return records

    async def _find_page(
        self, waiting: list[tuple[Query, str]], found: Mapping[Query, dict[str, None]], timeout: float | None
    ) -> list[tuple[Query, str]]:
        """Send the waiting queries, and return those that have more pages."""
        bodies = [{**query.body, **({"page_token": token} if token else {})} for query, token in waiting]
        answer = _checked(
            await self._backend.request("POST", "/v1/querybatch", json={"queries": bodies}, timeout=timeout)
        )
        results = await answer.parse(lambda answer: _read_batch(answer, len(bodies)))
        for (query, _), result in zip(waiting, results, strict=True):
            found[query].update(dict.fromkeys(one.id for one in result.vulns))
        return [
            (query, result.next_page_token)
            for (query, _), result in zip(waiting, results, strict=True)
            if result.next_page_token
        ]

    async def _fetch(self, name: str) -> Vulnerability:
        answer = _checked(await self._backend.request("GET", f"/v1/vulns/{quote(name, safe='', errors='replace')}"))
        return await answer.parse(lambda answer: _read_record(answer, name))


async def _all_or_first_error(works: Sequence[Awaitable[Any]]) -> None:
    """Await all; if one fails, cancel the others and raise its error."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(_await(work))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors


async def _await(work: Awaitable[Any]) -> None:
    await work


def _read_batch(answer: HttpAnswer, count: int) -> tuple[QueryResult, ...]:
    results = structure_answer(answer.json(), BatchResponse, BATCH).results
    if len(results) != count:
        raise InvalidReportError(BATCH, faults=[f"$.results: expected {count}, got {len(results)}"])
    return results


def _read_record(answer: HttpAnswer, name: str) -> Vulnerability:
    record = structure_answer(answer.json(), Vulnerability, "OSV.dev's record")
    if record.id != name:
        raise InvalidReportError("OSV.dev's record", faults=["$.id: this is not the record that was asked for"])
    return record


def _checked(answer: HttpAnswer) -> HttpAnswer:
    if answer.status == HTTPStatus.OK:
        return answer
    text = f"OSV.dev answered HTTP {answer.status}: {answer.excerpt or 'nothing more'}"
    if answer.status == HTTPStatus.BAD_REQUEST and "ecosystem" in answer.excerpt.casefold():
        raise UnknownEcosystemError(text)
    raise ScannerUnavailableError(text) if answer.unavailable else ScannerError(text)
