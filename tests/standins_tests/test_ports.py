"""A port for a program is free, and stays so until the program has it."""

from __future__ import annotations

import socket

from standins.ports import free_port


def test_a_free_port_is_given_to_no_connection(unused_tcp_port: int) -> None:
    """A server can have it, and a connection's own port is above all such ports."""
    ports = free_port(), unused_tcp_port
    with (
        socket.create_server(("127.0.0.1", ports[0])),
        socket.create_server(("127.0.0.1", ports[1])) as server,
        socket.create_connection(server.getsockname()) as connection,
    ):
        assert max(ports) < connection.getsockname()[1]
