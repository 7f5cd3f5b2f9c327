"""Examples shown in the OpenAPI document and on /docs. The number is the specimen of GB 11643, nobody's."""

from __future__ import annotations

from typing import Any

QUERY: dict[str, Any] = {
    "service_item": "talent_housing",
    "case_no": "2026-0001",
    "operator": "window-03",
    "basis": {"kind": "authorisation", "reference": "授权书 2026-0001"},
    "subject": {"kind": "identity_card", "number": "11010519491231002X", "name": "张三"},
    "certificates": [{"type": "no_home_in_city"}, {"type": "fund_contributions", "parameters": {"months": 12}}],
}

ANSWER: dict[str, Any] = {
    "id": "019e0c3a-5b1e-7a51-9c5e-2f6d0f6a1b77",
    "at": "2026-11-21T09:30:00+08:00",
    "department": {"id": "housing", "name": "住房和城乡建设局"},
    "client": "housing-window",
    "operator": "window-03",
    "service_item": {"id": "talent_housing", "name": "人才住房补贴"},
    "case_no": "2026-0001",
    "basis": {"kind": "authorisation", "reference": "授权书 2026-0001"},
    "subject": {"kind": "identity_card", "number": "110105********002X", "name": "张*", "ref": "k3J…"},
    "answers": [
        {
            "type": "no_home_in_city",
            "title": "本市无房情况",
            "state": "not_held",
            "state_label": "未查询到",
            "proved": True,
            "proved_label": "符合",
            "outcome": "none",
            "label": "未查询到住房、购房合同与预告登记（截至 2026-11-21 09:05，覆盖益阳市，2018-01-01 以来）",
            "reasons": [],
            "as_of": "2026-11-21T09:05:00+08:00",
            "sources": [],
            "fields": {},
        },
        {
            "type": "fund_contributions",
            "title": "住房公积金缴存情况",
            "state": "unknown",
            "state_label": "暂不能确定",
            "proved": None,
            "proved_label": "暂不能确定",
            "outcome": None,
            "label": "暂不能确定",
            "reasons": [{"code": "no_grant", "label": "未获授权"}],
            "as_of": None,
            "sources": [],
            "fields": {},
        },
    ],
    "receipt": "eyJhbGciOiJFZDI1NTE5Ii…..MEUCIQ…",
}


def _problem(status: int, type: str, title: str, **more: Any) -> dict[str, Any]:
    example = {"type": f"urn:hutong:problem:{type}", "title": title, "status": status, **more}
    return {"description": title, "content": {"application/problem+json": {"example": example}}}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: _problem(401, "unauthorised", "访问令牌无效。", remedy="重新获取令牌。"),
    422: _problem(
        422, "invalid", "没有证明类型 no_home_in_cty。", remedy="是否应为：no_home_in_city？",
        errors=[{"pointer": "/certificates/0/type", "detail": "没有证明类型 no_home_in_cty。"}],
    ),
    503: _problem(503, "audit_unavailable", "查询留痕无法写入，未作答复。", remedy="请稍后重试。"),
}  # fmt: skip
