-- What release 0.1.0 left after a real run with invented data: the dog register of docs/how-to/add-a-system.md, contributing to the
-- population library, read twice (one row changed, one gone, one waiting), refreshed, and asked about once. Loaded after migration 0001.

CREATE TABLE records.dog_licence (
    _key bytea NOT NULL,
    _system text,
    year bigint,
    tag text,
    owner_name text,
    owner_no text,
    clinic_name text,
    clinic_no text,
    weight_kg numeric(24,6),
    vaccinated_on date,
    status text,
    _row_hash bigint,
    _batch uuid,
    _row_no bigint,
    _known_from timestamp with time zone
);

CREATE TABLE records.dog_licence_history (
    _key bytea,
    _system text,
    year bigint,
    tag text,
    owner_name text,
    owner_no text,
    clinic_name text,
    clinic_no text,
    weight_kg numeric(24,6),
    vaccinated_on date,
    status text,
    _row_hash bigint,
    _batch uuid,
    _row_no bigint,
    _known_from timestamp with time zone,
    _known_to timestamp with time zone,
    _ended text,
    _ended_by uuid
);

INSERT INTO records.dog_licence (_key, _system, year, tag, owner_name, owner_no, clinic_name, clinic_no, weight_kg, vaccinated_on, status, _row_hash, _batch, _row_no, _known_from) VALUES ('\xdd9551db1c8f3f70fa9b7862641adb7e', 'dogs', 2026, 'A002', '张伟', '430903198001011233', '第一动物医院', '91350100M000100Y43', 7.000000, '2026-03-02', 'cancelled', -246109513030458825, '01a1fdec-f230-713b-98a9-5d57074b6100', 2, '2026-11-21 11:45:26.632626+00');
INSERT INTO records.dog_licence (_key, _system, year, tag, owner_name, owner_no, clinic_name, clinic_no, weight_kg, vaccinated_on, status, _row_hash, _batch, _row_no, _known_from) VALUES ('\x1d43621ca6385661dd57d99c17373d17', 'dogs', 2026, 'A001', '王小明', '11010519491231002X', '第一动物医院', '91350100M000100Y43', 13.000000, '2026-03-01', 'valid', 5398082862773182067, '01a1fded-2f67-7faf-92e6-aebfc4a1b8ee', 1, '2026-11-21 11:45:42.278437+00');

INSERT INTO records.dog_licence_history (_key, _system, year, tag, owner_name, owner_no, clinic_name, clinic_no, weight_kg, vaccinated_on, status, _row_hash, _batch, _row_no, _known_from, _known_to, _ended, _ended_by) VALUES ('\x1d43621ca6385661dd57d99c17373d17', 'dogs', 2026, 'A001', '王小明', '11010519491231002X', '第一动物医院', '91350100M000100Y43', 12.500000, '2026-03-01', 'valid', -9156369003494923118, '01a1fdec-f230-713b-98a9-5d57074b6100', 1, '2026-11-21 11:45:26.632626+00', '2026-11-21 11:45:42.278437+00', 'changed', '01a1fded-2f67-7faf-92e6-aebfc4a1b8ee');
INSERT INTO records.dog_licence_history (_key, _system, year, tag, owner_name, owner_no, clinic_name, clinic_no, weight_kg, vaccinated_on, status, _row_hash, _batch, _row_no, _known_from, _known_to, _ended, _ended_by) VALUES ('\x43b688e056e912a7cabc044291aa22c9', 'dogs', 2026, 'A004', '李娜', '440524188001010014', '第一动物医院', '91350100M000100Y43', 9.000000, '2026-03-04', 'valid', -1269493386410021712, '01a1fdec-f230-713b-98a9-5d57074b6100', 4, '2026-11-21 11:45:26.632626+00', '2026-11-21 11:45:42.278437+00', 'removed', '01a1fded-2f67-7faf-92e6-aebfc4a1b8ee');

ALTER TABLE ONLY records.dog_licence
    ADD CONSTRAINT dog_licence_pkey PRIMARY KEY (_key);

CREATE INDEX "dog_licence.clinic_no" ON records.dog_licence USING btree (clinic_no);

CREATE INDEX "dog_licence.owner_no" ON records.dog_licence USING btree (owner_no);

CREATE INDEX dog_licence_history_key ON records.dog_licence_history USING btree (_key);

INSERT INTO hub.service_item (id, name, department, body, created_at) VALUES ('dog_walk', '犬只入园', 'city_management', '{"certificates": ["dog_registered"]}', '2026-11-21 11:45:44.195051+00');

INSERT INTO hub.access_grant (id, department, service_item, certificate_type, fields, valid_from, valid_to, given_by, ended_by) VALUES ('01a1fded-374b-7334-be49-4e8a730ef410', 'city_management', 'dog_walk', 'dog_registered', '{dogs}', '2026-11-21 11:45:44.267236+00', NULL, '{"client": "cli", "system": "hutong", "operator": "steward", "department": ""}', NULL);

INSERT INTO hub.audit (id, at, kind, department, client, operator, service_item, case_no, subject, kid, canonical, hash) VALUES ('01a1fded-3852-7b90-985a-000760c16b09', '2026-11-21 11:45:44.504882+00', 'certificate.answered', 'city_management', 'park', 'w', 'dog_walk', '1', 'NwKgD--fZILszeSbUtlAV4LHs5n6aooZHR9-xoBC_Tw', 'f60ee1871c06', '\x7b22616e73776572223a2237373963336163656366396637353538653064326364623035643133303966633336326637363733313730303965353633333033343363633631353236633733222c226174223a22323032362d31312d32315431313a34353a34342e3530343838322b30303a3030222c226261736973223a7b226b696e64223a227374617475746f7279222c227265666572656e6365223a22e585bbe78aace7aea1e79086e69da1e4be8b227d2c2263617365223a2231222c22636c69656e74223a227061726b222c226465706172746d656e74223a22636974795f6d616e6167656d656e74222c226964223a2230316131666465642d333835322d376239302d393835612d303030373630633136623039222c226b6964223a22663630656531383731633036222c226b696e64223a2263657274696669636174652e616e737765726564222c226c696e6573223a5b7b226669656c6473223a5b22646f6773225d2c226f7574636f6d65223a2272656769737465726564222c2270726f766564223a747275652c22726561736f6e73223a5b5d2c227374617465223a2268656c64222c2274797065223a22646f675f72656769737465726564227d5d2c226f70657261746f72223a2277222c22736572766963654974656d223a22646f675f77616c6b222c227375626a656374223a224e774b67442d2d665a494c737a65536255746c4156344c4873356e36616f6f5a4852392d786f42435f5477222c227375626a6563744b696e64223a226964656e746974795f63617264227d', '\xd38ea2c7c0e55e3dc114b7d925818e100f79c5fd38867a29a357f18e4b010212');

INSERT INTO hub.batch (id, seq, feed, system, dataset, origin, mode, state, contract_version, contract_sha, system_sha, since, watermark, source_rows, landed_rows, evidence, reason, actor, started_at, landed_at, merged_at, delivered_at) OVERRIDING SYSTEM VALUE VALUES ('01a1fdec-f230-713b-98a9-5d57074b6100', 1, 'dogs.dog_licence', 'dogs', 'dog_licence', 'feed', 'full', 'delivered', '1.0.0', 'b0573dab42d2df61db027d53decb47fabfe0849fa7b300729dfab677b21b5ae0', '499c35482f3b1ea505ea29e885b7c4f2f2ff3b3c8600f6ffacb76cc3297ae990', NULL, NULL, 4, 4, '{"after": 3, "before": 0, "closed": 0, "landed": 4, "changed": 0, "removed": 0, "seconds": {"ship": 0.03, "merge": 0.13, "validate": 14.506, "standardise": 0.228, "hash and split": 0.02, "extract and land": 0.017}, "findings": {"citizen_no.checksum": 1}, "inserted": 3, "repeated": 0, "held_hash": "-7918889273390880235", "unchanged": 0, "quarantined": 1, "source_rows": 4, "expected_hash": "-7918889273390880235", "table_warnings": []}', NULL, '{"client": "cli", "system": "hutong", "operator": "steward", "department": ""}', '2026-11-21 11:45:26.576974+00', '2026-11-21 11:45:26.632626+00', '2026-11-21 11:45:41.947574+00', '2026-11-21 11:45:42.151428+00');
INSERT INTO hub.batch (id, seq, feed, system, dataset, origin, mode, state, contract_version, contract_sha, system_sha, since, watermark, source_rows, landed_rows, evidence, reason, actor, started_at, landed_at, merged_at, delivered_at) OVERRIDING SYSTEM VALUE VALUES ('01a1fded-2f67-7faf-92e6-aebfc4a1b8ee', 2, 'dogs.dog_licence', 'dogs', 'dog_licence', 'feed', 'full', 'delivered', '1.0.0', 'b0573dab42d2df61db027d53decb47fabfe0849fa7b300729dfab677b21b5ae0', '499c35482f3b1ea505ea29e885b7c4f2f2ff3b3c8600f6ffacb76cc3297ae990', NULL, NULL, 3, 3, '{"after": 2, "before": 3, "closed": 1, "landed": 3, "changed": 1, "removed": 0, "seconds": {"ship": 0.025, "merge": 0.079, "validate": 0.543, "standardise": 0.027, "hash and split": 0.021, "extract and land": 0.032}, "findings": {"citizen_no.checksum": 1}, "inserted": 0, "repeated": 0, "held_hash": "-5297232133528372156", "unchanged": 1, "quarantined": 1, "source_rows": 3, "expected_hash": "-5297232133528372156", "table_warnings": []}', NULL, '{"client": "cli", "system": "hutong", "operator": "steward", "department": ""}', '2026-11-21 11:45:42.248724+00', '2026-11-21 11:45:42.278437+00', '2026-11-21 11:45:43.795741+00', '2026-11-21 11:45:43.915122+00');

INSERT INTO hub.client (id, name, department, secret_hash, valid_from, valid_to, created_at) VALUES ('park', '公园', 'city_management', 'scrypt$KEfjQ1IKMzTTh3CiyMG7MA==$0dJGWaLdqSR/5pEpKqxjC4L5PP3khQhq5DEoFingCVM=', '2026-11-21 11:45:44.195051+00', NULL, '2026-11-21 11:45:44.195051+00');

INSERT INTO hub.publication (n, at, actor) OVERRIDING SYSTEM VALUE VALUES (1, '2026-11-21 11:45:25.895572+00', '{"client": "cli", "system": "hutong", "operator": "steward", "department": ""}');
INSERT INTO hub.publication (n, at, actor) OVERRIDING SYSTEM VALUE VALUES (2, '2026-11-21 11:45:26.030223+00', '{"client": "cli", "system": "hutong", "operator": "steward", "department": ""}');
INSERT INTO hub.publication (n, at, actor) OVERRIDING SYSTEM VALUE VALUES (3, '2026-11-21 11:45:26.251279+00', '{"client": "cli", "system": "hutong", "operator": "steward", "department": ""}');
INSERT INTO hub.publication (n, at, actor) OVERRIDING SYSTEM VALUE VALUES (4, '2026-11-21 11:45:26.459966+00', '{"client": "cli", "system": "hutong", "operator": "steward", "department": ""}');

INSERT INTO hub.document (kind, id, version, body, sha256, withdrawn, publication, published_at) VALUES ('library', 'population', 'b197065ef1fc', '# Format: schemas/library.py. Order: CITY''s survivorship; public_security comes with a later connection.
library: population
title: 人口库
identity: citizen_no
attributes:
  citizen_no: {title: 公民身份号码, english: citizen number, valueType: citizen_no, authority: [public_security], only: true, unverified: true}
  former_numbers: {title: 曾用号码, english: former numbers, valueType: citizen_no, authority: [public_security], only: true, many: true}
  name: {title: 姓名, english: name, valueType: person_name, authority: [public_security, provident_fund, natural_resources, housing, market_supervision], unverified: true}
  former_name: {title: 曾用名, english: former name, valueType: person_name, authority: [public_security], only: true}
  sex: {title: 性别, english: sex, valueType: code, authority: [public_security], derive: citizen_no.sex}
  birth: {title: 出生日期, english: date of birth, valueType: date, authority: [public_security], derive: citizen_no.birth}
  ethnicity: {title: 民族, english: ethnicity, valueType: code, authority: [public_security], only: true}
  household_address: {title: 户籍地址, english: household address, valueType: address, authority: [public_security], only: true}
  household_division: {title: 户籍地区划, english: household division, valueType: division, authority: [public_security], only: true}
  household_no: {title: 户号, english: household number, valueType: text, authority: [public_security], only: true}
  relation_to_head: {title: 与户主关系, english: relation to the head, valueType: code, authority: [public_security], only: true}
  household_status: {title: 人员状态, english: status, valueType: code, authority: [public_security], only: true}
  household_status_on: {title: 状态日期, english: date of status, valueType: date, authority: [public_security], only: true}
  # Civil affairs, the authority on marriage, is not connected: whatever is held is only declared.
  marital_status: {title: 婚姻状况, english: marital status, valueType: code, authority: [public_security], only: true, declared: true}
  phone: {title: 联系电话, english: phone, valueType: phone, authority: [provident_fund, housing, natural_resources], declared: true}
  residence: {title: 居住地, english: residence, valueType: address, authority: [housing, provident_fund]}
  employer_no: {title: 公积金缴存单位账号, english: employer''s fund number, valueType: text, authority: [provident_fund]}
', 'b197065ef1fc5f5fe719d67f1a571c7697d9697e8e8568551a431d1334240196', false, 1, '2026-11-21 11:45:25.895572+00');
INSERT INTO hub.document (kind, id, version, body, sha256, withdrawn, publication, published_at) VALUES ('department', 'city_management', '2acb529605bc', 'id: city_management
name: 城市管理局
credit_code: 11370800MB28559184
division: "430900"
', '2acb529605bcb1b628e658e20df37ba8a8b364b705902eeed0616e0595d9cda1', false, 1, '2026-11-21 11:45:25.895572+00');
INSERT INTO hub.document (kind, id, version, body, sha256, withdrawn, publication, published_at) VALUES ('contract', 'dog_licence', '1.0.0', 'apiVersion: v3.2.0
kind: DataContract
id: dog_licence
name: 养犬登记信息
version: 1.0.0
status: active
domain: city_management
schema:
- name: dog_licence
  logicalType: object
  properties:
  - {name: year, businessName: 年度, logicalType: integer, primaryKey: true, primaryKeyPosition: 1, required: true}
  - {name: tag, businessName: 犬牌号, logicalType: string, primaryKey: true, primaryKeyPosition: 2, required: true}
  - {name: owner_name, businessName: 饲养人, logicalType: string, required: true, classification: personal,
     customProperties: [{property: valueType, value: person_name}]}
  - {name: owner_no, businessName: 饲养人证件号码, logicalType: string, classification: personal,
     customProperties: [{property: valueType, value: citizen_no}]}
  - {name: clinic_name, businessName: 免疫机构, logicalType: string, customProperties: [{property: valueType, value: organisation_name}]}
  - {name: clinic_no, businessName: 免疫机构代码, logicalType: string, customProperties: [{property: valueType, value: organisation_no}]}
  - {name: weight_kg, businessName: 体重(千克), logicalType: number, logicalTypeOptions: {minimum: 0, maximum: 200}}
  - {name: vaccinated_on, businessName: 免疫日期, logicalType: date}
  - name: status
    businessName: 状态
    logicalType: string
    enum: [{value: valid, label: 有效}, {value: cancelled, label: 注销}]
  customProperties:
  - {property: contributes, value: [{library: population, role: owner, items: {name: owner_name, citizen_no: owner_no}}]}
  - property: subjects
    value: [{role: owner, id: owner_no, name: owner_name}, {role: clinic, id: clinic_no, name: clinic_name}]
  - {property: catalogue, value: {resourceClass: department, shareType: 1, shareMethod: interface, open: false}}
slaProperties: [{property: frequency, value: 1, unit: d}]
', 'b0573dab42d2df61db027d53decb47fabfe0849fa7b300729dfab677b21b5ae0', false, 2, '2026-11-21 11:45:26.030223+00');
INSERT INTO hub.document (kind, id, version, body, sha256, withdrawn, publication, published_at) VALUES ('system', 'dogs', '499c35482f3b', 'system: dogs
title: 养犬管理系统
department: city_management
connector: sql
secret: dogs
feeds:
- contract: dog_licence
  source: {table: dogs}
  mode: full
  columns:
    ND: year
    QP: tag
    SYR: owner_name
    SYRZJH: owner_no
    JG: clinic_name
    JGDM: clinic_no
    TZ: weight_kg
    MYRQ: vaccinated_on
    ZT: status
  ignore: [BZ]
  codes:
    status: {"1": valid, "9": cancelled}
  expect: {rows: {min: 1}, shrink: 50%}
  covers: {divisions: ["430900"], since: 2020-01-01}
  schedule: "@daily"
', '499c35482f3b1ea505ea29e885b7c4f2f2ff3b3c8600f6ffacb76cc3297ae990', false, 3, '2026-11-21 11:45:26.251279+00');
INSERT INTO hub.document (kind, id, version, body, sha256, withdrawn, publication, published_at) VALUES ('certificate', 'dog_registered', '1.0.0', 'certificate: dog_registered
version: 1.0.0
title: {zh: 养犬登记, en: Dog registered}
claim: {zh: 名下有在本市登记且有效的犬只, en: ''Keeps a dog registered here, in force''}
subject: person
branches:
  dogs: {dataset: dog_licence, role: owner}
facts:
  dogs: {title: {zh: 登记犬只数, en: dogs registered}, branch: dogs, count: true, where: {status: [valid]}}
outcomes:
- {code: registered, label: {zh: 有登记, en: Registered}, when: {dogs: {above: 0}}, state: held, proved: true}
- {code: none, label: {zh: 未查询到登记, en: No registration found}, state: not_held, proved: false}
', '47f57fb4a83f1469c4132e2a416e1768c40366d60b8bbe92dd48091ce482a3a5', false, 4, '2026-11-21 11:45:26.459966+00');

INSERT INTO hub.event (seq, xid, id, at, type, about, body, actor) OVERRIDING SYSTEM VALUE VALUES (1, '755', '01a1fdec-ef9b-77f4-ac6e-e0047312420e', '2026-11-21 11:45:25.916307+00', 'documents.published', 'publication/1', '{"documents": ["library/population", "department/city_management"], "publication": 1}', '{"client": "cli", "system": "hutong", "operator": "steward", "department": ""}');
INSERT INTO hub.event (seq, xid, id, at, type, about, body, actor) OVERRIDING SYSTEM VALUE VALUES (2, '756', '01a1fdec-f0b8-7be9-b5da-638cde59631b', '2026-11-21 11:45:26.201328+00', 'documents.published', 'publication/2', '{"documents": ["contract/dog_licence"], "publication": 2}', '{"client": "cli", "system": "hutong", "operator": "steward", "department": ""}');
INSERT INTO hub.event (seq, xid, id, at, type, about, body, actor) OVERRIDING SYSTEM VALUE VALUES (3, '757', '01a1fdec-f170-7da3-a696-a89996a6b5f1', '2026-11-21 11:45:26.385382+00', 'documents.published', 'publication/3', '{"documents": ["system/dogs"], "publication": 3}', '{"client": "cli", "system": "hutong", "operator": "steward", "department": ""}');
INSERT INTO hub.event (seq, xid, id, at, type, about, body, actor) OVERRIDING SYSTEM VALUE VALUES (4, '758', '01a1fdec-f1c9-7987-9d5a-859c37231fda', '2026-11-21 11:45:26.474161+00', 'documents.published', 'publication/4', '{"documents": ["certificate/dog_registered"], "publication": 4}', '{"client": "cli", "system": "hutong", "operator": "steward", "department": ""}');
INSERT INTO hub.event (seq, xid, id, at, type, about, body, actor) OVERRIDING SYSTEM VALUE VALUES (5, '761', '01a1fdec-f28e-7450-b6f6-9a9efda71213', '2026-11-21 11:45:26.671012+00', 'batch.landed', 'dogs.dog_licence', '{"from": "extracting", "batch": "01a1fdec-f230-713b-98a9-5d57074b6100", "dataset": "dog_licence"}', '{"client": "cli", "system": "hutong", "operator": "steward", "department": ""}');
INSERT INTO hub.event (seq, xid, id, at, type, about, body, actor) OVERRIDING SYSTEM VALUE VALUES (6, '768', '01a1fded-2eba-76e3-a32f-a7fe3ae6b8f9', '2026-11-21 11:45:42.07519+00', 'batch.merged', 'dogs.dog_licence', '{"from": "landed", "batch": "01a1fdec-f230-713b-98a9-5d57074b6100", "dataset": "dog_licence"}', '{"client": "cli", "system": "hutong", "operator": "steward", "department": ""}');
INSERT INTO hub.event (seq, xid, id, at, type, about, body, actor) OVERRIDING SYSTEM VALUE VALUES (7, '771', '01a1fded-2f0a-7717-91d4-a9207d75ae94', '2026-11-21 11:45:42.158612+00', 'batch.delivered', 'dogs.dog_licence', '{"from": "merged", "batch": "01a1fdec-f230-713b-98a9-5d57074b6100", "dataset": "dog_licence"}', '{"client": "cli", "system": "hutong", "operator": "steward", "department": ""}');
INSERT INTO hub.event (seq, xid, id, at, type, about, body, actor) OVERRIDING SYSTEM VALUE VALUES (8, '773', '01a1fded-2fa6-79b9-a625-c569e0b3fce5', '2026-11-21 11:45:42.314775+00', 'batch.landed', 'dogs.dog_licence', '{"from": "extracting", "batch": "01a1fded-2f67-7faf-92e6-aebfc4a1b8ee", "dataset": "dog_licence"}', '{"client": "cli", "system": "hutong", "operator": "steward", "department": ""}');
INSERT INTO hub.event (seq, xid, id, at, type, about, body, actor) OVERRIDING SYSTEM VALUE VALUES (9, '781', '01a1fded-35c7-7550-b224-54dc92c79633', '2026-11-21 11:45:43.882414+00', 'batch.merged', 'dogs.dog_licence', '{"from": "landed", "batch": "01a1fded-2f67-7faf-92e6-aebfc4a1b8ee", "dataset": "dog_licence"}', '{"client": "cli", "system": "hutong", "operator": "steward", "department": ""}');
INSERT INTO hub.event (seq, xid, id, at, type, about, body, actor) OVERRIDING SYSTEM VALUE VALUES (10, '783', '01a1fded-35ee-77ef-a849-a44f27f20cd2', '2026-11-21 11:45:43.919059+00', 'batch.delivered', 'dogs.dog_licence', '{"from": "merged", "batch": "01a1fded-2f67-7faf-92e6-aebfc4a1b8ee", "dataset": "dog_licence"}', '{"client": "cli", "system": "hutong", "operator": "steward", "department": ""}');
INSERT INTO hub.event (seq, xid, id, at, type, about, body, actor) OVERRIDING SYSTEM VALUE VALUES (11, '788', '01a1fded-36fd-7e50-b8ba-d24e555dc7c4', '2026-11-21 11:45:44.190396+00', 'libraries.refreshed', 'golden', '{"linked": 2, "created": 2, "removed": 0, "conflicts": 0, "refreshed": 2, "unlinkable": 2}', '{"client": "", "system": "hutong", "operator": "system", "department": ""}');
INSERT INTO hub.event (seq, xid, id, at, type, about, body, actor) OVERRIDING SYSTEM VALUE VALUES (12, '789', '01a1fded-3707-7292-beed-b3c059c324b5', '2026-11-21 11:45:44.199674+00', 'service_item.put', 'service_item/dog_walk', '{"id": "dog_walk", "name": "犬只入园", "department": "city_management", "certificates": ["dog_registered"]}', '{"client": "cli", "system": "hutong", "operator": "steward", "department": ""}');
INSERT INTO hub.event (seq, xid, id, at, type, about, body, actor) OVERRIDING SYSTEM VALUE VALUES (13, '789', '01a1fded-373e-79ac-8a4e-4f68863d5c30', '2026-11-21 11:45:44.255347+00', 'client.added', 'client/park', '{"department": "city_management"}', '{"client": "cli", "system": "hutong", "operator": "steward", "department": ""}');
INSERT INTO hub.event (seq, xid, id, at, type, about, body, actor) OVERRIDING SYSTEM VALUE VALUES (14, '789', '01a1fded-374d-7472-bb37-e952b6d39fa3', '2026-11-21 11:45:44.278452+00', 'grant.given', 'grant/01a1fded-374b-7334-be49-4e8a730ef410', '{"fields": ["dogs"], "department": "city_management", "service_item": "dog_walk", "certificate_type": "dog_registered"}', '{"client": "cli", "system": "hutong", "operator": "steward", "department": ""}');

INSERT INTO hub.finding (batch_id, row_no, dataset, item, rule, severity, dimension, raw) VALUES ('01a1fdec-f230-713b-98a9-5d57074b6100', 3, 'dog_licence', 'owner_no', 'citizen_no.checksum', 'error', 'accuracy', '110105194912310021');

INSERT INTO hub.quarantine (batch_id, row_no, feed, system, dataset, key, source_key, "row", status, quarantined_at, closed_at) VALUES ('01a1fdec-f230-713b-98a9-5d57074b6100', 3, 'dogs.dog_licence', 'dogs', 'dog_licence', '\x4211475ab60d777b14980df22ed5c0a0', '["2026", "A003"]', '{"JG": "第一动物医院", "ND": "2026", "QP": "A003", "TZ": "30.0", "ZT": "1", "SYR": "赵敏", "JGDM": "91350100M000100Y43", "MYRQ": "2026-03-03", "SYRZJH": "110105194912310021"}', 'open', '2026-11-21 11:45:41.947574+00', NULL);

INSERT INTO hub.quarantine_subject (batch_id, row_no, dataset, role, part, number, name) VALUES ('01a1fdec-f230-713b-98a9-5d57074b6100', 3, 'dog_licence', 'owner', 0, '110105194912310021', '赵敏');
INSERT INTO hub.quarantine_subject (batch_id, row_no, dataset, role, part, number, name) VALUES ('01a1fdec-f230-713b-98a9-5d57074b6100', 3, 'dog_licence', 'clinic', 0, '91350100M000100Y43', '第一动物医院');

INSERT INTO hub.resource (dataset, code, class_path, sequence, department, title, status, search, registered_at, updated_at) VALUES ('dog_licence', '301001/1', '301001', 1, 'city_management', '养犬登记信息', 'published', '''djxx'' ''dog'' ''jxx'' ''licence'' ''qdjxx'' ''x'' ''xx'' ''yqdjxx'' ''人'' ''人证'' ''代'' ''代码'' ''件'' ''件号'' ''体'' ''体重'' ''信'' ''信息'' ''克'' ''免'' ''免疫'' ''养'' ''养人'' ''养犬'' ''千'' ''千克'' ''号'' ''号码'' ''城'' ''城市'' ''局'' ''市'' ''市管'' ''年'' ''年度'' ''度'' ''态'' ''息'' ''日'' ''日期'' ''期'' ''机'' ''机构'' ''构'' ''构代'' ''牌'' ''牌号'' ''犬'' ''犬牌'' ''犬登'' ''状'' ''状态'' ''理'' ''理局'' ''疫'' ''疫日'' ''疫机'' ''登'' ''登记'' ''码'' ''管'' ''管理'' ''记'' ''记信'' ''证'' ''证件'' ''重'' ''饲'' ''饲养''', '2026-11-21 11:45:26.030223+00', '2026-11-21 11:45:26.030223+00');

INSERT INTO hub.secret (name, kid, ciphertext, updated_at) VALUES ('dogs', '8e6bcfde0ee3', '\xb7263f9283c3e2ac1360ea324b562daf770445daf46213c670696f3d498f82ff6d89e5afbe63402c3162ced212913cca179be256ca662397', '2026-11-21 11:45:26.534453+00');

INSERT INTO libraries.entity (id, library, id_kind, id_value, dirty, created_at) VALUES ('01a1fded-3692-7ab0-b3d5-d2ee18192b66', 'population', 'identity_card', '11010519491231002X', false, '2026-11-21 11:45:44.038219+00');
INSERT INTO libraries.entity (id, library, id_kind, id_value, dirty, created_at) VALUES ('01a1fded-369a-75b5-a023-c5a5e322bd8c', 'population', 'identity_card', '430903198001011233', false, '2026-11-21 11:45:44.038219+00');

INSERT INTO libraries.golden (library, entity_id, attributes, refreshed_at) VALUES ('population', '01a1fded-369a-75b5-a023-c5a5e322bd8c', '{"sex": {"batch": "01a1fdec-f230-713b-98a9-5d57074b6100", "value": "1", "status": "unverified", "dataset": "dog_licence", "department": "city_management", "known_from": "2026-11-21T11:45:26.632626+00:00", "derived_from": "citizen_no"}, "name": {"batch": "01a1fdec-f230-713b-98a9-5d57074b6100", "value": "张伟", "status": "unverified", "dataset": "dog_licence", "department": "city_management", "known_from": "2026-11-21T11:45:26.632626+00:00"}, "birth": {"batch": "01a1fdec-f230-713b-98a9-5d57074b6100", "value": "1980-01-01", "status": "unverified", "dataset": "dog_licence", "department": "city_management", "known_from": "2026-11-21T11:45:26.632626+00:00", "derived_from": "citizen_no"}, "citizen_no": {"batch": "01a1fdec-f230-713b-98a9-5d57074b6100", "value": "430903198001011233", "status": "unverified", "dataset": "dog_licence", "department": "city_management", "known_from": "2026-11-21T11:45:26.632626+00:00"}}', '2026-11-21 11:45:44.038219+00');
INSERT INTO libraries.golden (library, entity_id, attributes, refreshed_at) VALUES ('population', '01a1fded-3692-7ab0-b3d5-d2ee18192b66', '{"sex": {"batch": "01a1fded-2f67-7faf-92e6-aebfc4a1b8ee", "value": "2", "status": "unverified", "dataset": "dog_licence", "department": "city_management", "known_from": "2026-11-21T11:45:42.278437+00:00", "derived_from": "citizen_no"}, "name": {"batch": "01a1fded-2f67-7faf-92e6-aebfc4a1b8ee", "value": "王小明", "status": "unverified", "dataset": "dog_licence", "department": "city_management", "known_from": "2026-11-21T11:45:42.278437+00:00"}, "birth": {"batch": "01a1fded-2f67-7faf-92e6-aebfc4a1b8ee", "value": "1949-12-31", "status": "unverified", "dataset": "dog_licence", "department": "city_management", "known_from": "2026-11-21T11:45:42.278437+00:00", "derived_from": "citizen_no"}, "citizen_no": {"batch": "01a1fded-2f67-7faf-92e6-aebfc4a1b8ee", "value": "11010519491231002X", "status": "unverified", "dataset": "dog_licence", "department": "city_management", "known_from": "2026-11-21T11:45:42.278437+00:00"}}', '2026-11-21 11:45:44.038219+00');

INSERT INTO libraries.mention (dataset, key, role, part, system, id_kind, id_value, name, entity_id, pending) VALUES ('dog_licence', '\x1d43621ca6385661dd57d99c17373d17', 'owner', 0, 'dogs', 'identity_card', '11010519491231002X', '王小明', '01a1fded-3692-7ab0-b3d5-d2ee18192b66', false);
INSERT INTO libraries.mention (dataset, key, role, part, system, id_kind, id_value, name, entity_id, pending) VALUES ('dog_licence', '\xdd9551db1c8f3f70fa9b7862641adb7e', 'owner', 0, 'dogs', 'identity_card', '430903198001011233', '张伟', '01a1fded-369a-75b5-a023-c5a5e322bd8c', false);
INSERT INTO libraries.mention (dataset, key, role, part, system, id_kind, id_value, name, entity_id, pending) VALUES ('dog_licence', '\xdd9551db1c8f3f70fa9b7862641adb7e', 'clinic', 0, 'dogs', 'uscc', '91350100M000100Y43', '第一动物医院', NULL, false);
INSERT INTO libraries.mention (dataset, key, role, part, system, id_kind, id_value, name, entity_id, pending) VALUES ('dog_licence', '\x1d43621ca6385661dd57d99c17373d17', 'clinic', 0, 'dogs', 'uscc', '91350100M000100Y43', '第一动物医院', NULL, false);

INSERT INTO libraries.rules (library, dataset, body) VALUES ('population', '', '{"decides": {"title": "人口库", "types": {}, "library": "population", "identity": "citizen_no", "attributes": {"sex": {"many": false, "only": false, "title": "性别", "derive": "citizen_no.sex", "english": "sex", "declared": false, "authority": ["public_security"], "unverified": false, "value_type": "code", "provisional": false}, "name": {"many": false, "only": false, "title": "姓名", "derive": null, "english": "name", "declared": false, "authority": ["public_security", "provident_fund", "natural_resources", "housing", "market_supervision"], "unverified": true, "value_type": "person_name", "provisional": false}, "birth": {"many": false, "only": false, "title": "出生日期", "derive": "citizen_no.birth", "english": "date of birth", "declared": false, "authority": ["public_security"], "unverified": false, "value_type": "date", "provisional": false}, "phone": {"many": false, "only": false, "title": "联系电话", "derive": null, "english": "phone", "declared": true, "authority": ["provident_fund", "housing", "natural_resources"], "unverified": false, "value_type": "phone", "provisional": false}, "ethnicity": {"many": false, "only": true, "title": "民族", "derive": null, "english": "ethnicity", "declared": false, "authority": ["public_security"], "unverified": false, "value_type": "code", "provisional": false}, "residence": {"many": false, "only": false, "title": "居住地", "derive": null, "english": "residence", "declared": false, "authority": ["housing", "provident_fund"], "unverified": false, "value_type": "address", "provisional": false}, "citizen_no": {"many": false, "only": true, "title": "公民身份号码", "derive": null, "english": "citizen number", "declared": false, "authority": ["public_security"], "unverified": true, "value_type": "citizen_no", "provisional": false}, "employer_no": {"many": false, "only": false, "title": "公积金缴存单位账号", "derive": null, "english": "employer''s fund number", "declared": false, "authority": ["provident_fund"], "unverified": false, "value_type": "text", "provisional": false}, "former_name": {"many": false, "only": true, "title": "曾用名", "derive": null, "english": "former name", "declared": false, "authority": ["public_security"], "unverified": false, "value_type": "person_name", "provisional": false}, "household_no": {"many": false, "only": true, "title": "户号", "derive": null, "english": "household number", "declared": false, "authority": ["public_security"], "unverified": false, "value_type": "text", "provisional": false}, "former_numbers": {"many": true, "only": true, "title": "曾用号码", "derive": null, "english": "former numbers", "declared": false, "authority": ["public_security"], "unverified": false, "value_type": "citizen_no", "provisional": false}, "marital_status": {"many": false, "only": true, "title": "婚姻状况", "derive": null, "english": "marital status", "declared": true, "authority": ["public_security"], "unverified": false, "value_type": "code", "provisional": false}, "household_status": {"many": false, "only": true, "title": "人员状态", "derive": null, "english": "status", "declared": false, "authority": ["public_security"], "unverified": false, "value_type": "code", "provisional": false}, "relation_to_head": {"many": false, "only": true, "title": "与户主关系", "derive": null, "english": "relation to the head", "declared": false, "authority": ["public_security"], "unverified": false, "value_type": "code", "provisional": false}, "household_address": {"many": false, "only": true, "title": "户籍地址", "derive": null, "english": "household address", "declared": false, "authority": ["public_security"], "unverified": false, "value_type": "address", "provisional": false}, "household_division": {"many": false, "only": true, "title": "户籍地区划", "derive": null, "english": "household division", "declared": false, "authority": ["public_security"], "unverified": false, "value_type": "division", "provisional": false}, "household_status_on": {"many": false, "only": true, "title": "状态日期", "derive": null, "english": "date of status", "declared": false, "authority": ["public_security"], "unverified": false, "value_type": "date", "provisional": false}}}, "attributes": [{"name": "citizen_no", "title": "公民身份号码", "english": "citizen number", "collected": true, "value_type": "citizen_no"}, {"name": "former_numbers", "title": "曾用号码", "english": "former numbers", "collected": false, "value_type": "citizen_no"}, {"name": "name", "title": "姓名", "english": "name", "collected": true, "value_type": "person_name"}, {"name": "former_name", "title": "曾用名", "english": "former name", "collected": false, "value_type": "person_name"}, {"name": "sex", "title": "性别", "english": "sex", "collected": true, "value_type": "code"}, {"name": "birth", "title": "出生日期", "english": "date of birth", "collected": true, "value_type": "date"}, {"name": "ethnicity", "title": "民族", "english": "ethnicity", "collected": false, "value_type": "code"}, {"name": "household_address", "title": "户籍地址", "english": "household address", "collected": false, "value_type": "address"}, {"name": "household_division", "title": "户籍地区划", "english": "household division", "collected": false, "value_type": "division"}, {"name": "household_no", "title": "户号", "english": "household number", "collected": false, "value_type": "text"}, {"name": "relation_to_head", "title": "与户主关系", "english": "relation to the head", "collected": false, "value_type": "code"}, {"name": "household_status", "title": "人员状态", "english": "status", "collected": false, "value_type": "code"}, {"name": "household_status_on", "title": "状态日期", "english": "date of status", "collected": false, "value_type": "date"}, {"name": "marital_status", "title": "婚姻状况", "english": "marital status", "collected": false, "value_type": "code"}, {"name": "phone", "title": "联系电话", "english": "phone", "collected": false, "value_type": "phone"}, {"name": "residence", "title": "居住地", "english": "residence", "collected": false, "value_type": "address"}, {"name": "employer_no", "title": "公积金缴存单位账号", "english": "employer''s fund number", "collected": false, "value_type": "text"}]}');
INSERT INTO libraries.rules (library, dataset, body) VALUES ('population', 'dog_licence', '[{"rank": 5, "role": "owner", "type": null, "when": {}, "since": null, "claims": [{"cut": null, "sql": "CASE WHEN w.kind = ''identity_card'' THEN w.id_value END", "rank": 1, "status": "unverified", "constant": null, "attribute": "citizen_no"}, {"cut": null, "sql": "w.name", "rank": 5, "status": "unverified", "constant": null, "attribute": "name"}]}]');

SELECT pg_catalog.setval('hub.batch_seq_seq', 2, true);

SELECT pg_catalog.setval('hub.event_seq_seq', 14, true);

SELECT pg_catalog.setval('hub.publication_n_seq', 4, true);
