"""What stands between a connection and the embedded AWS."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from local_aws.http import Protocol

HEADERS = b"PUT /b/k HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n"


class Socket:
    """Keeps the options that were set."""

    def __init__(self) -> None:
        self.options: list[tuple[int, int, int]] = []

    def setsockopt(self, *option: int) -> None:
        self.options.append(option)  # type: ignore[arg-type]

    def getpeername(self) -> tuple[str, int]:
        return "127.0.0.1", 1

    getsockname = getpeername


class Transport(asyncio.Transport):
    def __init__(self, connection: Socket) -> None:
        super().__init__({"socket": connection})

    def is_closing(self) -> bool:
        return False


async def _no_answer(scope: Any, receive: Any, send: Any) -> None:
    await asyncio.Event().wait()


@pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="only Linux lets a program acknowledge at once")
@pytest.mark.parametrize(
    ("pieces", "acknowledged"),
    [([HEADERS, b"body"], 1), ([HEADERS, b"bo", b"dy"], 2), ([HEADERS + b"body"], 0)],
)
def test_what_came_of_a_request_is_acknowledged_at_once_while_the_rest_is_awaited(
    pieces: list[bytes], acknowledged: int
) -> None:
    """A client with Nagle's algorithm holds the rest back until then."""

    async def options_after() -> list[tuple[int, int, int]]:
        config = uvicorn.Config(_no_answer, http=Protocol, lifespan="off")
        config.load()
        connection, protocol = Socket(), Protocol(config, ServerState(), {})
        protocol.connection_made(Transport(connection))
        for piece in pieces:
            protocol.data_received(piece)
        for task in protocol.tasks:
            task.cancel()
        return connection.options

    assert asyncio.run(options_after()) == [(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)] * acknowledged
