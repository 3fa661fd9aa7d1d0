"""When a cluster last wanted to run an image."""

from portus_scan_server.store.migrating import statements_of

revision = "0004"
down_revision = "0003"
upgrade = statements_of(__file__)
