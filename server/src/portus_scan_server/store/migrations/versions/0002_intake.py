"""What intake keeps: events that came, how a sync went, when a schedule was followed last."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables and columns."""
    file = Path(__file__).with_name(f"0002_intake.{op.get_bind().dialect.name}.sql")
    for statement in file.read_text().split(";\n"):
        if statement.strip():
            op.get_bind().exec_driver_sql(statement)
