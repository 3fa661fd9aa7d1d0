"""The schema's versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from portus_scan_server.store import SchemaError, backup, check, current, parse_url, sqlite_url, tables, upgrade
from sqlalchemy import Connection, Select, create_engine, inspect, select, table, text

DATA = Path(__file__).with_name("data")


def connect(address: str) -> Any:
    """Return an engine that blocks."""
    url = parse_url(address)
    return create_engine(url.set(drivername="sqlite") if url.get_backend_name() == "sqlite" else url)


def test_an_empty_database_is_brought_to_the_newest_schema_once(empty_database: str) -> None:
    """Before the upgrade the check says what to type; after it, it is silent, and a second one changes nothing."""
    with pytest.raises(SchemaError, match=r"is empty, this program needs .*: portus-scan db upgrade"):
        check(empty_database)
    assert ("", tables.SCHEMA) == upgrade(empty_database)
    assert (tables.SCHEMA, tables.SCHEMA) == upgrade(empty_database)
    check(empty_database)


def test_a_later_schema_is_left_alone(database: str) -> None:
    """A later schema that says that this program goes with it is used and not changed; another one is refused."""
    engine = connect(database)
    with engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    check(database)
    assert ("9999", "9999") == upgrade(database)
    with engine.begin() as connection:
        connection.execute(text("delete from programs"))
    engine.dispose()
    for refuses in (check, upgrade):
        with pytest.raises(SchemaError, match="9999, which is later than this program"):
            refuses(database)
    assert "9999" == current(database)


def test_the_migrations_make_the_schema_that_the_code_has(database: str) -> None:
    """Each table, column, key and index that the code names is in a migrated database, and no other."""
    engine = connect(database)
    with engine.begin() as connection:
        assert _expected(engine.dialect.name) == _found(connection)
    engine.dispose()


def _expected(dialect: str) -> dict[str, object]:
    ours = {None, dialect}
    return {
        here.name: (
            {(column.name, bool(column.nullable)) for column in here.columns if column.info.get(tables.ONLY) in ours},
            {str(index.name) for index in here.indexes} | _of_arrays(here.name, dialect),
            {(key.parent.name, key.column.table.name, key.ondelete) for key in here.foreign_keys},
        )
        for here in tables.metadata.sorted_tables
        if here.info.get(tables.ONLY) in ours
    }


def _of_arrays(table: str, dialect: str) -> set[str]:
    """Return the one index that only PostgreSQL's own words can make."""
    return {"ix_finding_sets_finding_ids"} if (table, dialect) == ("finding_sets", "postgresql") else set()


def _found(connection: Connection) -> dict[str, object]:
    look = inspect(connection)
    uniques = {name: {one["name"] for one in look.get_unique_constraints(name)} for name in look.get_table_names()}
    return {
        name: (
            {(one["name"], one["nullable"]) for one in look.get_columns(name)},
            {one["name"] for one in look.get_indexes(name)} - uniques[name],
            {
                (one["constrained_columns"][0], one["referred_table"], one["options"].get("ondelete"))
                for one in look.get_foreign_keys(name)
            },
        )
        for name in look.get_table_names()
        if name != "alembic_version"
    }


@pytest.mark.parametrize("version", sorted(path.name.partition(".")[0] for path in DATA.glob("*.sql")))
def test_data_of_each_schema_survives_the_upgrade(empty_database: str, version: str) -> None:
    """A row of every table of an earlier schema is there after the upgrade, each column with what it had."""
    upgrade(empty_database, version)
    engine = connect(empty_database)
    with engine.begin() as connection:
        for statement in (DATA / f"{version}.sql").read_text().split(";\n"):
            if statement.strip() and _is_for(statement, engine.dialect.name):
                connection.execute(text(statement))
        before = _rows(connection)
    assert set(before) == {name for name, rows in before.items() if rows}
    upgrade(empty_database)
    with engine.begin() as connection:
        after = _rows(connection)
    engine.dispose()
    before.pop(tables.programs.name, None)  # what says which programs go with the schema is each schema's own
    for name, rows in before.items():
        kept = [{column: row[column] for column in rows[0]} for row in after[name]]
        assert rows == kept


def _is_for(statement: str, dialect: str) -> bool:
    first = statement.strip().partition("\n")[0]
    return not first.startswith("-- only ") or first == f"-- only {dialect}"


def _rows(connection: Connection) -> dict[str, list[dict[str, object]]]:
    names = [name for name in inspect(connection).get_table_names() if name != "alembic_version"]
    return {name: [dict(row) for row in connection.execute(_all(name)).mappings()] for name in names}


def _all(name: str) -> Select[Any]:
    return select(text("*")).select_from(table(name))


def test_a_backup_is_the_whole_database(tmp_path: Path) -> None:
    """A copy that was made while the database is open has its rows; one is never written over another."""
    address, target = sqlite_url(tmp_path / "a.db"), tmp_path / "copy.db"
    upgrade(address)
    engine = connect(address)
    with engine.begin() as connection:
        connection.execute(text("insert into registries (host) values ('r.example')"))
    with engine.connect():
        backup(address, target)
    engine.dispose()
    copied = connect(sqlite_url(target))
    with copied.connect() as connection:
        assert [("r.example",)] == connection.execute(text("select host from registries")).all()
    copied.dispose()
    check(sqlite_url(target))
    with pytest.raises(FileExistsError):
        backup(address, target)
