"""Every answer held against the OpenAPI document: the status is one that the operation lists, the body has the form it says
and no member that it does not name."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

from fastapi import FastAPI
from jsonschema import Draft202012Validator
from starlette.routing import Match


def strict(app: FastAPI) -> dict[str, Any]:
    """The document, with objects of named members closed to others."""
    document: dict[str, Any] = copy.deepcopy(app.openapi())

    def close(node: Any) -> None:
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            close(child)
        if isinstance(node, dict) and isinstance(node.get("properties"), dict) and "type" in node:
            node.setdefault("additionalProperties", False)

    close(document["components"]["schemas"])
    return document


def validator(document: dict[str, Any], schema: dict[str, Any]) -> Draft202012Validator:
    """For one schema of the document."""
    return Draft202012Validator({**schema, "components": document["components"]})


class Held:
    """Holds answers of one application against its document."""

    def __init__(self, app: FastAPI) -> None:
        self.app, self.document = app, strict(app)
        self.of = cache(self._of)

    def template(self, method: str, path: str) -> str | None:
        """The documented address that a path is one of."""
        for route in self.app.routes:
            matched, _ = route.matches({"type": "http", "path": path, "method": method, "root_path": "", "headers": []})
            if matched == Match.FULL:
                found: str = route.path  # type: ignore[attr-defined]
                return found if found in self.document["paths"] else None
        return None

    def _of(self, method: str, template: str, status: int) -> tuple[str, Draft202012Validator] | None:
        said = self.document["paths"][template][method]["responses"].get(str(status))
        assert said is not None, f"{method} {template} does not say that it answers {status}"
        if "content" not in said:
            return None
        ((media, content),) = said["content"].items()
        return media, validator(self.document, content["schema"])

    def check(self, answer: Any) -> None:
        """Raises AssertionError, naming the place and not the value."""
        request = answer.request
        template = self.template(request.method, request.url.path)
        if template is None:
            return
        found = self.of(request.method.lower(), template, answer.status_code)
        if found is None:
            assert not answer.content
            return
        media, form = found
        assert answer.headers["content-type"].partition(";")[0] == media
        if media.endswith("json"):
            wrong = [f"{'/'.join(map(str, one.path))}: {one.message[:200]}" for one in form.iter_errors(answer.json())]
            assert not wrong, f"{request.method} {template} {answer.status_code}: {wrong[:5]}"
