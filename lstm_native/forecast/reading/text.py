"""Words for messages: what a stranger's cell or header holds, safe and short enough to print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_LONGEST = 40


def shown(value: object) -> str:
    """Return a value between quotes, without control characters, cut after 40 characters."""
    text = str(value)
    cut = text[:_LONGEST]
    safe = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in cut)
    return f"'{safe}{'...' if len(text) > _LONGEST else ''}'"


def listed(values: Iterable[object], *, most: int = 6) -> str:
    """Return the first values between quotes, and how many more there are."""
    everything = list(values)
    text = ", ".join(shown(value) for value in everything[:most])
    more = len(everything) - most
    return f"{text} and {more:,} more" if more > 0 else text


def counted(number: int, what: str, plural: str | None = None) -> str:
    """Return "1 row" or "3,000 rows"."""
    return f"{number:,} {what if number == 1 else plural or what + 's'}"


def joined(words: Sequence[str], last: str = "or") -> str:
    """Return "a, b or c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"
