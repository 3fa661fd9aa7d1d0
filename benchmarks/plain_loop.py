"""A loop without a queue that claims requests and ends them, which row 14 compares with: a process of its own.

It says that it is connected, and begins when its stdin ends.
"""

from __future__ import annotations

import sys

import psycopg

_CLAIM = """
update requests set state = 'running', owner = %s, attempt = attempt + 1, claimed_at = now(), error = ''
where id = (
    select id from requests where state = 'queued' and due_at <= now() order by priority desc, id
    for update skip locked limit 1)
returning id, attempt"""
_END = """
update requests set state = 'failed', ended_at = now()
where id = %s and attempt = %s and owner = %s and state = 'running'"""


def run(address: str, owner: str) -> None:
    """Claim and end, a transaction each, until there is nothing."""
    with psycopg.connect(address, autocommit=True) as connection:
        print("connected", flush=True)
        sys.stdin.read()
        while (row := connection.execute(_CLAIM, (owner,)).fetchone()) is not None:
            connection.execute(_END, (*row, owner))


if __name__ == "__main__":
    run(*sys.argv[1:])
