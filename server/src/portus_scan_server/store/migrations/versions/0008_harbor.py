"""Scans that Harbor has asked for."""

from portus_scan_server.store.migrating import statements_of

revision = "0008"
down_revision = "0007"
upgrade = statements_of(__file__)
