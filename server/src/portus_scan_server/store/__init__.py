"""What is kept: one database, its schema, and findings, runs and the catalogue in and out of it.

`database.py` opens it, `migrating.py` brings it to this program's schema, `schema.py` has the tables, `job_schema.py`
those of procrastinate. `runs.py` stores runs over `sets.py` and `finding_bodies.py`, `catalogue.py` what registries
have. Everything works in a transaction that the caller has from `Store.reading` or `Store.writing`, but `retention.py`.
"""

from . import schema as tables
from .catalogue import (
    insert_into,
    load_image,
    put_details,
    put_image,
    put_in_repository,
    put_index,
    put_registry,
    put_repository,
    put_row,
    put_tag,
    read_image,
)
from .database import (
    CONNECT_TIMEOUT,
    ON_CONNECT,
    POSTGRESQL,
    SQLITE,
    Store,
    StoreDamagedError,
    StoreUnavailableError,
    guarded,
    lock_key,
    parse_url,
    sqlite_url,
    words_of_driver,
)
from .finding_bodies import column_string, lookup_name, names_in
from .job_schema import JOBS, SchemaError
from .migrating import backup, check, current, upgrade
from .retention import is_out_of_use, remove_old
from .runs import (
    PreparedRun,
    load_answers,
    load_runs,
    named_runs,
    prepare_run,
    read_made_with,
    repeat_runs,
    store_run,
)
from .sets import findings_named, has_one_of, ids_named, sets_having
from .types import database_now, one_of

__all__ = [
    "CONNECT_TIMEOUT",
    "JOBS",
    "ON_CONNECT",
    "POSTGRESQL",
    "SQLITE",
    "PreparedRun",
    "SchemaError",
    "Store",
    "StoreDamagedError",
    "StoreUnavailableError",
    "backup",
    "check",
    "column_string",
    "current",
    "database_now",
    "findings_named",
    "guarded",
    "has_one_of",
    "ids_named",
    "insert_into",
    "is_out_of_use",
    "load_answers",
    "load_image",
    "load_runs",
    "lock_key",
    "lookup_name",
    "named_runs",
    "names_in",
    "one_of",
    "parse_url",
    "prepare_run",
    "put_details",
    "put_image",
    "put_in_repository",
    "put_index",
    "put_registry",
    "put_repository",
    "put_row",
    "put_tag",
    "read_image",
    "read_made_with",
    "remove_old",
    "repeat_runs",
    "sets_having",
    "sqlite_url",
    "store_run",
    "tables",
    "upgrade",
    "words_of_driver",
]
