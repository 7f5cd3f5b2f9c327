"""The household register: who is related to whom, how events reach the staging table, and what stays recognisable."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pytest

from demo import postgres, public_security
from demo.city import City
from demo.households import DEAD, FAMILY, FARM
from tests.demo.test_city import column, planted

Pushed = dict[str, list[dict[str, str]]]


@pytest.fixture(scope="module")
def pushed(small: City) -> Pushed:
    """All pushes of each record, in order."""
    found: Pushed = defaultdict(list)
    rows = [*small.tables["HJ_CZRK"].to_pylist(), *small.tables["HJ_CZRK_earlier"].to_pylist()]
    for row in sorted(rows, key=lambda row: row["CZSJ"]):
        found[row["RYBS"]].append(row)
    return found


def test_every_record_begins_with_an_insert_and_flags_follow(pushed: Pushed) -> None:
    follows = {"I": {"U", "D"}, "U": {"U", "D"}, "D": {"I"}}
    for rows in pushed.values():
        assert rows[0]["CZBS"] == "I"
        assert all(after == before or after["CZBS"] in follows[before["CZBS"]] for before, after in pairwise(rows))


def test_a_removal_names_its_record_only(small: City) -> None:
    removals = [row for row in small.tables["HJ_CZRK_earlier"].to_pylist() if row["CZBS"] == "D"]
    assert removals
    assert all({name for name, cell in row.items() if cell} == {"RYBS", "CZBS", "CZSJ"} for row in removals)


def test_records_that_went_for_good_are_not_among_the_present(small: City, pushed: Pushed) -> None:
    present = set(column(small, "HJ_CZRK", "RYBS"))
    ended = {key for key, rows in pushed.items() if rows[-1]["CZBS"] == "D"}
    assert ended
    assert not ended & present
    assert ended | present == set(pushed)


def test_a_family_household_has_one_head_and_relations_to_the_head_only(small: City) -> None:
    heads: dict[str, int] = Counter()
    houses = set()
    for row in small.tables["HJ_CZRK"].to_pylist():
        if row["HLX"] in (FAMILY, FARM) and row["RYZT"] == "1":
            houses.add(row["HH"])
            heads[row["HH"]] += row["YHZGX"] == "02"
    assert {heads[house] for house in houses} == {1}
    kinds = Counter(column(small, "HJ_CZRK", "YHZGX"))
    assert {"02", "10", "11", "12", "20", "30", "51", "52"} - set(kinds) <= {"10"}


def test_collective_households_are_large_and_relate_nobody(small: City) -> None:
    rows = [
        row for row in small.tables["HJ_CZRK"].to_pylist() if row["HLX"] in "34" and row["RYBS"][:3] != "RYA"
    ]  # no cases
    sizes = Counter(row["HH"] for row in rows)
    assert min(sizes.values()) >= 200
    assert {row["YHZGX"] for row in rows} == {"99"}
    assert {len({row["HJDZ"] for row in rows if row["HH"] == house}) for house in sizes} == {1}


def test_deaths_are_registered_two_months_late(small: City) -> None:
    of = small.world.households
    dead = of.status == DEAD
    delay = (of.ended_known[dead] - of.ended[dead]).astype(int)
    assert 40 <= np.median(delay) <= 80
    assert 0.02 <= np.mean(delay > 365) <= 0.04
    assert np.isin(of.person[~np.isnat(of.died)], small.world.accounts.person).any()  # the dead still have accounts


def test_a_corrected_number_is_in_the_register_and_the_old_one_elsewhere(small: City) -> None:
    corrected = [row for row in small.tables["HJ_BD"].to_pylist() if row["BDLX"] == "06"]
    new, old = {row["BDH"] for row in corrected}, {row["BDQ"] for row in corrected}
    assert not old & set(column(small, "HJ_CZRK", "GMSFHM"))
    assert new <= set(column(small, "HJ_CZRK", "GMSFHM"))
    there = {(row["grzh"],) for row in small.tables["gr_zhxx"].to_pylist() if row["zjhm"] in old}
    assert there
    assert there <= planted(small, "number_superseded")


def test_changes_name_registered_persons(small: City) -> None:
    assert set(column(small, "HJ_BD", "RYBS")) <= set(column(small, "HJ_CZRK", "RYBS"))
    assert set(column(small, "HJ_BD", "BDLX")) == {"01", "02", "03", "04", "05", "06"}
    assert max(column(small, "HJ_BD", "CZSJ")) < str(small.today)
    assert max(column(small, "HJ_CZRK", "CZSJ")) < str(small.today)


def test_nobody_registered_is_a_foreigner(small: City) -> None:
    assert all(len(number) == 18 and number[0] != "9" for number in column(small, "HJ_CZRK", "GMSFHM"))


def test_the_staging_table_holds_every_push_in_order(small: City, database: str) -> None:
    public_security.write(small.tables, database)
    with postgres.connect(database) as connection:
        count = connection.execute('select count(*), count(distinct "RYBS") from "HJ_CZRK"').fetchone()
        kind = connection.execute('select pg_typeof("CZSJ")::text from "HJ_CZRK" limit 1').fetchone()
        order = connection.execute('select "CZSJ" from "HJ_CZRK"').fetchall()
    assert count == (
        sum(small.tables[part].num_rows for part in ("HJ_CZRK", "HJ_CZRK_earlier")),
        len(set([*column(small, "HJ_CZRK", "RYBS"), *column(small, "HJ_CZRK_earlier", "RYBS")])),
    )
    assert kind == ("timestamp without time zone",)
    assert order == sorted(order)
