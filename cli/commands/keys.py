"""key list|rotate|destroy, secret set|list|remove: the installation's keys, and the secrets encrypted with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import output, session
from cli.output import Column, Json
from core.errors import Invalid
from core.text import T

if TYPE_CHECKING:
    from core.key_files import Kind

_KINDS = {"signing": T("签名", "signing"), "pseudonym": T("假名", "pseudonym"), "encryption": T("加密", "encryption")}
_STATES = {
    "active": T("使用中", "in use"),
    "verifies": T("仅验签", "verifies only"),
    "kept": T("保留", "kept"),
}


def register(app: typer.Typer) -> None:
    """Put the commands in place."""
    key = typer.Typer(no_args_is_help=True, help=str(T("本实例的密钥", "keys of this installation")))
    key.command("list", help=str(T("密钥标识、生成时间与状态", "ids of keys, when they were made, their state")))(
        listed
    )
    key.command(
        "rotate",
        help=str(T("启用新密钥,旧密钥保留所需部分", "put a new key into use; what is needed of the old one stays")),
    )(rotate)
    key.command("destroy", help=str(T("销毁不再使用的旧密钥", "destroy an old key that nothing needs")))(destroy)
    app.add_typer(key, name="key")
    secret = typer.Typer(no_args_is_help=True, help=str(T("来源系统的连接信息", "connections of departmental systems")))
    secret.command("set", help=str(T("设置(JSON,自标准输入)", "set one (JSON on standard input)")))(put)
    secret.command("list", help=str(T("已设置的名称与所用密钥", "which are set, and the key each is encrypted with")))(
        secrets_listed
    )
    secret.command("remove", help=str(T("删除", "remove one")))(remove)
    app.add_typer(secret, name="secret")


# ---------------------------------------------------------------------- keys
def listed(as_json: Json = False) -> None:
    """Never the material of a key."""
    from core import rotation

    with session.opened() as hub, hub.read() as connection:
        states = hub.keys.files.states()
        rows = [
            {
                "kid": file.kid,
                "kind": file.kind,
                "kind_label": str(_KINDS[file.kind]),
                "state": states[file.kid],
                "state_label": str(_STATES[states[file.kid]]),
                "created": file.created,
                "needed": rotation.needed(connection, file),
            }
            for file in hub.keys.files.listed()
        ]
    output.table(rows, _KEYS, as_json=as_json)


def rotate(kind: Annotated[str, typer.Argument(metavar="signing|pseudonym|encryption")], as_json: Json = False) -> None:
    """Running processes use the new key from their next answer on; nothing is restarted."""
    from core import rotation

    with session.opened() as hub:
        made, renewed = rotation.rotate(hub, _kind(kind), session.actor())
    if as_json:
        output.document({"kind": made.kind, "kid": made.kid, "secrets": renewed})
        return
    more = T(f",{renewed} 个系统密钥已重新加密", f"; {renewed} secrets are encrypted with it") if renewed else T("", "")
    print(
        T(
            f"{_KINDS[made.kind].zh}密钥 {made.kid} 已启用{more.zh}。",
            f"The {made.kind} key {made.kid} is in use{more.en}.",
        )
    )
    print(
        T("请重新导出密钥备份:hutong backup … --keys 文件。", "Back the keys up again: `hutong backup … --keys FILE`.")
    )


def destroy(
    kid: str,
    yes: Annotated[bool, typer.Option("--yes", help=str(T("明知后果", "knowing what is lost")))] = False,
    as_json: Json = False,
) -> None:
    """Refused for the key in use, and for an encryption key that a secret needs."""
    from core import rotation

    with session.opened() as hub:
        gone = rotation.destroy(hub, kid, session.actor(), losing=yes)
    if as_json:
        output.document({"kind": gone.kind, "kid": gone.kid})
    else:
        print(T(f"密钥 {gone.kid} 已销毁。", f"Key {gone.kid} is destroyed."))


# ---------------------------------------------------------------------- secrets
def put(
    name: Annotated[str, typer.Argument(help=str(T("系统文件中 secret 的名称", "the `secret` of the system file")))],
    as_json: Json = False,
) -> None:
    """Keep a secret, encrypted. It is read from standard input, for a command line is seen by others."""
    from core import events, secrets

    try:
        value = json.loads(session.ask(T("连接信息(一行 JSON)", "connection (one line of JSON)")))
    except ValueError:
        raise Invalid(  # from None: the parser's error quotes the secret
            T("连接信息不是 JSON。", "The connection is not JSON."),
            remedy=T('例如 {"url": "postgresql+psycopg://…"}。', 'For example {"url": "postgresql+psycopg://…"}.'),
        ) from None
    if not isinstance(value, dict):
        raise Invalid(T("连接信息须是一个 JSON 对象。", "The connection must be a JSON object."))
    with session.opened() as hub, hub.begin() as connection:
        secrets.put(connection, hub.keys, name, value)
        events.record(connection, "secret.set", f"secret/{name}", {"keys": sorted(value)}, session.actor())
    if as_json:
        output.document({"secret": name, "keys": sorted(value)})
    else:
        print(T(f"已保存密钥 {name}。", f"The secret {name} is kept."))


def secrets_listed(as_json: Json = False) -> None:
    """Every secret that a system asks for or somebody has set; never what it says."""
    from core import secrets
    from schemas import published

    with session.opened() as hub, hub.read() as connection:
        stored = {one.name: one for one in secrets.listed(connection)}
        systems = published.current(hub.home).documents("system")
        kids = set(hub.keys.files.states())
    environment = set(secrets.from_environment())
    users: dict[str, list[str]] = {}
    for id, tree in systems.items():
        if tree.get("secret"):
            users.setdefault(str(tree["secret"]), []).append(id)
    rows: list[dict[str, Any]] = []
    for name in sorted({*stored, *users, *environment}):
        one = stored.get(name)
        where = (
            "environment"
            if name in environment
            else "missing"
            if one is None
            else "stored"
            if one.kid in kids
            else "key_missing"
        )
        rows.append(
            {
                "name": name, "state": where, "state_label": str(_SECRETS[where]), "systems": users.get(name, []),
                "kid": one and one.kid, "updated_at": one and one.updated_at,
            }
        )  # fmt: skip
    output.table(rows, _SECRET, as_json=as_json, empty=T("没有系统需要密钥。", "No system asks for a secret."))


def remove(name: str, as_json: Json = False) -> None:
    """Forget a stored secret: its system can no longer be read."""
    from core import events, secrets

    with session.opened() as hub, hub.begin() as connection:
        secrets.remove(connection, name)
        events.record(connection, "secret.removed", f"secret/{name}", {}, session.actor())
    if as_json:
        output.document({"removed": name})
    else:
        print(T(f"已删除密钥 {name}。", f"The secret {name} is removed."))


def _kind(word: str) -> Kind:
    from core.key_files import KINDS
    from schemas.document import near

    for kind in KINDS:
        if kind == word:
            return kind
    raise Invalid(T(f"没有 {word} 类密钥。", f"There is no kind of key {word}."), remedy=near(word, KINDS))


_KEYS = [
    Column("kid", T("密钥标识", "key id")),
    Column("kind_label", T("用途", "kind")),
    Column("state_label", T("状态", "state")),
    Column("created", T("生成时间", "made")),
    Column("needed", T("仍需它的记录", "rows that need it"), right=True),
]
_SECRETS = {
    "stored": T("已设置", "set"),
    "environment": T("由环境变量给出", "from the environment"),
    "missing": T("未设置", "not set"),
    "key_missing": T("缺少解密密钥,需重新设置", "its key is missing: set it again"),
}
_SECRET = [
    Column("name", T("名称", "name")),
    Column("state_label", T("状态", "state")),
    Column("systems", T("来源系统", "systems")),
    Column("kid", T("密钥标识", "key id")),
    Column("updated_at", T("设置时间", "set at")),
]
