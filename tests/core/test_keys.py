"""Signing, pseudonyms and encryption."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag

from core.errors import NotReady, Unauthorised
from core.keys import Keys


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    made = Keys(tmp_path / "keys")
    made.ensure()
    return made


def test_keys_are_private_and_made_once(keys: Keys) -> None:
    files = sorted(keys.folder.iterdir())
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    before = [path.read_bytes() for path in files]
    Keys(keys.folder).ensure()
    assert [path.read_bytes() for path in sorted(keys.folder.iterdir())] == before


def test_a_signature_holds_for_what_was_signed_only(keys: Keys) -> None:
    token = keys.sign(b"answer")
    assert keys.verify(token) == b"answer"
    head, body, signature = token.split(".")
    for forged in (f"{head}.{body[:-2]}AA.{signature}", f"{head}.{body}.{signature[:-3]}AAA", "nonsense"):
        with pytest.raises(Unauthorised):
            keys.verify(forged)


def test_public_keys_hold_nothing_private(keys: Keys) -> None:
    assert all("d" not in key and key["kid"] for key in keys.public()["keys"])


def test_a_pseudonym_cannot_be_joined_across_scopes(keys: Keys) -> None:
    assert keys.pseudonym("11010519491231002X", "a") == keys.pseudonym("11010519491231002X", "a")
    assert keys.pseudonym("11010519491231002X", "a") != keys.pseudonym("11010519491231002X", "b")
    assert "1101" not in keys.pseudonym("11010519491231002X", "a")[1]


def test_a_key_made_here_is_used_at_once(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.keys._LOOK_NS", 60 * 10**9)  # everything within one look
    keys.pseudonym("x")
    made = keys.make("pseudonym")
    assert keys.pseudonym("x")[0] == made.kid


def test_cipher_texts_cannot_be_swapped_or_read_without_their_key(keys: Keys, tmp_path: Path) -> None:
    kid, cipher = keys.encrypt(b"secret", "fund")
    assert keys.decrypt(kid, cipher, "fund") == b"secret"
    with pytest.raises(InvalidTag):
        keys.decrypt(kid, cipher, "credit")
    other = Keys(tmp_path / "other")
    other.ensure()
    with pytest.raises(NotReady):
        other.decrypt(kid, cipher, "fund")
