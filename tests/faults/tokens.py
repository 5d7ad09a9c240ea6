"""What the callers ask and how they know their own answer: each call carries a token that no other call has.

A token is sealed: its digest covers its number and its padding, so one that a flipped byte has changed is told apart
from one that came whole. A whole token that is not one's own is the reply of another call: the one thing that must
never be. The proxy finds tokens in what it forwards, by their form.
"""

from __future__ import annotations

import enum
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any

import fastthrift

IDL = Path(__file__).parent / "oracle.thrift"

FORM = re.compile(rb"#([0-9a-f]{16})#")
"""A token's number as it stands in its text, and so on the wire in every protocol."""


class Verdict(enum.Enum):
    """What an answer is to the call that got it."""

    OWN = "own answer"
    FOREIGN = "the whole answer to another call"
    DAMAGED = "an answer that was changed on its way"


@cache
def module() -> Any:
    """Return the module of the IDL."""
    return fastthrift.load(IDL)


def make(number: int, padding: int = 0) -> Any:
    """Return the token of this number, longer by some bytes of padding, which depend on the number too."""
    text = f"#{number:016x}#" + (f"{number:x}." * (padding // 8 + 1))[:padding]
    return module().Token(number, f"{text}${_seal(text)}")


def answer(token: Any, function: str) -> Any:
    """Return what the server says to a token: it seals the function in, so that no answer passes for another's."""
    body = token.text.rpartition("$")[0]
    said = f"{body}@{function}"
    return module().Token(token.number, f"{said}${_seal(said)}")


def is_whole(token: Any) -> bool:
    """Whether nothing of a token was changed since it was sealed."""
    if token is None or token.number is None or token.text is None:
        return False
    body, _, seal = token.text.rpartition("$")
    return bool(body.startswith(f"#{token.number & (2**64 - 1):016x}#") and seal == _seal(body))


def judge(asked: Any, function: str, got: Any) -> Verdict:
    """Say what an answer is to the call that asked with a token."""
    if not is_whole(got):
        return Verdict.DAMAGED
    return Verdict.OWN if got == answer(asked, function) else Verdict.FOREIGN


def numbers_in(data: bytes | bytearray) -> list[int]:
    """Return the numbers of the tokens that stand in some bytes."""
    return [int(found, 16) for found in FORM.findall(data)]


def _seal(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
