"""Names of people, firms and places."""

from __future__ import annotations

import numpy as np

from demo.text import Mask, Rng, Text, digits, draw, join, plain, translate, turns
from demo.words import DISTRICTS, words

RARE_SHARE = 0.002  # given names with a character outside the Basic Multilingual Plane (or its rare extension A)
_COMPOUND_SHARE = 0.006


def surnames(rng: Rng, size: int) -> Text:
    """Surnames, the frequent ones more often; a few compound ones."""
    common = words("surnames")
    out = draw(rng, common, size, [1 / (rank + 6) for rank in range(len(common))]).astype("<U2")
    compound = rng.random(size) < _COMPOUND_SHARE
    out[compound] = draw(rng, words("compound_surnames"), int(compound.sum()))
    return out


def given_names(rng: Rng, male: Mask) -> Text:
    """Given names of one or two characters."""
    size = male.size
    first, second = (
        np.where(male, draw(rng, words("given_male"), size), draw(rng, words("given_female"), size)) for _ in range(2)
    )
    second = np.where(rng.random(size) < 0.15, "", second)
    second = np.where(rng.random(size) < RARE_SHARE, draw(rng, words("rare_given"), size), second)
    return join(first, second)


def dotted_names(rng: Rng, size: int) -> Text:
    """Names of minorities that are written with a middle dot; the dot itself varies between departments."""
    dot = draw(rng, ["·", "•", "・", "."], size, [0.8, 0.1, 0.06, 0.04])
    return join(draw(rng, words("dotted_first"), size), dot, draw(rng, words("dotted_last"), size))


def firm_names(rng: Rng, category: Text, division: Text) -> Text:
    """A different name for each body, in the manner of its registrar and category ("91", "12", "N2" …)."""
    size = category.size
    district = translate(
        division, {code: name if town == name else town + name for code, (name, _, town) in DISTRICTS.items()}
    )
    place = np.where(rng.random(size) < 0.5, draw(rng, ["益阳市", "益阳", "湖南", "湖南省"], size), district)
    shop = join(draw(rng, words("shop_names"), size), draw(rng, words("shop_seconds"), size))
    trade = draw(rng, words("industries"), size)
    company = join(
        place, shop, draw(rng, ["", "", "", "（集团）", "（益阳）"], size), trade,
        draw(rng, ["有限公司", "有限责任公司", "股份有限公司", "厂"], size, [0.77, 0.12, 0.07, 0.04]),
    )  # fmt: skip
    by_category = {
        "92": join(district, shop, draw(rng, words("shop_kinds"), size)),
        "12": join(district, draw(rng, words("institutions"), size)),
        "11": join(district, draw(rng, words("organs"), size)),
        "51": join(district, draw(rng, words("associations"), size)),
        "N2": join(district, draw(rng, words("villages"), size), "股份经济合作社"),
        "A1": join("益阳军队离休退休干部", draw(rng, ["第一", "第二", "第三"], size), "服务站"),
        "Y1": join("益阳", shop, trade, "境外机构代表处"),
    }
    return distinct(np.select([category == key for key in by_category], list(by_category.values()), company))


def distinct(names: Text) -> Text:
    """The names with a number behind the second, third … bearer of one, so that each is met once."""
    turn = turns(names)
    return np.where(turn == 0, names, join(names, "第", plain(turn + 1), "分部"))


def addresses(rng: Rng, district: Text) -> Text:
    """Addresses down to the flat, in a district given by its code."""
    size = district.size
    place = translate(district, {code: name for code, (name, *_) in DISTRICTS.items()})

    def number(high: int) -> Text:
        return plain(rng.integers(1, high, size))

    flat = join(number(33), digits(rng.integers(1, 5, size), 2))
    street = draw(rng, words("streets"), size)
    estate = draw(rng, words("estates"), size)
    return join("益阳市", place, street, number(400), "号", estate, number(30), "栋", number(4), "单元", flat, "室")


def phones(rng: Rng, size: int) -> Text:
    """Mobile numbers."""
    head = draw(rng, ["137", "138", "139", "150", "158", "173", "186", "199"], size)
    return join(head, digits(rng.integers(0, 10**8, size), 8))


def districts_of(rng: Rng, size: int) -> Text:
    """District codes by the share of residents."""
    return draw(rng, list(DISTRICTS), size, [share for _, share, _ in DISTRICTS.values()])
