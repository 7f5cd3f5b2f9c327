"""HTTP services: paging, patience and distrust, against a real server on loopback."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

import connectors
from connectors import rest
from connectors.http import Patience
from core import clock
from core.errors import BatchBlocked, NotReady, SourceDown
from tests.connectors.service import Answer, Server, as_json
from tests.connectors.standard import Row, Source, Standard, feed, rows, system, taken

TOKEN = "t0ken-of-the-test"
CURSOR = {
    "endpoint": "/v1/things", "records": "data.items", "paging": "cursor", "next": "data.next", "total": "data.total",
    "params": {"since": "{since}", "limit": 4},
}  # fmt: skip


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "PATIENCE", Patience(tries=3, first_s=0.01, total_s=3))


class Service(Source):
    """A service with a token that pages by cursor."""

    kind = "rest"
    words = (TOKEN,)

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.server = Server(self.answer)
        self.secret = {"base_url": self.server.url, "token": TOKEN}

    def add(self, added: list[Row]) -> None:
        self.rows += added

    def stop(self) -> None:
        self.server.close()

    def feed(self, **changes: Any) -> Any:
        return feed(**{"source": CURSOR, **changes})

    def answer(self, path: str, query: dict[str, str], headers: dict[str, str]) -> Answer:
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return as_json({"error": "who are you"}, 401)
        found = [row for row in self.rows if row[2] >= query.get("since", "")]
        start, size = int(query.get("cursor", 0)), int(query["limit"])
        items = [dict(zip(("id", "name", "changed"), row, strict=True)) for row in found[start : start + size]]
        following = str(start + size) if start + size < len(found) else None
        return as_json({"data": {"items": items, "next": following, "total": len(found)}})


class TestRest(Standard):
    @pytest.fixture
    def source(self) -> Iterator[Service]:
        service = Service()
        yield service
        service.server.close()

    def test_a_first_run_sends_no_bound(self, source: Service) -> None:
        source.add(rows(1))
        _, run = taken(source.extract())
        assert "since" not in source.server.requests[0][1]
        taken(source.extract(run.watermark))
        assert source.server.requests[-1][1]["since"] == "2024-03-01 08:00:00"


@pytest.fixture
def serve() -> Iterator[Any]:
    servers: list[Server] = []

    def start(handler: Any) -> Server:
        servers.append(Server(handler))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def read(server: Server, source: dict[str, Any], secret: dict[str, Any] | None = None, **changes: Any) -> Any:
    given = secret or {"base_url": server.url}
    return taken(connectors.extract(system("rest"), feed(source, **{"mode": "full", **changes}), given, None))


def answers(*given: Answer) -> Any:
    """Each request gets the next answer; the last one stays."""
    left = list(given)
    return lambda *_: left.pop(0) if len(left) > 1 else left[0]


THINGS = [{"id": f"K{number}", "name": "甲", "changed": "2024-01-01"} for number in range(7)]


@pytest.mark.parametrize("total", [7, None])
def test_pages_are_numbered(serve: Any, total: int | None) -> None:
    def handler(path: str, query: dict[str, str], headers: dict[str, str]) -> Answer:
        start = (int(query["p"]) - 1) * 3
        return as_json({"rows": THINGS[start : start + 3], **({"total": total} if total else {})})

    source = {"endpoint": "things", "records": "rows", "paging": "page", "parameter": "p", "total": "total"}
    got, run = read(serve(handler), source)
    assert [row["id"] for row in got] == [thing["id"] for thing in THINGS]
    assert run.source_rows == total


def test_offsets_count_what_was_read(serve: Any) -> None:
    def handler(path: str, query: dict[str, str], headers: dict[str, str]) -> Answer:
        start = int(query["offset"])
        return as_json(THINGS[start : start + 3])

    got, _ = read(serve(handler), {"endpoint": "/things", "paging": "offset"})
    assert [row["id"] for row in got] == [thing["id"] for thing in THINGS]


def test_links_are_followed_with_their_own_parameters(serve: Any) -> None:
    def handler(path: str, query: dict[str, str], headers: dict[str, str]) -> Answer:
        start = int(query.get("from", 0))
        link = {"Link": f'</things?from={start + 3}>; rel="next"'} if start + 3 < 7 else {}
        return as_json(THINGS[start : start + 3], **link)

    server = serve(handler)
    got, _ = read(server, {"endpoint": "/things", "paging": "link", "params": {"size": 3}})
    assert len(got) == 7
    assert [request[1] for request in server.requests][1] == {"size": "3", "from": "3"}


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ({"paging": "cursor", "next": "next", "records": "rows"}, {"rows": THINGS, "next": "same"}),
        ({"paging": "link", "next": "next", "records": "rows"}, {"rows": THINGS, "next": "/x?page=2"}),
        ({"paging": "page", "records": "rows"}, {"rows": THINGS}),
        ({"paging": "offset", "records": "rows"}, {"rows": THINGS}),
        ({"paging": "link", "next": "next", "records": "rows"}, {"rows": [], "next": "http://elsewhere.example/"}),
        ({"paging": "curser", "records": "rows"}, {"rows": []}),
    ],
)
def test_paging_that_goes_nowhere_blocks(serve: Any, source: dict[str, Any], answer: Any) -> None:
    with pytest.raises(BatchBlocked) as caught:
        read(serve(answers(as_json(answer))), {"endpoint": "/x", **source})
    assert caught.value.code == "paging"


@pytest.mark.parametrize("kind", ["cursor", "page", "link"])
def test_pages_that_come_again_under_new_tokens_block(serve: Any, kind: str) -> None:
    """The service forgets where it was after every third page, and says otherwise."""
    asked: list[str] = []

    def handler(path: str, query: dict[str, str], headers: dict[str, str]) -> Answer:
        asked.append(path)
        start = (len(asked) - 1) % 3
        following = f"t{len(asked)}" if kind == "cursor" else f"/x?p={len(asked)}"
        return as_json({"rows": THINGS[start * 2 : start * 2 + 2], "next": following})

    source = {"endpoint": "/x", "records": "rows", "paging": kind, "next": "next"}
    with pytest.raises(BatchBlocked) as caught:
        read(serve(handler), source)
    assert (caught.value.code, len(asked)) == ("paging", 4)


def test_empty_pages_on_the_way_are_no_circle(serve: Any) -> None:
    pages = [as_json({"rows": [], "next": "a"}), as_json({"rows": [], "next": "b"}), as_json({"rows": THINGS})]
    got, _ = read(serve(answers(*pages)), {"endpoint": "/x", "records": "rows", "paging": "cursor", "next": "next"})
    assert len(got) == 7


def test_busy_is_waited_out(serve: Any) -> None:
    busy = as_json({}, 429, **{"Retry-After": "1"})
    server = serve(answers(busy, as_json({}, 503), as_json(THINGS)))
    started = time.monotonic()
    got, _ = read(server, {"endpoint": "/things"})
    assert len(got) == 7
    assert time.monotonic() - started >= 1


def test_a_long_wait_is_handed_on(serve: Any) -> None:
    later = format_datetime(clock.now() + timedelta(seconds=900), usegmt=True)
    for value in ("900", later):
        with pytest.raises(SourceDown) as caught:
            read(serve(answers(as_json({}, 503, **{"Retry-After": value}))), {"endpoint": "/things"})
        assert caught.value.retry_after == pytest.approx(900, abs=5)


def test_tries_are_bounded(serve: Any) -> None:
    server = serve(answers(as_json({}, 500)))
    with pytest.raises(SourceDown):
        read(server, {"endpoint": "/things"})
    assert len(server.requests) == 3


HTML = b"<!DOCTYPE html><html>430903199001011234 bad gateway</html>"


def test_a_gateway_s_html_is_waited_out_and_never_shown(serve: Any) -> None:
    gateway = (502, {"Content-Type": "text/html"}, HTML)
    assert len(read(serve(answers(gateway, as_json(THINGS))), {"endpoint": "/things"})[0]) == 7
    with pytest.raises(SourceDown, match="502") as caught:
        read(serve(answers(gateway)), {"endpoint": "/things"})
    assert "43090" not in f"{caught.value!s}{caught.value!r}"


@pytest.mark.parametrize("announced", ["999", "chunked"])
def test_an_answer_that_breaks_off_is_asked_again(serve: Any, announced: str) -> None:
    """Fewer bytes than announced are no answer, though what came may be JSON."""
    whole = as_json(THINGS)
    headers = {"Connection": "close", "Content-Length": announced}
    if announced == "chunked":
        headers = {"Connection": "close", "Transfer-Encoding": "chunked"}
    cut = (200, headers, [b"400\r\n[]"] if announced == "chunked" else [b"[]"])
    server = serve(answers(cut, whole))
    assert len(read(server, {"endpoint": "/things"})[0]) == 7
    with pytest.raises(SourceDown):
        read(serve(answers(cut)), {"endpoint": "/things"})


def test_fewer_bytes_announced_than_sent_is_broken_json(serve: Any) -> None:
    _, _, body = as_json(THINGS)
    assert isinstance(body, bytes)
    with pytest.raises(BatchBlocked) as caught:
        read(serve(answers((200, {"Content-Length": "20", "Connection": "close"}, body))), {"endpoint": "/things"})
    assert caught.value.code == "unreadable"


def test_an_answer_that_trickles_is_given_up(serve: Any) -> None:
    """A byte now and then would keep a reader for ever: the time limit is for the whole."""

    def trickle() -> Iterator[bytes]:
        yield b"["
        for _ in range(200):
            time.sleep(0.1)
            yield b" "

    server = serve(lambda *_: (200, {}, trickle()))
    started = time.monotonic()
    with pytest.raises(SourceDown):
        read(server, {"endpoint": "/things"})
    assert time.monotonic() - started < 15


@pytest.mark.parametrize(
    ("status", "code"), [(401, "denied"), (403, "denied"), (404, "request"), (302, "request"), (400, "request")]
)
def test_a_refusal_blocks(serve: Any, status: int, code: str) -> None:
    with pytest.raises(BatchBlocked) as caught:
        read(serve(answers(as_json({}, status))), {"endpoint": "/things", "params": {"key": "s3cret"}})
    assert caught.value.code == code
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<!DOCTYPE html><html>430903199001011234", "HTML"),
        (b"\n<?xml version='1.0'?><a>430903199001011234</a>", "XML"),
        (b"", "empty"),
        (b'{"rows": [{"id": "430903199001011234"', "broken"),
        (b"430903199001011234 sorry", "not JSON"),
        (b'{"rows": NaN}', "broken"),
        (b'{"code": 500, "msg": "430903199001011234"}', "no list of records at rows"),
        (b'{"rows": ["430903199001011234"]}', "no list of records at rows"),
    ],
)
def test_an_unreadable_answer_names_its_kind_never_its_content(serve: Any, body: bytes, kind: str) -> None:
    with pytest.raises(BatchBlocked) as caught:
        read(serve(answers((200, {}, body))), {"endpoint": "/things", "records": "rows"})
    assert caught.value.code == "unreadable"
    assert kind in str(caught.value.message.en)  # type: ignore[union-attr]
    assert "43090" not in f"{caught.value!r}{caught.value!s}"


def test_values_keep_their_digits(serve: Any) -> None:
    body = '[{"id": 12345678901234567890, "name": 0.10, "changed": true, "extra": {"a": [1.50, "张", null]}, "none": null}]'
    [row], _ = read(serve(answers((200, {}, body.encode()))), {"endpoint": "/things"})
    assert row == {
        "id": "12345678901234567890", "name": "0.10", "changed": "true", "extra": '{"a":[1.50,"张",null]}', "none": None,
    }  # fmt: skip


def test_gb2312_is_read_as_gb18030(serve: Any) -> None:
    body = '[{"id": "1", "name": "𠮷镕", "changed": ""}]'.encode("gb18030")
    [row], _ = read(serve(answers((200, {"Content-Type": "application/json;charset=GB2312"}, body))), {"endpoint": "/"})
    assert row["name"] == "𠮷镕"


def test_fields_left_out_are_null_and_new_ones_block(serve: Any) -> None:
    def pages(second: dict[str, Any]) -> Any:
        return answers(as_json({"r": [THINGS[0]], "n": "2"}), as_json({"r": [second]}))

    source = {"endpoint": "/", "records": "r", "paging": "cursor", "next": "n"}
    got, _ = read(serve(pages({"id": "K9", "noise": 1})), source, ignore=("noise",))
    assert got[1] == {"id": "K9", "name": None, "changed": None}
    with pytest.raises(BatchBlocked) as caught:
        read(serve(pages({"id": "K9", "surprise": 1})), source)
    assert caught.value.code == "unknown_column"


def test_fewer_records_than_announced_block(serve: Any) -> None:
    with pytest.raises(BatchBlocked) as caught:
        read(serve(answers(as_json({"r": THINGS, "t": 9}))), {"endpoint": "/", "records": "r", "total": "t"})
    assert caught.value.code == "incomplete"


def test_marks_that_are_numbers_are_compared_as_numbers(serve: Any) -> None:
    things = [{"id": "a", "changed": 999}, {"id": "b", "changed": 1000}]
    _, run = read(serve(answers(as_json(things))), {"endpoint": "/"}, mode="incremental")
    assert run.watermark == "1000"


def test_client_credentials_are_exchanged_and_renewed(serve: Any) -> None:
    given = iter(["first", "second"])
    asked: list[str] = []

    def handler(path: str, query: dict[str, str], headers: dict[str, str]) -> Answer:
        if path == "/token":
            asked.append(headers["Authorization"])
            return as_json({"access_token": next(given), "token_type": "bearer"})
        return as_json(THINGS) if headers["Authorization"] == "Bearer second" else as_json({}, 401)

    server = serve(handler)
    secret = {
        "base_url": server.url, "token_url": f"{server.url}/token", "client_id": "hub", "client_secret": "hunter2",
    }  # fmt: skip
    got, _ = read(server, {"endpoint": "/things"}, secret)
    assert len(got) == 7
    assert len(asked) == 2
    assert all(value.startswith("Basic ") for value in asked)


def test_headers_of_the_secret_are_sent(serve: Any) -> None:
    server = serve(answers(as_json(THINGS)))
    read(server, {"endpoint": "/things"}, {"base_url": server.url, "headers": {"X-App-Key": "abc"}})
    assert server.requests[0][2]["X-App-Key"] == "abc"


@pytest.mark.parametrize("address", [None, "nonsense", "ftp://x/y"])
def test_an_unusable_address_says_so(address: str | None) -> None:
    with pytest.raises(NotReady):
        taken(connectors.extract(system("rest"), feed({"endpoint": "/"}), {"base_url": address}, None))


def test_a_timestamp_with_an_offset_is_a_mark(serve: Any) -> None:
    things = [{"id": "a", "changed": "2024-03-01T08:00:00+08:00"}]
    _, run = read(serve(answers(as_json(things))), {"endpoint": "/"}, mode="incremental")
    assert datetime.fromisoformat(run.watermark).utcoffset() == timedelta(hours=8)
