"""A network connection between client and server that breaks at a chosen moment."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class BreakingProxy:
    """Forwards traffic, and disconnects a client that sent `after` when its server sends `at`.

    That last message of the server is not forwarded. Other connections are not affected.
    """

    def __init__(self, server: int, *, after: bytes, at: bytes) -> None:
        self.server, self.after, self.at = server, after, at
        self.cut = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self.server))
                said = threading.Event()
                for pipe in (self._requests, self._answers):
                    threading.Thread(target=pipe, args=(client, server, said), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket, said: threading.Event) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                if self.after in data:
                    said.set()
                server.sendall(data)
        self._end(client, server)

    def _answers(self, client: socket.socket, server: socket.socket, said: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if said.is_set() and self.at in data:
                    self.cut += 1
                    break
                client.sendall(data)
        self._end(client, server)

    @staticmethod
    def _end(*sides: socket.socket) -> None:
        for side in sides:
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()
