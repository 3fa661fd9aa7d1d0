"""Whose programs may work with this schema; waking whoever waits for requests."""

from portus_scan_server.store.migrating import statements_of

revision = "0007"
down_revision = "0006"
upgrade = statements_of(__file__)
