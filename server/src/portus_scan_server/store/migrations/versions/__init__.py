"""One module a migration; nothing imports them but alembic."""
