"""Reading one YAML document that people wrote: safely, strictly, and with a place for every complaint.

Said once for contracts, systems, libraries and certificates. A document is data from a stranger: no aliases (YAML
bombs), no tags, no duplicate keys, no huge files. Scalars follow YAML 1.2's core schema with one stricter point: a
number with a leading zero, or with an exponent but no point, stays text: departmental codes look like `01` and `1E5`.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from core.errors import DocumentRefused
from core.text import T

MAX_BYTES = 512 * 1024
MAX_DEPTH = 40
_LISTED = 20
Place = tuple[str | int, ...]
M = TypeVar("M", bound=BaseModel)


class Strict(BaseModel):
    """The base of every document model: unknown keys are refused, values never change afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Loader(yaml.CSafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  (PyYAML's own shape)


_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)$")
# Without a point it stays text (`1E5` may be a code); YAML 1.2 would read a number.
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]*)\.[0-9]+([eE][-+]?[0-9]+)?$")
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"(true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", _INT, list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789"))


@dataclass(frozen=True)
class Source:
    """A parsed document: its plain tree, the text it came from, and the line of every place in it."""

    file: str
    text: str
    tree: Any
    lines: Mapping[Place, int] = field(repr=False)

    @property
    def sha256(self) -> str:
        """The digest of the text as written, hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def refused(self, place: Place, message: T, remedy: T) -> DocumentRefused:
        """The error for one place; the nearest known line leads the message."""
        known = place
        while known and known not in self.lines:
            known = known[:-1]
        line = self.lines.get(known)
        if line is not None:
            message = T(f"第 {line} 行：{message.zh}", f"line {line}: {message.en}")
        return DocumentRefused(message, file=self.file, path=show(place), remedy=remedy)


def show(place: Place) -> str:
    """A place as people write it: `schema[0].properties[3].valueType`."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def near(word: object, words: Iterable[str]) -> T:
    """The remedy for a word that is not among `words`: the near misses, or all of them when nothing is near (the first of
    them: a city has 2,000 datasets)."""
    known = sorted({str(w) for w in words})
    close = difflib.get_close_matches(str(word), known, n=3, cutoff=0.6)
    if close:
        return T(f"是否应为：{'、'.join(close)}?", f"Did you mean {' or '.join(close)}?")
    if not known:
        return T("请删除。", "Remove it.")
    listed, more = known[:_LISTED], len(known) > _LISTED
    return T(
        f"可用：{'、'.join(listed)}{'等' if more else ''}。",
        f"Known: {', '.join(listed)}{' and others' if more else ''}.",
    )


def read(document: str | Path, *, file: str = "") -> Source:
    """Parse a path or a text. Raises DocumentRefused for anything that is not one plain YAML mapping."""
    if isinstance(document, Path):
        file = file or str(document)
        try:
            if document.stat().st_size > MAX_BYTES:
                raise _too_big(file)
            text = document.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DocumentRefused(
                T("文件不是 UTF-8 编码", "the file is not UTF-8"),
                file=file,
                remedy=T("请另存为 UTF-8。", "Save it as UTF-8."),
            ) from error
        except OSError as error:
            raise DocumentRefused(
                T(f"无法读取文件：{error.strerror}", f"cannot read the file: {error.strerror}"),
                file=file,
                remedy=T("请检查路径与权限。", "Check the path and its permissions."),
            ) from error
    else:
        text, file = document, file or "<text>"
        if len(text.encode()) > MAX_BYTES:
            raise _too_big(file)
    return _parse(text, file)


def _too_big(file: str) -> DocumentRefused:
    return DocumentRefused(
        T(f"文件超过 {MAX_BYTES // 1024} KiB", f"the file is larger than {MAX_BYTES // 1024} KiB"),
        file=file,
        remedy=T("文档只描述数据，不应包含数据本身。", "A document describes data; it does not hold any."),
    )


def _parse(text: str, file: str) -> Source:
    lines: dict[Place, int] = {}
    source = Source(file, text, None, lines)
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            at = event.start_mark.line + 1 if event.start_mark else 0
            line = T(f"第 {at} 行：", f"line {at}: ")
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise DocumentRefused(
                    T(line.zh + "不允许使用 YAML 锚点与别名", line.en + "YAML anchors and aliases are not allowed"),
                    file=file,
                    remedy=T("请把内容写全。", "Write the content out."),
                )
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise DocumentRefused(
                    T(line.zh + "嵌套过深", line.en + "nested too deeply"),
                    file=file,
                    remedy=T(f"最多 {MAX_DEPTH} 层。", f"At most {MAX_DEPTH} levels."),
                )
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = T("", "") if mark is None else T(f"第 {mark.line + 1} 行：", f"line {mark.line + 1}: ")
        problem = getattr(error, "problem", None) or type(error).__name__
        raise DocumentRefused(
            T(f"{where.zh}不是合法的 YAML:{problem}", f"{where.en}not valid YAML: {problem}"),
            file=file,
            remedy=T("请检查缩进、冒号与引号。", "Check indentation, colons and quotes."),
        ) from error
    tree = None if node is None else _build(node, (), source, lines)
    if not isinstance(tree, dict):
        raise source.refused((), T("文档应为键值结构", "the document must be a mapping"), T("", ""))
    return Source(file, text, tree, lines)


def _build(node: yaml.Node, place: Place, source: Source, lines: dict[Place, int]) -> Any:
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
        tree: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = _build(key_node, (*place, str(key_node.value)), source, lines)
            if isinstance(key, dict | list):
                raise source.refused(
                    place, T("键必须是简单值", "a key must be a plain value"), T("请改为文字。", "Use text.")
                )
            here = (*place, str(key_node.value))
            if key in tree:
                raise source.refused(
                    here, T(f"键 {key} 重复", f"the key {key} appears twice"), T("请只保留一个。", "Keep only one.")
                )
            tree[key] = _build(value_node, here, source, lines)
        return tree
    if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
        return [_build(child, (*place, number), source, lines) for number, child in enumerate(node.value)]
    text = node.value
    kind = node.tag.rpartition(":")[2]
    if isinstance(node, yaml.ScalarNode) and node.tag.startswith("tag:yaml.org,2002:") and len(text) <= 100_000:
        if kind == "str":
            return text
        if kind == "null":
            return None
        if kind == "bool":
            return text[0] in "tT"
        if kind == "int" and len(text) <= 30 and _INT.match(text):
            return int(text)
        if kind == "float" and len(text) <= 40 and _FLOAT.match(text):
            return float(text)
    raise source.refused(
        place,
        T(f"不允许的值类型 {node.tag}", f"a value of kind {node.tag} is not allowed"),
        T("请改为普通值。", "Use a plain value."),
    )


def model(source: Source, kind: type[M], tree: Any = None, place: Place = ()) -> M:
    """Validate the document, or one part of it, with a strict model. Raises DocumentRefused at the exact place."""
    try:
        return kind.model_validate(source.tree if tree is None else tree)
    except ValidationError as error:
        details = error.errors(include_url=False)
        # A misspelt key is the cause, the key then missing only its consequence: name the cause.
        first = min(details, key=lambda detail: detail["type"] != "extra_forbidden")
        where: Place = (*place, *(step for step in first["loc"] if step != "[key]"))
        if first["type"] == "extra_forbidden":
            remedy = near(where[-1], _keys(kind, first["loc"][:-1]))
            raise source.refused(where, T(f"未知的键 {where[-1]}", f"unknown key {where[-1]}"), remedy) from error
        message = first["msg"].removeprefix("Value error, ")
        raise source.refused(
            where,
            T(f"值不合要求：{message}", f"not accepted: {message}"),
            T("请按说明更正该值。", "Correct this value."),
        ) from error


def _keys(kind: type[BaseModel], loc: Iterable[str | int]) -> list[str]:
    """The keys a model knows at a location inside it, following nested models through lists and mappings."""
    here = kind
    for step in loc:
        info = here.model_fields.get(str(step)) if isinstance(step, str) else None
        if info is None:
            continue
        inner = _models(info.annotation)
        if not inner:
            return []
        here = inner[0]
    return [info.alias or name for name, info in here.model_fields.items()]


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in getattr(annotation, "__args__", ()) for found in _models(part)]
