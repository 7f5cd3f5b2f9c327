"""Rare characters come through whole: from the source into records, golden records and answers. Those in a private area, and
question marks left where a character was, come through too, with a warning."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from core import clock
from libraries import golden, lookup
from pipeline import journey
from tests.bad_input.carriers import Carrier
from tests.bad_input.conftest import publish
from tests.certificates.town import Someone, Town, person

SYSTEM = """
system: {id}
title: 户籍交换
department: public_security
connector: {kind}
secret: {id}
feeds:
- contract: household_person
  source: {source}
  mode: full
  columns: {{RYBS: person_id, GMSFHM: citizen_no, XM: name, HLX: household_kind, RYZT: status}}
  expect: {{rows: {{min: 1}}}}
  covers: {{divisions: ["430900"], since: 1995-01-01}}
  schedule: "@hourly"
"""
#: names, and whether something in them was probably lost
NAMES = {
    "𠮷田𬎆": False,  # beyond the BMP: extensions B and E
    "王𫖯": False,  # extension C, on the list of standard characters
    "㐂〇一": False,
    "李\ue815": True,  # private use, as older systems wrote what GB 18030 had not yet
    "赵\U000f0001": True,  # the private plane 15
    "张?": True,
    "陈？明": True,
    "古丽·买买提": False,
}


def test_names_come_through_into_answers(carrier: Carrier, town: Town, request: pytest.FixtureRequest) -> None:
    id = f"rare_{type(carrier).__name__.lower()}"
    people = {
        name: Someone("identity_card", who.number, name, who.old_number) for name, who in ((n, person()) for n in NAMES)
    }
    carrier.bring(
        [
            {"RYBS": f"{id}{at}", "GMSFHM": who.number, "XM": name, "HLX": "family_farm", "RYZT": "normal"}
            for at, (name, who) in enumerate(people.items())
        ]
    )
    system = SYSTEM.format(id=id, kind=carrier.kind, source=carrier.source)
    publish(town.hub, [("system", id, system)], (id, carrier.secret))
    batch = journey.run(town.hub, f"{id}.household_person")
    assert batch is not None and batch.evidence["quarantined"] == 0
    golden.refresh(town.hub)
    with town.hub.read() as link:
        held = link.execute(text("SELECT name FROM records.household_person WHERE _system = :id"), {"id": id})
        assert set(held.scalars()) == set(NAMES)
        warned = link.execute(
            text("SELECT raw FROM hub.finding WHERE batch_id = :batch AND rule = 'person_name.lost_character'"),
            {"batch": batch.id},
        )
        assert set(warned.scalars()) == {name for name, lost in NAMES.items() if lost}
        for name, who in people.items():
            found = lookup.find(link, "population", who.number, name, today=clock.today())
            assert found is not None
            assert found.attributes["name"].value == name
    for name, who in people.items():
        assert town.line(who, "registered_residence")["outcome"] == "registered", name
    other = Someone("identity_card", people["𠮷田𬎆"].number, "吉田𬎆", "")
    assert town.line(other, "registered_residence")["state"] == "unknown"
