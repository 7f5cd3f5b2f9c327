"""A real HTTP service on loopback that pages, tires and misbehaves on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, dict[str, str], bytes | Iterable[bytes]]
Handler = Callable[[str, dict[str, str], dict[str, str]], Answer]


class Server:
    """Serves `handler(path, query, headers)`; `requests` keeps what was asked."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.requests: list[tuple[str, dict[str, str], dict[str, str]]] = []
        outer = self

        class _Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                split = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(split.query, keep_blank_values=True).items()}
                asked = (split.path, query, dict(self.headers.items()))
                outer.requests.append(asked)
                status, headers, body = outer.handler(*asked)
                self.send_response(status)
                length = {"Content-Length": str(len(body))} if isinstance(body, bytes) else {"Connection": "close"}
                for name, value in {**length, **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    for part in [body] if isinstance(body, bytes) else body:
                        self.wfile.write(part)

            do_GET = do_POST = do_PUT = do_HEAD = _answer

            def log_message(self, *_: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


def as_json(value: Any, status: int = 200, /, **headers: str) -> Answer:
    body = json.dumps(value, ensure_ascii=False).encode()
    return status, {"Content-Type": "application/json", **headers}, body
