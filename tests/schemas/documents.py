"""The shipped documents, found as the product finds them, and one small contract to break."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTRACTS = sorted((ROOT / "schemas/contracts").glob("*/*.odcs.yaml"))
DEPARTMENTS = sorted((ROOT / "schemas/contracts").glob("*/department.yaml"))
LIBRARIES = sorted((ROOT / "schemas/libraries").glob("*.yaml"))

SMALL = """\
apiVersion: v3.2.0
kind: DataContract
id: permit
name: 许可
version: 1.0.0
status: active
domain: parks
schema:
- name: permit
  logicalType: object
  properties:
  - {name: permit_no, businessName: 许可编号, logicalType: string, primaryKey: true, required: true}
  - {name: holder_name, businessName: 持有人, logicalType: string, classification: personal}
  - name: holder_kind
    businessName: 证件种类
    logicalType: string
    customProperties: [{property: valueType, value: code}, {property: codeList, value: identity_kind}]
  - name: holder_no
    businessName: 证件号码
    logicalType: string
    classification: personal
    customProperties: [{property: valueType, value: identity_no}, {property: kindItem, value: holder_kind}]
  - {name: area, businessName: 面积, logicalType: number, logicalTypeOptions: {minimum: 0, maximum: 1000}}
  - {name: state, businessName: 状态, logicalType: string, enum: [{value: open, label: 有效}, {value: closed, label: 失效}]}
  - {name: starts_on, businessName: 起, logicalType: date}
  quality:
  - {id: rows, type: library, metric: rowCount, mustBeGreaterOrEqualTo: 1, severity: error}
  relationships:
  - {from: permit.permit_no, to: parcel.permit_no}
  customProperties:
  - {property: subjects, value: [{role: holder, id: holder_no, name: holder_name, separator: 、}]}
  - property: contributes
    value:
    - {library: population, role: holder, when: {holder_kind: [identity_card]}, items: {citizen_no: holder_no, name: holder_name}}
  - {property: catalogue, value: {resourceClass: base, shareType: 1, shareMethod: interface}}
slaProperties: [{property: frequency, value: 1, unit: d}]
"""


def changed(old: str, new: str, text: str = SMALL) -> str:
    """The small contract with one piece replaced; the piece must be there."""
    assert old in text, old
    return text.replace(old, new, 1)
