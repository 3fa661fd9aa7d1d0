"""The first schema. Each database has its statements in a file of its own, which nobody changes."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    file = Path(__file__).with_name(f"0001_first.{op.get_bind().dialect.name}.sql")
    for statement in file.read_text().split(";\n"):
        if statement.strip():
            op.get_bind().exec_driver_sql(statement)
