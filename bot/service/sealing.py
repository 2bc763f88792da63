"""Encrypt what people give to the editors, with a key that lies outside the store."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

KEY_BYTES = 32
_LARGEST = 4096
_NONCE = 12
_DISTINCT = 2
"""Different bytes at least: blanks or zeros alone are no secret."""

_MAKE = "make one with: (umask 077; openssl rand -base64 32 > ledger.key)"


class KeyFileError(ValueError):
    """The key file cannot be used; what is wrong, and what to do."""


class UnsealError(Exception):
    """A message was sealed with another key, or changed since."""


def read_key(path: Path) -> bytes:
    """Return the key that a file holds, in whatever form: at least 32 characters or bytes. Raises KeyFileError."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST)
    except OSError as error:
        raise KeyFileError(f"it names a file that cannot be read ({error.strerror}); {_MAKE}") from None
    # Raw bytes may begin or end with what looks like white space.
    key = text if len(text := content.strip()) >= KEY_BYTES else content
    if len(key) < KEY_BYTES:
        raise KeyFileError(f"it names a file with less than {KEY_BYTES} characters, too few for a key; {_MAKE}")
    if len(set(key)) < _DISTINCT:
        raise KeyFileError(f"it names a file that holds one character over and over, which is no key; {_MAKE}")
    return hashlib.sha256(b"privacy-bot ledger key" + key).digest()


class Seal:
    """Seals texts. `random` returns so many random bytes."""

    def __init__(self, key: bytes, random: Callable[[int], bytes]) -> None:
        self._cipher = ChaCha20Poly1305(hmac.digest(key, b"messages", "sha256"))
        self._random = random

    def seal(self, text: str, receipt: str) -> bytes:
        """Return a text encrypted, bound to its receipt; its length is padded to the next 64 bytes."""
        data = text.encode()
        padded = data + b"\0" * (-len(data) % 64)
        nonce = self._random(_NONCE)
        return nonce + self._cipher.encrypt(nonce, padded, named(receipt).encode())

    def unseal(self, sealed: bytes, name: str) -> str:
        """Return the text that is kept under `name`, the hash of its receipt. Raises UnsealError."""
        try:
            data = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode())
        except (InvalidTag, ValueError) as error:
            raise UnsealError("sealed with another key, or changed since") from error
        return data.rstrip(b"\0").decode()


def named(receipt: str) -> str:
    """Return the name under which the message of a receipt is kept; the receipt itself is kept nowhere."""
    return hashlib.sha256(receipt.encode()).hexdigest()
