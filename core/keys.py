"""Keys of the installation: signing, pseudonyms, encryption. Each has a `kid`; files lie under `HUTONG_HOME/keys`, mode 0600.

Nothing here reaches the database, a log or `hutong config show`.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import secrets
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from core.errors import NotReady, Unauthorised
from core.text import T

_ALGORITHMS = ["Ed25519"]


class Keys:
    """The key ring of one installation. The newest key of a kind is used; older ones still verify and decrypt."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def ensure(self) -> None:
        """Make whatever key does not exist yet."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._files("signing"):
            key = OKPKey.generate_key("Ed25519")
            self._write("signing", key.thumbprint()[:12], json.dumps(key.as_dict(private=True)).encode())
        for kind in ("pseudonym", "encryption"):
            if not self._files(kind):
                self._write(kind, secrets.token_hex(6), secrets.token_bytes(32))

    def sign(self, payload: bytes) -> str:
        """A compact JWS (RFC 7515, EdDSA) over the payload."""
        kid, key = self._signing[-1]
        return str(jws.serialize_compact({"alg": "Ed25519", "kid": kid}, payload, key, algorithms=_ALGORITHMS))

    def verify(self, token: str) -> bytes:
        """The payload of a JWS signed here by any key still kept; Unauthorised otherwise."""
        try:
            return bytes(jws.deserialize_compact(token, self._verifying, algorithms=_ALGORITHMS).payload)
        except (JoseError, ValueError) as error:
            raise Unauthorised(T("签名无效。", "The signature is not valid.")) from error

    def issue_token(self, claims: dict[str, Any]) -> str:
        """A signed access token (RFC 9068 style JWT)."""
        kid, key = self._signing[-1]
        return str(jwt.encode({"alg": "Ed25519", "kid": kid, "typ": "at+jwt"}, claims, key, algorithms=_ALGORITHMS))

    def read_token(self, token: str) -> dict[str, Any]:
        """The claims of a token issued here. The caller checks its times. Unauthorised when forged or foreign."""
        try:
            return dict(jwt.decode(token, self._verifying, algorithms=_ALGORITHMS).claims)
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
        return {"keys": [key.as_dict(private=False) | {"kid": kid} for kid, key in self._signing]}

    def pseudonym(self, value: str, scope: str = "") -> tuple[str, str]:
        """(kid, keyed pseudonym): HMAC-SHA-256, so that it cannot be turned back or joined across scopes."""
        kid, key = self._secret("pseudonym")[-1]
        digest = hmac.new(key, f"{scope}\0{value}".encode(), sha256).digest()
        return kid, base64.urlsafe_b64encode(digest).decode().rstrip("=")

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

    @cached_property
    def _signing(self) -> list[tuple[str, OKPKey]]:
        return [(kid, OKPKey.import_key(json.loads(body))) for kid, body in self._secret("signing")]

    @cached_property
    def _verifying(self) -> KeySet:
        return KeySet([OKPKey.import_key(key.as_dict(private=False) | {"kid": kid}) for kid, key in self._signing])

    def _secret(self, kind: str) -> list[tuple[str, bytes]]:
        cached = self.__dict__.setdefault("_read", {})
        if kind not in cached:
            files = self._files(kind)
            if not files:
                raise NotReady(
                    T(f"没有{kind}密钥({self.folder})。", f"There is no {kind} key in {self.folder}."),
                    remedy=T("运行 hutong up 建立本机密钥。", "Run `hutong up` to make the keys of this installation."),
                )
            cached[kind] = [(path.stem.split("-", 2)[2], path.read_bytes()) for path in files]
        return list(cached[kind])

    def _files(self, kind: str) -> list[Path]:
        return sorted(self.folder.glob(f"{kind}-*.key"))

    def _write(self, kind: str, kid: str, body: bytes) -> None:
        number = len(self._files(kind)) + 1
        path = self.folder / f"{kind}-{number:04d}-{kid}.key"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(body)
