"""Where the boxes of a graph stand in its picture, and how the arrows go between them.

Rows of boxes, each below all that it reads; an arrow that passes a row has a place of its own in
it; and few crossings, by the barycentre heuristic (Sugiyama, Tagawa & Toda 1981).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Point = tuple[float, float]  # column, row
Edge = tuple[str, str]  # from, to
_SWEEPS = 8


def arranged(
    boxes: Sequence[str], edges: Sequence[Edge]
) -> tuple[dict[str, Point], dict[Edge, list[Point]]]:
    """Return where each box stands, and the points that each edge goes through.

    boxes : in an order in which no edge points back.
    """
    row = _rows(boxes, edges)
    rows: list[list[str]] = [[] for _ in range(1 + max(row.values()))]
    for name in boxes:
        rows[row[name]].append(name)
    neighbours: dict[str, list[str]] = {name: [] for name in boxes}
    stops: dict[Edge, list[str]] = {}
    for begin, end in edges:
        passed = [f"{begin} -> {end} in {r}" for r in range(row[begin] + 1, row[end])]
        for r, lane in enumerate(passed, start=row[begin] + 1):
            rows[r].append(lane)
            neighbours[lane] = []
        stops[begin, end] = [begin, *passed, end]
        for one, other in zip(stops[begin, end], stops[begin, end][1:], strict=False):
            neighbours[one].append(other)
            neighbours[other].append(one)
    at = _ordered(rows, neighbours)
    return {name: at[name] for name in boxes}, {e: [at[s] for s in p] for e, p in stops.items()}


def _rows(boxes: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """Return each box's row; one that reads nothing stands just above the first that reads it."""
    row = dict.fromkeys(boxes, 0)
    for name in boxes:
        row[name] = max((row[begin] + 1 for begin, end in edges if end == name), default=0)
    for name in boxes:
        if not any(end == name for _, end in edges):
            row[name] = min((row[end] - 1 for begin, end in edges if begin == name), default=0)
    return row


def _ordered(rows: list[list[str]], neighbours: Mapping[str, Sequence[str]]) -> dict[str, Point]:
    """Return the places of all that stands in rows, near to what it is tied to."""
    widest = max(len(row) for row in rows)
    at: dict[str, Point] = {}

    def place(r: int) -> None:
        for i, name in enumerate(rows[r]):
            at[name] = (i + (widest - len(rows[r])) / 2, float(r))

    for r in range(len(rows)):
        place(r)

    def pull(name: str, r: int, other: int) -> float:
        tied = [at[n][0] for n in neighbours[name] if at[n][1] == other]
        return sum(tied) / len(tied) if tied else at[name][0]

    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for r in range(1, len(rows)) if down else range(len(rows) - 2, -1, -1):
            other = r - 1 if down else r + 1
            rows[r].sort(key=lambda name, r=r, other=other: pull(name, r, other))  # type: ignore[misc]
            place(r)
    return at
