"""`/docs`: the API's reference as one static page, made from its own OpenAPI document. No script, nothing from elsewhere."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader, select_autoescape

router = APIRouter(include_in_schema=False)
_pages = Environment(
    loader=PackageLoader("api", "pages"), autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True
)


@router.get("/docs")
def page(request: Request) -> HTMLResponse:
    """Every operation with its parameters, an example and a curl that can be pasted."""
    base = str(request.base_url).rstrip("/")
    document = request.app.openapi()
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for tag in operation["tags"]:
                groups.setdefault(tag, []).append(_described(base, path, method, operation))
    return HTMLResponse(_pages.get_template("docs.html").render(document=document, groups=groups))


@router.get("/docs/style.css")
def style() -> Response:
    """The page's style sheet."""
    return Response(resources.files("api").joinpath("pages/docs.css").read_text("utf-8"), media_type="text/css")


def _described(base: str, path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"{method}{path}",
        "method": method.upper(),
        "path": path,
        "summary": operation.get("summary", ""),
        "description": operation.get("description", ""),
        "parameters": [_parameter(parameter) for parameter in operation.get("parameters", [])],
        "curl": _curl(base, path, method, operation),
        "responses": [
            {"status": status, "description": response.get("description", ""), "example": _example(response)}
            for status, response in operation["responses"].items()
            if _example(response)
        ],
    }


def _parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    """A parameter with what it may be: its closed list or its bounds, and what it is when not given."""
    schema = parameter["schema"]
    known = next(each for each in schema.get("anyOf", [schema]) if each.get("type") != "null")
    allowed = " ".join(known["enum"]) if "enum" in known else known["type"]
    if allowed == "array":
        allowed = f"{known['items']['type']} …"  # may be given several times
    if "minimum" in known and "maximum" in known:
        allowed = f"{known['minimum']}–{known['maximum']}"
    default = schema.get("default")
    return {**parameter, "allowed": allowed, "default": "" if default is None else json.dumps(default).strip('"')}


def _curl(base: str, path: str, method: str, operation: dict[str, Any]) -> str:
    parts = ["curl -sS"]
    if method != "get":
        parts.append(f"-X {method.upper()}")
    if operation.get("security"):
        parts.append('-H "Authorization: Bearer $TOKEN"')
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        body = json.dumps(content["application/json"].get("example", {}), ensure_ascii=False)
        parts += ["-H 'Content-Type: application/json'", f"-d '{body}'"]
    elif content:
        parts += ['-u "$CLIENT_ID:$CLIENT_SECRET"', "-d grant_type=client_credentials"]
    given = {parameter["name"]: parameter.get("example") for parameter in operation.get("parameters", [])}
    asked = [
        f"--data-urlencode '{name}={value}'" for name, value in given.items() if value and f"{{{name}}}" not in path
    ]
    for name, value in given.items():
        path = path.replace(f"{{{name}}}", str(value))
    if asked:
        parts = [*parts[:-1], f"{parts[-1]} -G", *asked]
    # one short line when there is nothing to break
    return " \\\n  ".join([*parts, f"{base}{path}"]) if len(parts) > 1 else f"{parts[0]} {base}{path}"


def _example(response: dict[str, Any]) -> str:
    for content in response.get("content", {}).values():
        if "example" in content:
            return json.dumps(content["example"], ensure_ascii=False, indent=2)
    return ""
