"""Who has signed in."""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table."""
    file = Path(__file__).with_name(f"0005_sign_on.{op.get_bind().dialect.name}.sql")
    for statement in file.read_text().split(";\n"):
        if statement.strip():
            op.get_bind().exec_driver_sql(statement)
