"""The report as one file of HTML that opens anywhere.

It loads nothing and runs nothing: pictures are SVG in the page, and its policy forbids the browser
scripts and the network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

import numpy as np

from lstm_native.forecast.report import tested
from lstm_native.forecast.report.ahead import Ahead, taken_apart
from lstm_native.forecast.report.headline import (
    coverage,
    gain,
    held_out,
    recent_mean,
    reference,
    sentences,
    span,
)
from lstm_native.forecast.report.markup import element, page
from lstm_native.forecast.report.pictures import series_key, series_picture
from lstm_native.forecast.report.style import STYLE
from lstm_native.forecast.report.svg import LARGE, SMALL
from lstm_native.forecast.report.tested import ranked, table
from lstm_native.forecast.report.wording import MEASURE, larger, number, percent, spread, unit

if TYPE_CHECKING:
    import pandas as pd

    from lstm_native.forecast.backtest import BackTest
    from lstm_native.forecast.panel import Panel

_DRAWN = 12  # series with a picture
_ROWS = 100  # series in the table of forecasts
_STEPS = 200  # steps in that of a single series
_EQUAL = 5e-4  # shares below are 0.0 %
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def write_html(
    path: Path,
    panel: Panel,
    forecast: pd.DataFrame,
    backtest: BackTest | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
    versions: Mapping[str, Any] | None = None,
) -> None:
    """Write the report.

    Parameters
    ----------
    path : Path
    panel : Panel
    forecast : DataFrame
        What forecast.csv holds: unique_id, ds, forecast, low_80, high_80 and other levels.
    backtest : BackTest, optional
        None where the model came from a file.
    settings, versions : dict, optional
        What is said at the end of the page, values of any kind as texts.

    Raises
    ------
    DataError
        The frame lacks a column, or a series of the panel.
    OSError
        The file cannot be written.
    """
    text = html(panel, forecast, backtest, settings=settings, versions=versions)
    path.write_text(text, encoding="utf-8")


def html(
    panel: Panel,
    forecast: pd.DataFrame,
    backtest: BackTest | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
    versions: Mapping[str, Any] | None = None,
) -> str:
    """Return the report as a text; parameters and errors as `write_html`."""
    ahead = taken_apart(panel, forecast)
    title = f"Forecast of {_called(panel)}"
    head = element(
        "head",
        None,
        element("meta", {"charset": "utf-8"}),
        element("meta", {"http-equiv": "Content-Security-Policy", "content": _POLICY}),
        element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("title", None, title),
        element("style", None, STYLE),
    )
    lines = sentences(panel, ahead, backtest)
    parts = [
        element("h1", None, title),
        element("p", {"class": "dim"}, _under_title(panel, ahead)),
        *(element("p", {"class": "lead"}, line) for line in lines),
        _cards(panel, ahead, backtest),
        *_pictures(panel, ahead, backtest),
    ]
    numbers = _forecasts(panel, ahead)
    test = [] if backtest is None else tested.section(backtest, list(ahead[0].bounds), len(ahead))
    # A single series' numbers belong to its picture; the table of many is long.
    parts += [*numbers, *test] if len(ahead) == 1 else [*test, *numbers]
    parts += _data(panel)
    parts.append(_footer(settings, versions))
    body = element("body", None, element("main", None, *parts))
    return page(element("html", {"lang": "en"}, head, body))


def _called(panel: Panel) -> str:
    if len(panel.series) > 1:
        what = "" if panel.target == "y" else f"{panel.target}, "  # "y" is nobody's name
        return f"{what}{len(panel.series):,} series"
    name = panel.series[0].name
    return panel.target if name.isdecimal() else name


def _under_title(panel: Panel, ahead: Sequence[Ahead]) -> str:
    horizon = max(len(a.values) for a in ahead)
    text = f"{unit(panel.frequency, horizon)} ahead, from {panel.source}"
    if len(panel.series) == 1:
        first, last = span(panel.series[0], panel)
        text += f", {len(panel.series[0]):,} rows from {first} to {last}"
    return text


def _cards(panel: Panel, ahead: Sequence[Ahead], backtest: BackTest | None) -> Element:
    """Return the few numbers that a hurried reader wants."""
    cards: list[tuple[str, str, str]] = []
    many = len(ahead) > 1
    if not many:
        cards += _numbers(panel, ahead[0])
    if (backtest := held_out(backtest)) is not None:
        chosen = backtest.methods[0]
        cards.append(("method", chosen.name, "best on held-out data: " + backtest.best))
        share, plain = gain(backtest), reference(backtest)
        if share is not None and plain is not None:
            side = "smaller" if share >= 0.0 else "larger"
            size, under = f"{percent(abs(share))} {side}", "than that of"
            if abs(share) < _EQUAL:
                size, under = "equal", "to that of"
            elif share < -0.995:
                size, under = larger(1.0 - share, 1.0), "as that of"
            under += f" {plain.name}, on held-out data"
            if len(panel.series) > 1:
                under += f" ({MEASURE})"
            cards.append(("its error", size, under))
        held = coverage(chosen.score, list(ahead[0].bounds))
        if held:
            level = min(held)
            under = f"of held-out values were inside the {level} % interval"
            cards.append(("how far to trust the intervals", percent(held[level]), under))
    entries = [
        element(
            "div",
            None,
            element("dt", None, name),
            element("dd", None, value, element("small", None, under)),
        )
        for name, value, under in cards
    ]
    return element("dl", {"class": "cards"}, *entries)


def _numbers(panel: Panel, ahead: Ahead) -> list[tuple[str, str, str]]:
    """Return what is expected, and beside what it stands."""
    mean, steps = float(ahead.values.mean()), len(ahead.values)
    before = recent_mean(panel.series[0], steps)
    under = (
        "" if before is None else f"{number(before)} in the {unit(panel.frequency, steps)} before"
    )
    cards = [("expected on average", number(mean), under)]
    if ahead.bounds:
        level, (low, high) = next(iter(ahead.bounds.items()))
        text = f"{number(float(low[0]))} to {number(float(high[0]))}"
        cards.append(
            (f"in {ahead.labels[0]}", number(float(ahead.values[0])), f"{level} %: {text}")
        )
    return cards


def _pictures(panel: Panel, ahead: Sequence[Ahead], backtest: BackTest | None) -> list[Element]:
    key = series_key(list(ahead[0].bounds))
    parts = [element("h2", None, "The forecast")]
    if len(ahead) == 1:
        picture = series_picture(panel.series[0], panel, ahead[0], LARGE)
        return [*parts, element("figure", None, picture, key)]
    for title, picked in _picked(panel, backtest):
        figures = [
            element(
                "figure",
                None,
                element("h3", None, panel.series[index].name),
                series_picture(panel.series[index], panel, ahead[index], SMALL),
            )
            for index in picked
        ]
        parts += [element("p", None, title), element("div", {"class": "grid"}, *figures)]
    return [*parts, key]


def _picked(panel: Panel, backtest: BackTest | None) -> list[tuple[str, list[int]]]:
    """Return which series are drawn: all of a few; else the worst, typical and the best ones."""
    count = len(panel.series)
    if count <= _DRAWN:
        return [("All series:", list(range(count)))]
    backtest = held_out(backtest)
    names = [] if backtest is None else ranked(backtest)
    if len(names) < _DRAWN:
        return [(f"The first {_DRAWN} of {count:,} series:", list(range(_DRAWN)))]
    places = {series.name: index for index, series in enumerate(panel.series)}
    third = _DRAWN // 3
    middle = (len(names) - third) // 2
    groups = [
        ("The worst: series whose back-test was furthest off (by MASE).", names[:third]),
        ("Typical: series in the middle.", names[middle : middle + third]),
        ("The best: series whose back-test was closest.", names[-third:]),
    ]
    return [(title, [places[n] for n in chosen if n in places]) for title, chosen in groups]


def _forecasts(panel: Panel, ahead: Sequence[Ahead]) -> list[Element]:
    parts = [element("h2", None, "The numbers")]
    bounds = list(ahead[0].bounds)
    ends = [f"{side} {level} %" for level in bounds for side in ("low", "high")]
    if len(ahead) == 1:
        one = ahead[0]
        columns = [one.values, *(end for pair in one.bounds.values() for end in pair)]
        size = spread(float(v) for column in columns for v in column)
        rows = [
            [label, *(number(float(column[step]), size) for column in columns)]
            for step, label in enumerate(one.labels[:_STEPS])
        ]
        caption = f"Forecast of {_called(panel)}"
        if len(one.labels) > _STEPS:
            caption += f", the first {_STEPS} of {len(one.labels):,} steps; all are in forecast.csv"
        return [*parts, table(caption, ["", "forecast", *ends], rows)]
    rows = []
    for series in ahead[:_ROWS]:
        first = [float(end[0]) for pair in series.bounds.values() for end in pair]
        values = [float(series.values[0]), *first, float(series.values.mean())]
        size = spread(values)
        rows.append([series.name, series.labels[0], *(number(v, size) for v in values)])
    caption = "The first step of each series, and the mean of all its steps"
    if len(ahead) > _ROWS:
        caption += f": the first {_ROWS} of {len(ahead):,} series; all are in forecast.csv"
    return [*parts, table(caption, ["series", "first step", "forecast", *ends, "mean"], rows)]


def _data(panel: Panel) -> list[Element]:
    """Return what was read, what was missing, and what was done to it."""
    rows = np.array([len(series) for series in panel.series])
    missing = np.array([int(np.isnan(series.values).sum()) for series in panel.series])
    about = [f"{panel.source}: {_called(panel)}, {rows.sum():,} rows."]
    if len(rows) == 1:
        about = [f"{panel.source}: {rows[0]:,} rows of {_called(panel)}."]
    elif rows.min() != rows.max():
        about.append(f"The shortest series has {rows.min():,} rows, the longest {rows.max():,}.")
    if missing.any():
        within = "" if len(rows) == 1 else f", in {np.count_nonzero(missing):,} series"
        about.append(
            f"{missing.sum():,} values ({percent(missing.sum() / rows.sum())}) are missing"
            f"{within}. "
            "They were left out of training and of all scores; nothing was invented for them."
        )
    else:
        about.append("No value is missing.")
    for names, known in (
        (panel.past_names, "known in the past only"),
        (panel.future_names, "known ahead"),
        (panel.static_names, "fixed for each series"),
    ):
        if names:
            about.append(f"Covariates {known}: {', '.join(names)}.")
    parts = [element("h2", None, "The data"), element("p", None, " ".join(about))]
    if panel.notes:
        parts.append(element("ul", None, *(element("li", None, note) for note in panel.notes)))
    return parts


def _footer(settings: Mapping[str, Any] | None, versions: Mapping[str, Any] | None) -> Element:
    lines = []
    for title, content in (("Settings", settings), ("Versions", versions)):
        if content:
            said = "; ".join(f"{name}: {_said(value)}" for name, value in content.items())
            lines.append(element("p", None, f"{title}: {said}"))
    about = "Made by lstm-native forecast. This page is one file, loads nothing and runs no script."
    return element("footer", None, element("p", None, about), *lines)


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_said(part)}" for name, part in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_said, value))
    return str(value)
