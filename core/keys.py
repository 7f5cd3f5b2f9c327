"""Keys of the installation: signing, pseudonyms, encryption. Each has a `kid`; files lie under `HUTONG_HOME/keys`, mode 0600.

Nothing here reaches the database, a log or `hutong config show`. A running process sees a rotated key at its next use.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import secrets
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from core.errors import NotReady, Unauthorised
from core.key_files import KINDS, KeyFile, KeyFiles, Kind
from core.text import T

_ALGORITHMS = ["Ed25519"]
#: a folder's time is that of the clock's last tick: what changed within one tick of being read may have been missed
_TICK_NS = 50_000_000
#: within one answer the folder is looked at once
_LOOK_NS = 2_000_000


class Keys:
    """The key ring of one installation. The newest key of a kind is used; older ones still verify and decrypt."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = KeyFiles(folder)
        self._read: tuple[int, _Ring] | None = None
        self._readings = 0
        self._looked = 0  # when, of the monotonic clock

    def ensure(self) -> None:
        """Make whatever key does not exist yet."""
        with self.files.lock():
            for kind in KINDS:
                if not self.files.listed(kind):
                    self.make(kind)

    def make(self, kind: Kind) -> KeyFile:
        """Make a key and put it into use; the caller holds the lock of the files."""
        if kind == "signing":
            key = OKPKey.generate_key("Ed25519")
            made = self.files.add(kind, key.thumbprint()[:12], json.dumps(key.as_dict(private=True)).encode())
        else:
            made = self.files.add(kind, secrets.token_hex(6), secrets.token_bytes(32))
        self._looked = 0  # what this process makes it uses at once, whenever it last looked
        return made

    def sign(self, payload: bytes) -> str:
        """A compact JWS (RFC 7515, EdDSA) over the payload."""
        # by the key itself: at every answer, a library's checks of a header made here cost more than the signature
        header, key = self._ring.signer
        signed = f"{header}.{_encode(payload)}"
        return f"{signed}.{_encode(key.sign(signed.encode()))}"

    def verify(self, token: str) -> bytes:
        """The payload of a JWS signed here by any key still kept; Unauthorised otherwise."""
        try:
            return bytes(jws.deserialize_compact(token, self._ring.verifying, algorithms=_ALGORITHMS).payload)
        except (JoseError, ValueError) as error:
            raise Unauthorised(T("签名无效。", "The signature is not valid.")) from error

    def issue_token(self, claims: dict[str, Any]) -> str:
        """A signed access token (RFC 9068 style JWT)."""
        kid, key = self._ring.newest_signing
        return str(jwt.encode({"alg": "Ed25519", "kid": kid, "typ": "at+jwt"}, claims, key, algorithms=_ALGORITHMS))

    def read_token(self, token: str) -> dict[str, Any]:
        """The claims of a token issued here. The caller checks its times. Unauthorised when forged or foreign."""
        try:
            return dict(jwt.decode(token, self._ring.verifying, algorithms=_ALGORITHMS).claims)
        except (JoseError, ValueError) as error:
            raise Unauthorised(
                T("令牌无效。", "The token is not valid."),
                remedy=T(
                    "用 client_id 与 client_secret 重新获取令牌。",
                    "Ask for a new token with client_id and client_secret.",
                ),
            ) from error

    def public(self) -> dict[str, Any]:
        """The public signing keys as a JWK set (RFC 7517), for whoever verifies a receipt."""
        return {"keys": [key.as_dict(private=False) | {"kid": kid} for kid, key in self._ring.signing]}

    @property
    def generation(self) -> int:
        """Goes up when the keys have changed: what was verified before must be verified again."""
        self._ring  # noqa: B018  # looks at the folder
        return self._readings

    def pseudonym(self, value: str, scope: str = "") -> tuple[str, str]:
        """(kid, keyed pseudonym): HMAC-SHA-256, so that it cannot be turned back or joined across scopes."""
        kid, key = self._secret("pseudonym")[-1]
        return kid, _pseudonym(key, value, scope)

    def pseudonyms(self, value: str, scope: str = "") -> list[tuple[str, str]]:
        """(kid, pseudonym) under every key still kept, the newest last: under one of them an older row has it."""
        return [(kid, _pseudonym(key, value, scope)) for kid, key in self._secret("pseudonym")]

    def encrypt(self, plain: bytes, name: str) -> tuple[str, bytes]:
        """(kid, AES-256-GCM cipher text); `name` is bound in, so that rows cannot be swapped."""
        kid, key = self._secret("encryption")[-1]
        nonce = os.urandom(12)
        return kid, nonce + AESGCM(key).encrypt(nonce, plain, name.encode())

    def decrypt(self, kid: str, cipher: bytes, name: str) -> bytes:
        """What `encrypt` was given."""
        for known, key in self._secret("encryption"):
            if known == kid:
                return AESGCM(key).decrypt(cipher[:12], cipher[12:], name.encode())
        raise NotReady(
            T(f"缺少加密密钥 {kid}。", f"Encryption key {kid} is missing."),
            remedy=T(f"把密钥文件恢复到 {self.folder}。", f"Restore the key file to {self.folder}."),
        )

    @property
    def _ring(self) -> _Ring:
        """The keys as they lie in the folder now, or did two milliseconds ago; read again only when the folder has changed."""
        now = time.monotonic_ns()
        if self._read is not None and now - self._looked < _LOOK_NS:
            return self._read[1]
        self._looked = now
        try:
            changed = os.stat(self.folder).st_mtime_ns  # noqa: PTH116  # at every signature: a fifth of Path.stat
        except FileNotFoundError:
            changed = 0
        if self._read is None or self._read[0] != changed:
            try:
                ring = _Ring(self.folder, {kind: _material(self.files, kind) for kind in KINDS})
            except FileNotFoundError:  # destroyed while it was being read
                return self._ring
            self._readings += 1
            settled = time.time_ns() - changed > _TICK_NS
            self._read = (changed if settled else -1, ring)
        return self._read[1]

    def _secret(self, kind: Kind) -> list[tuple[str, bytes]]:
        return self._ring.of(kind)


def _pseudonym(key: bytes, value: str, scope: str) -> str:
    return _encode(hmac.digest(key, f"{scope}\0{value}".encode(), "sha256"))


def _encode(value: bytes) -> str:
    """base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _material(files: KeyFiles, kind: Kind) -> list[tuple[str, bytes]]:
    return [(file.kid, file.read()) for file in files.listed(kind)]


@dataclass
class _Ring:
    """What was read of the folder at one moment: (kid, material) by kind, oldest first."""

    folder: Path
    material: dict[Kind, list[tuple[str, bytes]]]

    def of(self, kind: Kind) -> list[tuple[str, bytes]]:
        if not self.material[kind]:
            raise NotReady(
                T(f"没有{kind}密钥({self.folder})。", f"There is no {kind} key in {self.folder}."),
                remedy=T("运行 hutong up 建立本机密钥。", "Run `hutong up` to make the keys of this installation."),
            )
        return self.material[kind]

    @cached_property
    def signing(self) -> list[tuple[str, OKPKey]]:
        return [(kid, OKPKey.import_key(json.loads(body))) for kid, body in self.of("signing")]

    @cached_property
    def verifying(self) -> KeySet:
        return KeySet([OKPKey.import_key(key.as_dict(private=False) | {"kid": kid}) for kid, key in self.signing])

    @property
    def newest_signing(self) -> tuple[str, OKPKey]:
        return self.signing[-1]

    @cached_property
    def signer(self) -> tuple[str, Ed25519PrivateKey]:
        """The newest key and the header of what it signs."""
        kid, key = self.newest_signing
        assert isinstance(key.private_key, Ed25519PrivateKey)
        return _encode(json.dumps({"alg": "Ed25519", "kid": kid}).encode()), key.private_key
