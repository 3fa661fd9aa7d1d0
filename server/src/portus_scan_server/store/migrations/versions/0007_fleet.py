"""Whose programs may work with this schema; waking whoever waits for requests."""

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table and, on PostgreSQL, the trigger."""
    file = Path(__file__).with_name(f"0007_fleet.{op.get_bind().dialect.name}.sql")
    for statement in file.read_text().split(";\n"):
        if statement.strip():
            op.get_bind().exec_driver_sql(statement)
