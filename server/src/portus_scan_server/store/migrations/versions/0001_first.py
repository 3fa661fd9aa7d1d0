"""The first schema. Each database has its statements in a file of its own, which nobody changes."""

from portus_scan_server.store.migrating import statements_of

revision = "0001"
down_revision = None
upgrade = statements_of(__file__)
