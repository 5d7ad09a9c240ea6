"""Framed Binary messages as the proxy sees them: a reading of its own, not that of the code it tests."""

from __future__ import annotations

from collections.abc import Iterable

HEAD = 4
LARGEST_NAME = 1 << 10
REQUESTS, REPLIES = frozenset({1, 4}), frozenset({2, 3})


def has_end(data: bytearray) -> int | None:
    """Return the length of the first frame, if all of it is there."""
    if len(data) < HEAD:
        return None
    end = HEAD + int.from_bytes(data[:HEAD], "big")
    return end if len(data) >= end else None


def sequence_id_end(frame: bytes) -> int:
    """Return where the sequence id of a sound frame ends."""
    return HEAD + 12 + int.from_bytes(frame[HEAD + 4 : HEAD + 8], "big")


def sequence_id_was_flipped(frame: bytes, places: Iterable[int]) -> bool:
    """Whether one of these places in a sound frame is part of its sequence id."""
    end = sequence_id_end(frame)
    return any(end - 4 <= place < end for place in places)


def is_unreadable(frame: bytes, *, is_request: bool) -> bool:
    """Whether no reader can go on after this frame: it ends where it says, and no message begins in it.

    A frame whose length was changed is not told apart here: a reader waits for the rest of it, as it should.
    """
    if int.from_bytes(frame[:HEAD], "big") != len(frame) - HEAD or len(frame) < HEAD + 12:
        return False
    version, kind = frame[HEAD : HEAD + 2], frame[HEAD + 3]
    name = int.from_bytes(frame[HEAD + 4 : HEAD + 8], "big")
    return version != b"\x80\x01" or kind not in (REQUESTS if is_request else REPLIES) or name > len(frame) - HEAD - 12
