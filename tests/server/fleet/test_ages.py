"""Workers whose vulnerability data differs in age."""

from __future__ import annotations

from datetime import UTC, datetime

from portus_scan_server.requests import Reason
from portus_scan_server.scanner_states import ScannerStates
from portus_scan_server.store import Store, database_now, tables
from portus_scanners import Database, ScannerHealth, Settings
from portus_scanners_testing import StandInRegistry
from sqlalchemy import select, update

from ..test_requests import asked
from ..test_runner import configuration, running
from .workers import push_images, states, until


class Told:
    """An engine whose one scanner has data of a date."""

    def __init__(self, date: datetime) -> None:
        self.date = date

    async def check_health(self) -> tuple[ScannerHealth, ...]:
        """Return that it is well."""
        database = Database(identity=f"{self.date}", updated=self.date)
        return (ScannerHealth(scanner="dummy", healthy=True, message="", elapsed=0, database=database),)


async def test_the_newest_data_is_what_counts(store: Store) -> None:
    """A process with older data than another one knows it, and leaves that as what counts until it is an hour gone."""
    new, old = datetime(2026, 2, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    settings = Settings.from_mapping({"security": {"dummy": {"server": "any"}}})
    engines = Told(new), Told(old)
    one, other = (ScannerStates(store, engine, settings) for engine in engines)  # type: ignore[arg-type]
    rows = tables.scanners.c

    async def noted() -> datetime:
        await one.ask()
        await other.ask()
        async with store.reading() as db:
            return (await db.execute(select(rows.database_updated))).scalar_one()

    for _ in range(2):
        assert (new, set(), {"dummy"}) == (await noted(), one.older, other.older)
    engines[1].date = new
    assert (new, set(), set()) == (await noted(), one.older, other.older)
    engines[0].date = engines[1].date = old
    assert (new, {"dummy"}, {"dummy"}) == (await noted(), one.older, other.older)
    async with store.writing() as db:
        await db.execute(update(tables.scanners).values(asked_at=database_now(-3601)))
    assert (old, set(), set()) == (await noted(), one.older, other.older)


async def test_who_has_older_data_takes_no_re_scans(store: Store, registry: StandInRegistry) -> None:
    """Pushes are scanned all the same; re-scans are left to others until its data is the newest again."""
    await asked(store, "a", Reason.RESCAN)
    settings = configuration(registry.reference("x", "y").partition("/")[0])
    async with running(store, settings) as runner:
        runner.takes_rescans = False
        await push_images(store, registry, 2)
        await until(store, lambda are: are["done"] == 2)
        assert {"queued": 1, "done": 2} == await states(store)
        runner.takes_rescans = True
        await until(store, lambda are: are["failed"] == 1)  # nobody has such an image
