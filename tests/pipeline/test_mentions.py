"""How mentions come in: the first of a dataset with the indexes last, later ones only where a claim changed."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from libraries import filling
from pipeline import journey
from tests.pipeline.small import FEED, Small, row

INDEXES = (
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'libraries' AND tablename = 'mention' ORDER BY 1"
)
HELD = "SELECT encode(key, 'hex'), role, part, id_kind, id_value, name, pending FROM libraries.mention ORDER BY 1, 2"


def asked(small: Small, query: str) -> list[tuple[Any, ...]]:
    with small.hub.read() as connection:
        return [tuple(one) for one in connection.execute(text(query))]


@pytest.fixture
def filled(small: Small) -> Small:
    small.write([row("A1"), row("A2", number="11010119900307002X", code=None), row("A3", number=None)])
    small.publish()
    return small


def test_a_first_load_leaves_the_indexes_as_they_were(filled: Small) -> None:
    before = asked(filled, INDEXES)
    journey.run(filled.hub, FEED)
    assert asked(filled, INDEXES) == before and len(before) >= 6
    assert len(asked(filled, HELD)) == 6


def test_a_first_load_waits_for_no_reader(filled: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    journey.run(filled.hub, FEED)
    alone = asked(filled, HELD)
    with filled.hub.begin() as connection:
        connection.execute(text("TRUNCATE records.pet_licence, libraries.mention"))
        connection.execute(text("TRUNCATE hub.batch CASCADE"))
    got: list[bool] = []
    really = filling.alone
    monkeypatch.setattr(filling, "alone", lambda *given: got.append(really(*given)) or got[-1])
    with filled.hub.read() as reader:
        reader.execute(text("SELECT count(*) FROM libraries.mention"))
        journey.run(filled.hub, FEED)
    assert got == [True, False], "the records' table is free, the mentions' is being read"
    assert asked(filled, HELD) == alone


def test_a_claim_that_stays_keeps_its_link_and_its_entity_is_made_again(filled: Small) -> None:
    journey.run(filled.hub, FEED)
    with filled.hub.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO libraries.entity (id, library, id_kind, id_value, dirty) SELECT gen_random_uuid(), 'population', "
                "id_kind, id_value, false FROM libraries.mention WHERE role = 'owner' AND id_value IS NOT NULL"
            )
        )
        connection.execute(
            text(
                "UPDATE libraries.mention m SET pending = false, entity_id = (SELECT id FROM libraries.entity e "
                "WHERE e.id_value = m.id_value)"
            )
        )
    written = "SELECT id_value, role, CAST(xmin AS text) FROM libraries.mention WHERE NOT pending ORDER BY 1, 2"
    before = asked(filled, written)
    filled.write(
        [row("A1", weight=3), row("A2", number="11010119900307002X", code=None, owner="王大明"), row("A3", number=None)]
    )
    journey.run(filled.hub, FEED)
    assert asked(filled, "SELECT id_value FROM libraries.entity WHERE dirty ORDER BY 1") == [
        ("11010119900307002X",),
        ("11010519491231002X",),
    ]
    kept = asked(filled, written)
    assert ("11010519491231002X", "owner") in [one[:2] for one in kept], "its link stands"
    assert set(kept) < set(before), "what claims the same is not written again"
    # another name, and those that were linked to nobody, are looked at again
    again = asked(
        filled, "SELECT coalesce(id_value, ''), role, entity_id FROM libraries.mention WHERE pending ORDER BY 1, 2"
    )
    assert ("11010119900307002X", "owner", None) in again
