"""News, and the outbox of their messages."""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables."""
    file = Path(__file__).with_name(f"0006_news.{op.get_bind().dialect.name}.sql")
    for statement in file.read_text().split(";\n"):
        if statement.strip():
            op.get_bind().exec_driver_sql(statement)
