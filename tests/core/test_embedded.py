"""The embedded PostgreSQL comes back where it was."""

from __future__ import annotations

import socket

from core import embedded


def test_a_port_whose_connections_linger_is_free_and_one_that_is_listened_on_is_not() -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as PostgreSQL does
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        assert embedded._free_port(port) != port
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = server.accept()
            accepted.close()  # the server's side goes first, as when it dies: the port waits
    assert embedded._free_port(port) == port, "whoever was connected looks for the server there"
