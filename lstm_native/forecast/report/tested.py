"""The page's part on the back-test: methods, steps, series."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from lstm_native.forecast.report.headline import by_step, coverage, held_out, reference
from lstm_native.forecast.report.markup import element
from lstm_native.forecast.report.pictures import steps_picture
from lstm_native.forecast.report.style import METHODS
from lstm_native.forecast.report.wording import number, percent

if TYPE_CHECKING:
    from lstm_native.forecast.backtest import BackTest, Score

_WORST = 20  # series in the table of the worst


def table(
    caption: str,
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    chosen: Sequence[int] = (),
) -> Element:
    """Return a table, whose first column names the rows; `chosen` ones stand out."""
    top = element("tr", None, *(element("th", {"scope": "col"}, text) for text in head))
    body = []
    for index, row in enumerate(rows):
        cells = [element("th", {"scope": "row"}, row[0])]
        cells += [element("td", None, text) for text in row[1:]]
        body.append(element("tr", {"class": "chosen"} if index in chosen else None, *cells))
    made = element(
        "table",
        None,
        element("caption", None, caption),
        element("thead", None, top),
        element("tbody", None, *body),
    )
    return element("div", {"class": "wide"}, made)


def ranked(backtest: BackTest) -> list[str]:
    """Return the names of the series that were tested, the worst first.

    They are compared by the chosen method's MASE, which has no unit; series without one (they never
    change in the past) come after those that have it, by their sMAPE.
    """
    scores = backtest.methods[0].by_series

    def badness(name: str) -> tuple[int, float]:
        score = scores[name]
        if score.mase is not None and math.isfinite(score.mase):
            return 1, score.mase
        return 0, score.smape if score.smape is not None and math.isfinite(score.smape) else 0.0

    return sorted((n for n in scores if scores[n].count), key=badness, reverse=True)


def section(backtest: BackTest, levels: Sequence[str], series: int) -> list[Element]:
    """Return the part of the page, for so many series and the forecast's levels."""
    parts = [element("h2", None, "How good forecasts were on held-out data")]
    if held_out(backtest) is None:
        text = backtest.text or "Nothing could be held out: the series are too short."
        return [*parts, element("p", None, text)]
    text = (
        "The newest rows were hidden, forecast from those before them, and compared with what "
        "really came. Each method was judged on the very same values; smaller errors are better."
    )
    parts += [element("p", None, text), _methods(backtest, levels), _words(series > 1)]
    parts += _by_step(backtest, series > 1)
    if series > 1:
        parts.append(element("h3", None, "By series"))
        parts.append(element("p", None, _shares(backtest)))
        parts.append(_worst(backtest))
    return parts


def _methods(backtest: BackTest, levels: Sequence[str]) -> Element:
    scores = [method.score for method in backtest.methods]
    covered = sorted({level for score in scores for level in coverage(score, levels)})
    head = ["method", "MAE", "RMSE", "MASE", "sMAPE", *(f"inside {level} %" for level in covered)]
    size = max((s.mae for s in scores if math.isfinite(s.mae)), default=0.0)
    rows = []
    for method in backtest.methods:
        name = method.name + (" (best)" if method.name == backtest.best else "")
        inside = [
            percent(method.score.coverage[level]) if level in method.score.coverage else "-"
            for level in covered
        ]
        rows.append([name, *_errors(method.score, size), *inside])
    count = scores[0].count
    caption = f"Methods, on {count:,} held-out values; the first one's forecast is shown above"
    return table(caption, head, rows, chosen=[0])


def _errors(score: Score, size: float | None = None) -> list[str]:
    mase = "-" if score.mase is None or not math.isfinite(score.mase) else f"{score.mase:.2f}"
    smape = "-" if score.smape is None or not math.isfinite(score.smape) else f"{score.smape:.1f} %"
    return [number(score.mae, size), number(score.rmse, size), mase, smape]


def _words(many: bool) -> Element:
    unit = "in the unit of the series"
    if many:
        unit = (
            "over the values of all series together, each in its own unit, so that series of "
            "large numbers rule it (as they do RMSE); MASE and sMAPE have no unit"
        )
    text = (
        f"MAE: mean absolute error, {unit}. RMSE: root of the mean square error, which large "
        "errors dominate. MASE: the error beside that of a naive step in the past; "
        "below 1 is closer. sMAPE: error in percent of the mean of forecast and truth. "
        "Inside 80 %: the share of held-out values that the 80 % interval held."
    )
    return element("p", {"class": "dim"}, text)


def _by_step(backtest: BackTest, many: bool) -> list[Element]:
    """Return the errors by step as a picture, and as numbers of at most a dozen steps."""
    errors = {method.name: by_step(method, many) for method in backtest.methods[:METHODS]}
    steps = max(map(len, errors.values()))
    if steps < 2:
        return []
    mase = many and all(method.score.mase is not None for method in backtest.methods)
    what = "MASE" if mase else "mean absolute error"
    caption = f"How far off the methods were, the further ahead they looked: {what}"
    if len(backtest.methods) > METHODS:
        caption += f", of the first {METHODS} methods"
    figure = element(
        "figure", None, element("figcaption", None, f"{caption}."), *steps_picture(errors, what)
    )
    every = max(1, math.ceil(steps / 12))
    size = max(
        (abs(e) for column in errors.values() for e in column if math.isfinite(e)), default=0
    )
    rows = [
        [
            str(step + 1),
            *(
                number(column[step] if step < len(column) else None, size)
                for column in errors.values()
            ),
        ]
        for step in range(0, steps, every)
    ]
    title = f"The same as numbers{f', every {every} steps' if every > 1 else ''}"
    return [element("h3", None, "By step"), figure, table(title, ["steps ahead", *errors], rows)]


def _shares(backtest: BackTest) -> str:
    """Return on how many series the chosen method beat the plain one."""
    chosen, plain = backtest.methods[0], reference(backtest)
    count = sum(1 for score in chosen.by_series.values() if score.count)
    text = f"{count:,} series could be tested."
    if plain is None or plain.name == chosen.name:
        return text
    pairs = [
        (score.mae, plain.by_series[name].mae)
        for name, score in chosen.by_series.items()
        if score.count and name in plain.by_series
    ]
    better = sum(own < other for own, other in pairs)
    if pairs:
        text += (
            f" On {better:,} of them ({percent(better / len(pairs))}) {chosen.name} was closer "
            f"than {plain.name}."
        )
    return text


def _worst(backtest: BackTest) -> Element:
    chosen, plain = backtest.methods[0], reference(backtest)
    names = ranked(backtest)[:_WORST]
    beside = plain if plain is not None and plain.name != chosen.name else None
    head = ["series", "MAE", "RMSE", "MASE", "sMAPE"]
    if beside is not None:
        head.append(f"MAE of {beside.name}")
    rows = []
    for name in names:
        row = [name, *_errors(chosen.by_series[name])]
        if beside is not None:
            other = beside.by_series.get(name)
            row.append(number(other.mae if other else None))
        rows.append(row)
    tested = sum(1 for score in chosen.by_series.values() if score.count)
    if tested > len(names):
        title = f"The {len(names)} series that {chosen.name} forecast worst, by MASE"
    else:
        title = f"All series, those that {chosen.name} forecast worst first (by MASE)"
    return table(title, head, rows)
