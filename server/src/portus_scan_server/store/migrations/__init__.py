"""The migrations, for alembic: the newest is the schema that this program works with."""
