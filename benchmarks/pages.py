"""Figures in documents are written by the scripts that measure them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def around_figures(page: Path, mark: str = "figures") -> tuple[str, str]:
    """Return what stands before a page's figures, and behind, with the lines that mark them.

    ValueError where the page has no place for them.
    """
    begin, end = f"<!-- {mark} -->", f"<!-- end of {mark} -->"
    head, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, closed, tail = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"{page}: expected the lines {begin} and {end}")
    return head + begin, end + tail


def write_figures(page: Path, lines: Iterable[str], mark: str = "figures") -> None:
    """Replace what stands between the page's `<!-- mark -->` and `<!-- end of mark -->`."""
    head, tail = around_figures(page, mark)
    text = "\n".join(["", *lines, ""])
    page.write_text(f"{head}{text}{tail}", encoding="utf-8")


def table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> list[str]:
    """Return the lines of a Markdown table."""
    names = list(header)
    lines = [names, ["---"] * len(names), *rows]
    return ["| " + " | ".join(str(cell) for cell in line) + " |" for line in lines]
