"""What readiness says of the database's schema."""

from __future__ import annotations

from portus_scan_server.store import Store, tables
from sqlalchemy import text

from .api.answering import answering
from .views.world import RULES


async def test_a_schema_that_does_not_go_with_this_program_is_named(store: Store, database: str) -> None:
    """A later schema says what to install and an earlier one what to run; a later one that only adds is no reason."""
    async with answering(store, database, RULES) as api:

        async def said(version: str) -> str:
            async with store.writing() as db:
                await db.execute(text("update alembic_version set version_num = :version"), {"version": version})
            async with api.http.get(f"{api.url}/readyz") as response:
                return f"{response.status} {await response.text()}"

        asked = await said("9999")
        assert "9999" not in asked
        assert "503" in (old := await said("0007"))
        assert f"the database is at 0007, this program needs {tables.SCHEMA}: portus-scan db upgrade" in old
        async with store.writing() as db:
            await db.execute(text("delete from programs"))
        assert "503" in (new := await said("9999"))
        assert "the database is at 9999, which is later than this program: install the newer version" in new
