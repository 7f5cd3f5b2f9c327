"""The keys of an installation in one file, encrypted with a passphrase: scrypt (RFC 7914), then AES-256-GCM.

Made apart from the data, for whoever holds both reads everything: secrets of systems, and whose pseudonym is whose.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.backup.files import make_private, write_synced
from core.errors import Invalid, NotFound, Stop
from core.key_files import KeyFiles
from core.text import T

_FORM = "hutong-keys-1"
#: 128 MiB and half a second a guess
_COST = {"n": 2**17, "r": 8, "p": 1}
#: characters
SHORTEST = 12


def judge(passphrase: str) -> None:
    """Invalid for a passphrase that is too short to protect anything."""
    if len(passphrase) < SHORTEST:
        raise Invalid(
            T(f"口令至少 {SHORTEST} 个字符。", f"A passphrase has at least {SHORTEST} characters."),
            remedy=T("用一句话,或密码管理器生成的口令。", "Use a sentence, or one that a password manager made."),
        )


def write(path: Path, files: KeyFiles, passphrase: str) -> list[str]:
    """Write every key there is into one encrypted file (0600); returns their ids. Invalid for a short passphrase."""
    judge(passphrase)
    with files.lock():
        keys = files.listed()
        entries = [
            {"name": key.path.name, "created": key.created.timestamp(), "body": _text(key.read())} for key in keys
        ]
    head: dict[str, Any] = {
        "form": _FORM,
        "kids": [key.kid for key in keys],
        "salt": _text(os.urandom(16)),
        "nonce": _text(os.urandom(12)),
    }
    sealed = _cipher(head, passphrase).encrypt(_bytes(head["nonce"]), json.dumps(entries).encode(), _bound(head))
    make_private(path.absolute().parent)
    write_synced(path.absolute(), json.dumps({**head, "sealed": _text(sealed)}, indent=1).encode())
    return [key.kid for key in keys]


class Keyring:
    """The keys of such a file, opened."""

    def __init__(self, entries: list[dict[str, Any]]) -> None:
        self._entries = entries

    @property
    def kids(self) -> set[str]:
        """The ids of the keys."""
        return {Path(entry["name"]).stem.split("-", 2)[2] for entry in self._entries}

    def put(self, files: KeyFiles) -> None:
        """Write them into an installation's folder of keys."""
        with files.lock():
            for entry in self._entries:
                files.put(entry["name"], _bytes(entry["body"]), entry["created"])


def read(path: Path, passphrase: str) -> Keyring:
    """Open a file of keys. NotFound, Stop for another kind of file, Invalid for the wrong passphrase."""
    try:
        head = json.loads(path.read_text("utf-8"))
        sealed = _bytes(head.pop("sealed"))
        if head["form"] != _FORM:
            raise ValueError
    except FileNotFoundError as error:
        raise NotFound(T(f"没有文件 {path}。", f"There is no file {path}.")) from error
    except (ValueError, KeyError, AttributeError) as error:
        raise Stop(
            T(f"{path} 不是互通的密钥备份。", f"{path} is not a backup of Hutong's keys."),
            remedy=T("给出 hutong backup --keys 写成的文件。", "Name the file that `hutong backup --keys` wrote."),
        ) from error
    try:
        return Keyring(json.loads(_cipher(head, passphrase).decrypt(_bytes(head["nonce"]), sealed, _bound(head))))
    except InvalidTag as error:
        raise Invalid(
            T("口令不正确,或密钥文件已损坏。", "The passphrase is not right, or the file of keys is damaged."),
            remedy=T("核对口令与文件。", "Check both."),
        ) from error


def _cipher(head: dict[str, Any], passphrase: str) -> AESGCM:
    return AESGCM(hashlib.scrypt(passphrase.encode(), salt=_bytes(head["salt"]), dklen=32, maxmem=256 * 2**20, **_COST))


def _bound(head: dict[str, Any]) -> bytes:
    return json.dumps(head, sort_keys=True).encode()


def _text(body: bytes) -> str:
    return base64.b64encode(body).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)
