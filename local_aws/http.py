"""uvicorn's HTTP protocol, with what it does not do: limit the headers' length and strip blanks from their values."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LONGEST = 1024 * 1024
"""Maximum bytes of a request before its body."""


class Protocol(HttpToolsProtocol):
    """One connection."""

    _head: int | None = None
    """Bytes received of a request whose headers are incomplete."""

    def on_message_begin(self) -> None:
        self._head = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value.strip(b" \t"))

    def on_headers_complete(self) -> None:
        self._head = None
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head is not None and not self.transport.is_closing():
            self._head += len(data)
            if self._head > LONGEST:
                self.send_400_response(f"The headers are longer than {LONGEST} bytes.")
