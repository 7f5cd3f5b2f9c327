"""The register of firms agrees with the world and with what other departments say of the same firms."""

from __future__ import annotations

import pyarrow.compute as pc
from stdnum.iso7064 import mod_11_10

from demo.city import City
from tests.demo.conftest import TODAY


def entries(small: City) -> list[dict[str, str | None]]:
    """The city's entries, without those of cases."""
    rows: list[dict[str, str | None]] = small.tables["E_BASEINFO"].to_pylist()
    return rows[: len(small.world.register)]


def test_companies_and_individual_businesses_are_registered_and_nobody_else(small: City) -> None:
    firms = small.world.firms
    registered = {code for code in firms.code.tolist() if code[:2] in ("91", "92")}
    here = {row["UNISCID"] for row in entries(small)} - {None}
    assert here <= registered
    assert len(small.world.register) == len(registered)


def test_whoever_has_no_credit_code_has_a_registration_number(small: City) -> None:
    rows = entries(small)
    assert all(row["REGNO"] for row in rows if row["UNISCID"] is None)
    numbers = [row["REGNO"] for row in rows if row["REGNO"]]
    assert len(set(numbers)) == len(numbers)
    assert all(mod_11_10.is_valid(number) for number in numbers)


def test_numbers_say_what_kind_of_firm_it_is(small: City) -> None:
    for row in entries(small):
        individual = row["ENTTYPE"] == "9500"
        assert row["UNISCID"] is None or row["UNISCID"].startswith("92") == individual
        assert row["REGNO"] is None or (row["REGNO"][6] == "6") == individual
        assert (row["REGCAP"] is None) == (row["REGCAPCUR"] is None) == individual


def test_a_closed_firm_is_closed_at_the_fund_too(small: City) -> None:
    world = small.world
    status = dict(zip(world.register.firm.tolist(), world.register.status.tolist(), strict=True))
    for firm, state in zip(world.employers.firm.tolist(), world.employers.state.tolist(), strict=True):
        if firm in status:
            assert (status[firm] == "1") == (state != "04")


def test_dates_are_in_order_and_lag_behind_the_province(small: City) -> None:
    yesterday = TODAY.isoformat()
    for row in entries(small):
        assert row["ESTDATE"] and row["APPRDATE"]
        assert row["ESTDATE"] <= row["APPRDATE"] < yesterday
        assert row["OPTO"] in (None, "长期") or row["OPTO"] > row["ESTDATE"]
    assert pc.max(small.tables["E_ALTITEM"]["ALTDATE"]).as_py() < yesterday


def test_a_changed_name_leads_from_the_former_to_the_present_one(small: City) -> None:
    present = {row["PRIPID"]: row["ENTNAME"] for row in small.tables["E_BASEINFO"].to_pylist()}
    renames = [row for row in small.tables["E_ALTITEM"].to_pylist() if row["ALTITEM"] == "01"]
    assert renames
    assert all(present[row["PRIPID"]] == row["ALTAF"] != row["ALTBE"] for row in renames)
    names = {*present.values()}
    assert not names & {row["ALTBE"] for row in renames}


def test_old_names_elsewhere_are_known_to_the_register(small: City) -> None:
    """A record under a former name carries the number of the firm that had it."""
    former = {row["ALTBE"] for row in small.tables["E_ALTITEM"].to_pylist() if row["ALTITEM"] == "01"}
    planted = {tuple(row["key"]) for row in small.truth.table().to_pylist() if row["kind"] == "old_name"}
    for table, key, name in (("dw_zhxx", "dwzh", "dwmc"), ("xzcf", "xxid", "cf_xdr_mc"), ("SPFHT", "HTBH", "CMRMC")):
        rows = small.tables[table].to_pylist()
        old = [row[name].replace("(", "（").replace(")", "）") for row in rows if (row[key],) in planted]
        assert old
        assert set(old) <= former
