"""News, and the outbox of their messages."""

from portus_scan_server.store.migrating import statements_of

revision = "0006"
down_revision = "0005"
upgrade = statements_of(__file__)
