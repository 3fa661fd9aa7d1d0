"""What intake keeps: events that came, how a sync went, when a schedule was followed last."""

from portus_scan_server.store.migrating import statements_of

revision = "0002"
down_revision = "0001"
upgrade = statements_of(__file__)
