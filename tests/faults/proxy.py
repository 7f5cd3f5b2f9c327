"""A TCP proxy on loopback between the exchange and a real source, which goes wrong on demand."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress

_PIECE = 4096


class Proxy:
    """Passes everything to `target`; `fault` says how it goes wrong from now on, after `after` bytes of the source's words:

    down    nobody listens
    hang    the connection stays, but no further byte comes
    reset   the connection is torn down (RST)
    garbled a few bytes come as others
    slow    the rest comes in drops
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.fault: str | None = None
        self.after = 0
        self.hits = 0
        self._listener = self._listen(0)
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []

    def break_(self, fault: str, after: int = 0) -> None:
        """Go wrong in that way."""
        self.fault, self.after, self.hits = fault, after, 0
        if fault == "down":
            self._shut()
            self.hits = 1

    def mend(self) -> None:
        """Pass everything again; what hangs is let go."""
        was, self.fault = self.fault, None
        for end in self._open:
            with suppress(OSError):
                end.close()
        self._open.clear()
        if was == "down":
            self._listener = self._listen(self.port)

    def close(self) -> None:
        """No longer listen."""
        self.mend()
        self._shut()

    def _shut(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            self._open += [near, far]
            threading.Thread(target=self._pass, args=(near, far), daemon=True).start()
            threading.Thread(target=self._answer, args=(far, near), daemon=True).start()

    def _pass(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while piece := near.recv(_PIECE):
                far.sendall(piece)
        with suppress(OSError):
            far.shutdown(socket.SHUT_WR)

    def _answer(self, far: socket.socket, near: socket.socket) -> None:
        said = 0
        with suppress(OSError):
            while piece := far.recv(_PIECE):
                said += len(piece)
                if self.fault is not None and said > self.after:
                    piece = self._spoilt(piece, near)
                near.sendall(piece)
        for end in (near, far):
            with suppress(OSError):
                end.close()

    def _spoilt(self, piece: bytes, near: socket.socket) -> bytes:
        self.hits += 1
        if self.fault == "hang":
            while self.fault == "hang":
                time.sleep(0.01)
            raise OSError
        if self.fault == "reset":
            near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            near.close()
            raise OSError
        if self.fault == "slow":
            for at in range(0, len(piece), max(1, len(piece) // 8)):
                near.sendall(piece[at : at + max(1, len(piece) // 8)])
                time.sleep(0.01)
            return b""
        return bytes(byte ^ 0x5A if at % 97 == 41 else byte for at, byte in enumerate(piece))
