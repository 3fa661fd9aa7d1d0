"""Tokens of programs; requests are found by their image."""

from portus_scan_server.store.migrating import statements_of

revision = "0003"
down_revision = "0002"
upgrade = statements_of(__file__)
