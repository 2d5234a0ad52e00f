"""Figures in documents are written by the scripts that measure them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

_BEGIN, _END = "<!-- figures -->", "<!-- end of figures -->"


def around_figures(page: Path) -> tuple[str, str]:
    """Return what stands before and behind a page's figures; ValueError where it has no place."""
    head, begin, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    _, end, tail = rest.partition(_END)
    if not (begin and end):
        raise ValueError(f"{page}: expected the lines {_BEGIN} and {_END}")
    return head, tail


def write_figures(page: Path, lines: Iterable[str]) -> None:
    """Replace what stands between the page's `<!-- figures -->` and `<!-- end of figures -->`."""
    head, tail = around_figures(page)
    text = "\n".join(["", *lines, ""])
    page.write_text(f"{head}{_BEGIN}{text}{_END}{tail}", encoding="utf-8")


def table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> list[str]:
    """Return the lines of a Markdown table."""
    names = list(header)
    lines = [names, ["---"] * len(names), *rows]
    return ["| " + " | ".join(str(cell) for cell in line) + " |" for line in lines]
