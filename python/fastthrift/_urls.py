"""What says where a server is."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def urls_of(given: str | Iterable[str]) -> list[str]:
    """Return the URLs that an argument gives: one, or several.

    Raises:
        TypeError: It is neither a str nor an iterable of them.
    """
    if isinstance(given, str):
        return [given]
    wrong = TypeError(f"a URL is a str, and several are a list of them, got {given!r:.40}")
    # The keys of a dict would be URLs that have values.
    if not hasattr(given, "__iter__") or isinstance(given, dict):
        raise wrong
    urls = list(given)
    if not all(isinstance(url, str) for url in urls):
        raise wrong
    return urls
