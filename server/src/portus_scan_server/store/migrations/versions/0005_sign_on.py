"""Who has signed in."""

from portus_scan_server.store.migrating import statements_of

revision = "0005"
down_revision = "0004"
upgrade = statements_of(__file__)
