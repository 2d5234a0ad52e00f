"""How a caller's value is shown in a message: on one line, and not without end."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

LONGEST = 80


def shown(value: Any) -> str:
    """Return what `repr` gives, on one line and cut after 80 characters.

    Examples
    --------
    >>> shown("a" * 1000) == "'" + "a" * 76 + "..."
    True
    """
    if isinstance(value, (str, bytes, bytearray)):
        value = value[: LONGEST + 1]  # the repr of a megabyte takes its time
    try:
        text = repr(value)
    except Exception:  # whatever a foreign __repr__ raises; an int of too many digits
        text = f"<{type(value).__name__}>"
    text = text if type(value) is str else " ".join(text.split())
    text = text if text.isprintable() else ascii(text)[1:-1]
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def as_written(told: str, **given: Any) -> str:
    """Return a message whose advice fits what was given: only an array has `astype`.

    Examples
    --------
    >>> as_written("convert with y.astype('int64')", y=[1.0])
    "convert with np.asarray(y, 'int64')"
    """
    for name, value in given.items():
        if value is not None and not hasattr(value, "astype"):
            told = re.sub(rf"\b{re.escape(name)}\.astype\(", f"np.asarray({name}, ", told)
    return told


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the name that was perhaps meant, as the end of a message; "" for none."""
    import difflib  # when something has failed, not before

    near = difflib.get_close_matches(name[:LONGEST], list(known), n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else ""
