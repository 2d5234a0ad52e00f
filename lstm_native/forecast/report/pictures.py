"""The page's pictures: a series with its forecast, errors by step; and the keys to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

import numpy as np

from lstm_native.forecast.report.ahead import Ahead
from lstm_native.forecast.report.markup import element
from lstm_native.forecast.report.svg import LARGE, Band, Line, Size, calendar_ticks, chart
from lstm_native.forecast.report.wording import labels

if TYPE_CHECKING:
    from lstm_native.forecast.panel import Panel, Series

_HORIZONS = 10  # of the past so many horizons are shown
_ROWS = (60, 300)  # but no fewer and no more rows than these, if the series has them


def shown_rows(rows: int, horizon: int) -> int:
    """Return how many of a series' last rows a picture shows."""
    fewest, most = _ROWS
    return min(rows, max(min(_HORIZONS * horizon, most), fewest, min(2 * horizon, 1000)))


def series_picture(series: Series, panel: Panel, ahead: Ahead, size: Size = LARGE) -> Element:
    """Return the end of a series, the forecast and its intervals."""
    shown = shown_rows(len(series), len(ahead.values))
    names = labels(series.stamps[-shown:], panel.frequency) + ahead.labels
    past = Line("observed", series.values[-shown:], "past")
    foreseen = Line("forecast", ahead.values, "m0", shown)
    bands = [
        Band(f"{level} %", low, high, style, shown)
        for style, (level, (low, high)) in zip(
            _shades(len(ahead.bounds)), reversed(ahead.bounds.items()), strict=True
        )
    ]
    return chart(
        f"{series.name}: the last {shown} rows and {len(ahead.values)} forecast ones",
        [past, foreseen],
        bands,
        labels=names,
        size=size,
        ticks=calendar_ticks(names, size),
        ahead_from=shown,
    )


def _shades(bands: int) -> list[str]:
    """Return the classes of bands, wide ones first."""
    return ["outer"] * (bands - 1) + ["inner"] * min(bands, 1)


def series_key(bounds: Sequence[str]) -> Element:
    """Return what the lines and bands of `series_picture` mean; of intervals from the wide one."""
    entries = [("polyline", "past", "observed"), ("polyline", "m0", "forecast")]
    styles = _shades(len(bounds))
    entries += [
        ("polygon", style, f"{level} % interval")
        for style, level in zip(styles, reversed(bounds), strict=True)
    ]
    return _key(entries)


def _key(entries: Sequence[tuple[str, str, str]]) -> Element:
    points = {"polyline": "0,6 28,6", "polygon": "0,1 28,1 28,11 0,11"}
    items = []
    for shape, style, text in entries:
        mark = element(shape, {"class": style, "points": points[shape]})
        view = {"viewBox": "0 0 28 12", "aria-hidden": "true"}
        items.append(element("li", None, element("svg", view, mark), text))
    return element("ul", {"class": "key"}, *items)


def steps_picture(errors: Mapping[str, Sequence[float]], what: str) -> list[Element]:
    """Return the error of each method at each step ahead, and the key."""
    lines = [
        Line(name, np.array(values, dtype=np.float64), f"m{index}")
        for index, (name, values) in enumerate(errors.items())
    ]
    picture = chart(
        f"{what} by steps ahead",
        lines[::-1],  # the chosen method's line lies on top
        labels=[str(step + 1) for step in range(max(len(line.values) for line in lines))],
        size=Size(LARGE.width, 260.0),
        from_zero=True,
    )
    return [picture, _key([("polyline", line.style, line.name) for line in lines])]
