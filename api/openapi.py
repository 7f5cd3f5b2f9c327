"""The OpenAPI 3.1 document: FastAPI's, with an example for every operation from pages/examples.json and the problems' form."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problems import MEDIA
from api.read import REF

_PROBLEM = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "description": "urn:hutong:problem:<type>"},
        "title": {"type": "string"},
        "title_en": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "detail_en": {"type": "string"},
        "remedy": {"type": "string", "description": "下一步怎么办 / what to do"},
        "remedy_en": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string", "description": "RFC 6901；或参数名 / or a parameter's name"},
                    "detail": {"type": "string"},
                    "detail_en": {"type": "string"},
                    "item": {"type": "string", "description": "修正仍不符合的信息项 / of a correction: the item"},
                    "rule": {"type": "string", "description": "及其规则 / and the rule"},
                },
            },
        },
    },
}

_WAIT = {"description": "秒 / seconds", "schema": {"type": "integer"}}
# FastAPI's own words, which are English only
_WORDS = {
    "Successful Response": "成功 / as asked",
    "Validation Error": "请求内容不符合要求 / the request is not as asked for",
}


def document(app: FastAPI) -> dict[str, Any]:
    """The document of the application, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            openapi_version="3.1.0",
            description=app.description,
            routes=app.routes,
        )
        components = made.setdefault("components", {})
        flow = {"clientCredentials": {"tokenUrl": "/v1/oauth2/token", "scopes": {}}}
        components["securitySchemes"] = {"oauth2": {"type": "oauth2", "flows": flow}}
        schemas = components.setdefault("schemas", {})
        for unused in ("HTTPValidationError", "ValidationError"):  # refusals are problems here, not FastAPI's own form
            schemas.pop(unused, None)
        schemas["Problem"] = _PROBLEM
        for methods in made["paths"].values():
            for operation in methods.values():
                _gather(operation, schemas)
        examples = json.loads(resources.files("api").joinpath("pages/examples.json").read_text("utf-8"))
        for path, methods in made["paths"].items():
            for method, operation in methods.items():
                _refusals(operation)
                _exemplify(operation, examples.get(f"{method} {path}", {}))
        app.openapi_schema = made
    return app.openapi_schema


def _gather(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """A body that an operation describes itself (api/read.py) goes where the others are."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        described = content["schema"]
        if "$defs" in described:
            schemas |= described["$defs"] | {described["title"]: {k: v for k, v in described.items() if k != "$defs"}}
            content["schema"] = {"$ref": REF.format(model=described["title"])}


def _refusals(operation: dict[str, Any]) -> None:
    """What any route may answer besides its own: a query parameter it does not have, a body too large, a failure of ours. A
    refusal is a problem where the route does not say otherwise (RFC 6749 has a form of its own)."""
    responses = operation["responses"]
    responses.setdefault("422", {"description": "Validation Error"}).pop("content", None)
    responses.setdefault("500", {"description": "服务内部错误 / internal error"})
    if "requestBody" in operation:
        responses.setdefault("400", {"description": "请求体不可读 / the body cannot be read"})
        responses.setdefault("413", {"description": "请求体过大 / the body is too large"})
    for status, response in responses.items():
        if int(status) >= 400:
            response.setdefault("content", {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}})
        if status == "429" or (status == "503" and MEDIA in response["content"]):
            response["headers"] = {"Retry-After": _WAIT}
        for content in response.get("content", {}).values():
            if "$ref" in content.get("schema", {}):  # beside a model FastAPI leaves a title
                content["schema"] = {"$ref": content["schema"]["$ref"]}


def _exemplify(operation: dict[str, Any], examples: dict[str, Any]) -> None:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        if "request" in examples:
            content["example"] = examples["request"]
    for parameter in operation.get("parameters", ()):
        if parameter["name"] in examples.get("parameters", {}):
            parameter["example"] = examples["parameters"][parameter["name"]]
    for status, response in operation["responses"].items():
        response["description"] = _WORDS.get(response["description"], response["description"])
        if status in examples:
            (content,) = response["content"].values()
            content["example"] = examples[status]
