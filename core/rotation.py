"""Changing keys: a new one into use, and an old one destroyed when nothing needs it.

    signing      the new key signs from the next answer on; of the old one only its public half is kept, so that receipts
                 and tokens it signed still verify
    pseudonym    new audit rows and references carry pseudonyms of the new key; the old one is kept, for rows in the audit
                 log keep theirs, and who looks for a person there looks under every key
    encryption   every stored secret is encrypted anew in one transaction; the old key is kept until it is destroyed

A key file exists before anything is made with it, and the old one stays: a process killed anywhere leaves what works.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from core import events, secrets
from core.actor import Actor
from core.errors import Conflict
from core.key_files import KeyFile, Kind
from core.text import T

if TYPE_CHECKING:
    from core.hub import Hub

#: what is stored that only this key can use. What was signed is with those who asked
_NEEDED: dict[Kind, str] = {
    "pseudonym": "SELECT count(*) FROM hub.audit WHERE kid = :kid",
    "encryption": "SELECT count(*) FROM hub.secret WHERE kid = :kid",
}


def rotate(hub: Hub, kind: Kind, actor: Actor) -> tuple[KeyFile, int]:
    """Put a new key of a kind into use; returns it and how many stored secrets were encrypted anew.

    An encryption that was interrupted is finished with the key made then, instead of making another.
    """
    keys = hub.keys
    with keys.files.lock():
        before = keys.files.listed(kind)
        with hub.begin() as connection:
            behind = _behind(connection, before) if kind == "encryption" else 0
            made = before[-1] if before and behind else keys.make(kind)
            renewed = secrets.encrypt_again(connection, keys) if kind == "encryption" else 0
            events.record(connection, "key.rotated", f"key/{kind}", {"kid": made.kid, "secrets": renewed}, actor)
        if kind == "signing":
            for old in before:
                keys.files.halve(old)
    return made, renewed


def needed(connection: Connection, file: KeyFile) -> int:
    """How many stored rows can be used only with this key: secrets, or entries of the audit log."""
    if file.kind not in _NEEDED:
        return 0
    found: int = connection.execute(text(_NEEDED[file.kind]), {"kid": file.kid}).scalar_one()
    return found


def destroy(hub: Hub, kid: str, actor: Actor, *, losing: bool = False) -> KeyFile:
    """Destroy a key that is not in use. Conflict for the one in use, and for an encryption key that secrets need.

    `losing`: also one whose loss is felt — receipts signed with it no longer verify, audit entries made with it are no
    longer found by the person's number.
    """
    files = hub.keys.files
    with files.lock():
        file = files.find(kid)
        if files.states()[kid] == "active":
            raise Conflict(
                T(f"密钥 {kid} 正在使用。", f"Key {kid} is in use."),
                remedy=T(f"先运行 hutong key rotate {file.kind}。", f"Run `hutong key rotate {file.kind}` first."),
            )
        with hub.begin() as connection:
            if file.kind == "encryption":
                connection.execute(text("LOCK TABLE hub.secret IN SHARE MODE"))
            rows = needed(connection, file)
            if rows and file.kind == "encryption":
                raise Conflict(
                    T(f"仍有 {rows} 个系统密钥用它加密。", f"{rows} secrets are still encrypted with it."),
                    remedy=T("先运行 hutong key rotate encryption。", "Run `hutong key rotate encryption` first."),
                )
            if not losing and (rows or file.kind == "signing"):
                raise Conflict(
                    _loss(file, rows),
                    remedy=T("确要销毁,加 --yes。", "Add --yes if it is to be destroyed all the same."),
                )
            events.record(connection, "key.destroyed", f"key/{file.kind}", {"kid": kid, "rows": rows}, actor)
            files.remove(file)  # before the commit: an event without its deed could not be taken back
    return file


def _behind(connection: Connection, files: list[KeyFile]) -> int:
    newest = files[-1].kid if files else ""
    found: int = connection.execute(
        text("SELECT count(*) FROM hub.secret WHERE kid <> :kid"), {"kid": newest}
    ).scalar_one()
    return found


def _loss(file: KeyFile, rows: int) -> T:
    if file.kind == "signing":
        return T(
            f"销毁后,用 {file.kid} 签名的回执与令牌将不能核验。",
            f"Receipts and tokens signed with {file.kid} could no longer be verified.",
        )
    return T(
        f"销毁后,留痕中的 {rows} 条记录将不能按证号查到。",
        f"{rows} entries of the audit log could no longer be found by the person's number.",
    )
