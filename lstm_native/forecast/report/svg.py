"""Pictures in a page: a series with what is expected of it, and lines over steps.

Plain SVG without a script. What a row says when the pointer is on it is there from the beginning,
and a rule of the page's style shows it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast.report.markup import element
from lstm_native.forecast.report.wording import number

Array = NDArray[np.float64]

_POINTS = 600  # a line of more points is thinned
_READ = 240  # so many places of a picture answer the pointer


@dataclass(frozen=True)
class Size:
    """Width and height of a picture, in the units of its own coordinates."""

    width: float
    height: float


LARGE, SMALL = Size(860.0, 330.0), Size(420.0, 210.0)


@dataclass(frozen=True)
class Line:
    """Values at whole positions 0, 1, 2 ...; NaN leaves a gap.

    Attributes
    ----------
    name : str
    values : ndarray, (positions,)
    style : str
        A class of the page's style.
    start : int
        The position of the first value.
    """

    name: str
    values: Array
    style: str
    start: int = 0


@dataclass(frozen=True)
class Band:
    """What lies between two lines."""

    name: str
    low: Array
    high: Array
    style: str
    start: int = 0


@dataclass(frozen=True)
class _Frame:
    """Where positions and values lie in the picture."""

    left: float
    top: float
    width: float
    height: float
    positions: int
    low: float
    high: float

    def x(self, position: float) -> float:
        return self.left + self.width * (position + 0.5) / self.positions

    def y(self, value: float) -> float:
        # Halves first: the difference of two large values may be too large for a float.
        share = (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return self.top + self.height * (1.0 - share)


def chart(
    title: str,
    lines: Sequence[Line],
    bands: Sequence[Band] = (),
    *,
    labels: Sequence[str],
    size: Size = LARGE,
    ticks: Mapping[int, str] | None = None,
    from_zero: bool = False,
    ahead_from: int | None = None,
) -> Element:
    """Return lines and bands over labelled positions.

    Parameters
    ----------
    title : str
        Read to those who do not see the picture.
    lines, bands : sequence of Line and Band
    labels : sequence of str, (positions,)
    size : Size
    ticks : dict of int to str, optional
        What stands below the axis, by position; by default a few of the labels, evenly spaced.
    from_zero : bool
        Whether the axis of values begins at 0.
    ahead_from : int, optional
        The position before which everything is past; a thin line stands there.
    """
    frame = _frame(lines, bands, len(labels), size, from_zero)
    attributes = {"viewBox": f"0 0 {size.width:g} {size.height:g}", "role": "img"}
    made = element("svg", attributes, element("title", None, title))
    for value in _nice_values(frame.low, frame.high, 5 if size.height > 250 else 4):
        y = frame.y(value)
        made.append(_straight(frame.left, y, frame.left + frame.width, y, "grid"))
        text = number(value, max(abs(frame.low), abs(frame.high)) if value == 0.0 else None)
        made.append(_text(frame.left - 6, y + 4, _short(text, value), "tick", "end"))
    if ticks is None:
        ticks = {position: labels[position] for position in _even(len(labels), size)}
    for position, label in ticks.items():
        x = frame.x(position)
        made.append(_straight(x, frame.top + frame.height, x, frame.top + frame.height + 4, "axis"))
        made.append(_text(x, frame.top + frame.height + 18, label, "tick", "middle"))
    if ahead_from is not None:
        x = frame.x(ahead_from - 0.5)
        made.append(_straight(x, frame.top, x, frame.top + frame.height, "now"))
    for band in bands:
        made.append(_area(frame, band))
    for line in lines:
        made.extend(_strokes(frame, line))
    made.append(_answers(frame, lines, bands, labels, size))
    return made


def _frame(
    lines: Sequence[Line], bands: Sequence[Band], positions: int, size: Size, from_zero: bool
) -> _Frame:
    arrays = [line.values for line in lines]
    arrays += [end for band in bands for end in (band.low, band.high)]
    known = np.concatenate([a[np.isfinite(a)] for a in arrays]) if arrays else np.empty(0)
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    if from_zero:
        low = min(low, 0.0)
    margin = 0.05 * (high / 2 - low / 2) * 2 or 0.1 * abs(high) or 1.0
    low = low if from_zero and low == 0.0 else low - margin
    return _Frame(64.0, 26.0, size.width - 78.0, size.height - 54.0, positions, low, high + margin)


def _nice_values(low: float, high: float, about: int) -> list[float]:
    """Return round values between two bounds: 1, 2 or 5 times a power of ten apart."""
    rough = high / about - low / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((m * power for m in (1.0, 2.0, 5.0) if m * power >= rough), 10.0 * power)
    first, last = math.ceil(low / step), math.floor(high / step)
    if not (math.isfinite(step) and 0 < last - first < 3 * about):
        return []  # the last digits of a float: no round value lies between
    return [index * step for index in range(first, last + 1)]


def _short(text: str, value: float) -> str:
    """Return a tick's number without needless zeros; large ones as powers of ten."""
    if abs(value) >= 1e7:
        return f"{value:.3g}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _even(count: int, size: Size) -> list[int]:
    """Return a few positions, as many as their labels leave room for."""
    room = max(2, int(size.width // 110))
    return list(range(0, count, math.ceil(count / room)))


def calendar_ticks(labels: Sequence[str], size: Size) -> dict[int, str] | None:
    """Return where years, else months, else days begin; None where no row's label is a date.

    Of the labels' notations ("2020-05", "2020-Q2", "2020-05-31 06:00") the first four characters
    are the year's, the first seven the month's or quarter's, the first ten the day's.
    """
    if not all(
        len(label) >= 4 and label[:4].isdecimal() and label[4:5] in ("-", "") for label in labels
    ):
        return None
    for width in (4, 7, 10):
        starts = [
            position
            for position in range(1, len(labels))
            if labels[position][:width] != labels[position - 1][:width]
        ]
        if len(starts) >= 3 or (width == 10 and len(starts) == 2):
            room = max(2, int(size.width // (8 * width + 20)))
            kept = starts[:: math.ceil(len(starts) / room)]
            return {position: labels[position][:width] for position in kept}
    return None


def _thin(count: int) -> NDArray[np.intp]:
    """Return the positions of a line that are drawn: all of them, or every so many."""
    return np.arange(0, count, max(1, math.ceil(count / _POINTS)))


def _points(frame: _Frame, start: int, values: Array, kept: NDArray[np.intp]) -> list[str]:
    return [f"{frame.x(start + i):.1f},{frame.y(float(values[i])):.1f}" for i in kept.tolist()]


def _strokes(frame: _Frame, line: Line) -> list[Element]:
    """Return a line's stretches between gaps; a value alone between two gaps is a dot."""
    found = []
    kept = _thin(len(line.values))
    known = np.isfinite(line.values[kept])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(int)))
    for begin, end in edges.reshape(-1, 2).tolist():
        points = _points(frame, line.start, line.values, kept[begin:end])
        if end - begin == 1:
            x, y = points[0].split(",")
            found.append(element("circle", {"class": line.style, "cx": x, "cy": y, "r": "2.2"}))
        else:
            found.append(element("polyline", {"class": line.style, "points": " ".join(points)}))
    return found


def _area(frame: _Frame, band: Band) -> Element:
    kept = _thin(len(band.low))
    kept = kept[np.isfinite(band.low[kept]) & np.isfinite(band.high[kept])]
    points = _points(frame, band.start, band.high, kept)
    points += _points(frame, band.start, band.low, kept[::-1])
    if len(kept) == 1:  # an area of one position has no width
        x = frame.x(band.start + int(kept[0]))
        ends = [p.split(",")[1] for p in points]
        points = [f"{x - 4:.1f},{ends[0]}", f"{x + 4:.1f},{ends[0]}"]
        points += [f"{x + 4:.1f},{ends[1]}", f"{x - 4:.1f},{ends[1]}"]
    return element("polygon", {"class": band.style, "points": " ".join(points)})


def _answers(
    frame: _Frame,
    lines: Sequence[Line],
    bands: Sequence[Band],
    labels: Sequence[str],
    size: Size,
) -> Element:
    """Return the places that answer the pointer, each with what it says at the picture's top."""
    every = max(1, math.ceil(len(labels) / _READ))
    group = element("g", {"class": "answers"})
    for position in range(0, len(labels), every):
        parts = [
            f"{line.name} {number(value)}"
            for line in lines
            if (value := _at(line.values, position - line.start)) is not None
        ]
        for band in bands:
            low = _at(band.low, position - band.start)
            high = _at(band.high, position - band.start)
            if low is not None and high is not None:
                parts.append(f"{band.name} {number(low)} to {number(high)}")
        x, width = frame.x(position - 0.5), frame.width * every / frame.positions
        place = {"x": f"{x:.1f}", "y": f"{frame.top:g}", "width": f"{width:.1f}"}
        place["height"] = f"{frame.height:g}"
        said = f"{labels[position]}: {', '.join(parts) or 'missing'}"
        text = _text(size.width - 14, 16, said, "said", "end")
        group.append(element("g", None, element("rect", place), text))
    return group


def _at(values: Array, index: int) -> float | None:
    if not 0 <= index < len(values) or not math.isfinite(values[index]):
        return None
    return float(values[index])


def _straight(x1: float, y1: float, x2: float, y2: float, style: str) -> Element:
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return element("line", {"class": style} | {k: f"{v:.1f}" for k, v in ends.items()})


def _text(x: float, y: float, text: str, style: str, anchor: str) -> Element:
    place = {"class": style, "x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}
    return element("text", place, text)
