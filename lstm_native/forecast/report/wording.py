"""Numbers, time stamps and spans as a reader expects them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from lstm_native.forecast.panel import Frequency

#: What errors over several series are compared by.
MEASURE = "mean absolute error of each series, relative to the mean of all methods in it"

_UNITS = {
    **dict.fromkeys(("YS", "YE", "BYS", "BYE", "Y", "A", "AS", "BA", "BAS"), "year"),
    **dict.fromkeys(("QS", "QE", "BQS", "BQE", "Q", "BQ"), "quarter"),
    **dict.fromkeys(("MS", "ME", "BMS", "BME", "M", "BM", "CBMS", "CBME"), "month"),
    "W": "week",
    "D": "day",
    **dict.fromkeys(("B", "C"), "business day"),
    **dict.fromkeys(("h", "H", "bh"), "hour"),
    **dict.fromkeys(("min", "T"), "minute"),
    **dict.fromkeys(("s", "S"), "second"),
}
# Control characters, what turns the direction of the text around it, halves of surrogate pairs.
_UNRULY = re.compile(
    "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff]"
)
_ALIAS = re.compile(r"(\d*)([A-Za-z]+)")
_MANY_TIMES = 1000  # more than that is not worth a number


def readable(text: str) -> str:
    """Return a text with escapes for what cannot be written, or would act on the text around it."""
    return _UNRULY.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def decimals(size: float) -> int:
    """Return how many decimals show four digits of a number of that size."""
    if not (math.isfinite(size) and size > 0.0):
        return 0
    return max(0, 3 - math.floor(math.log10(size)))


def number(value: float | None, size: float | None = None, *, grouped: bool = True) -> str:
    """Return a number with the decimals that `size` (by default its own) asks for.

    A value that is not there (None, NaN) is a hyphen; one with more than 15 digits, or whose first
    digit comes after ten decimals, is written with an exponent.
    """
    if value is None or not math.isfinite(value):
        return "-"
    size = abs(value) if size is None or not math.isfinite(size) else size
    if max(size, abs(value)) >= 1e15 or 0.0 < size < 1e-7:
        return f"{value:.4g}"
    text = f"{value:{',' if grouped else ''}.{decimals(size)}f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0.0 else text


def spread(values: Iterable[float]) -> float:
    """Return the size by which the values of one column tell from each other (for `number`)."""
    known = np.array([v for v in values if v is not None and math.isfinite(v)], dtype=np.float64)
    if not known.size:
        return 0.0
    return float(np.ptp(known)) or float(np.abs(known).max())


def percent(share: float) -> str:
    """Return a share as whole percent, with one decimal below 10 %."""
    value = 100.0 * share
    return f"{value:.1f} %" if 0.0 < abs(value) < 9.95 else f"{value:.0f} %"


def smaller(error: float, other: float) -> str:
    """Return how much smaller an error is than a larger one; "" if it hardly is."""
    share = round(100.0 * (1.0 - error / other)) if other > 0.0 else 0
    if share == 100:
        return "less than 1 % of"
    return f"{share} % smaller than" if share else ""


def larger(error: float, least: float) -> str:
    """Return how much larger an error is than the least one; "" if it hardly is.

    From twice as large on it says how many times: nobody can picture 5213 %.
    """
    if error == least:
        return ""
    if least <= 0.0:
        return "larger"
    times = error / least
    if times > _MANY_TIMES:
        return f"more than {_MANY_TIMES:,} times as large"
    if times >= 1.995:
        return f"{times:.1f} times as large" if times < 9.95 else f"{times:,.0f} times as large"
    share = round(100.0 * (times - 1.0))
    return f"{share} % larger" if share else ""


def unit(frequency: Frequency, count: int) -> str:
    """Return "12 months", "1 day", "8 steps of 15 minutes"; "5 rows" where there are no times."""
    found = None if frequency.alias is None else _ALIAS.match(frequency.alias)
    name = _UNITS.get(found[2]) if found else None
    after = ""
    if name is None or found is None:
        name, after = ("row", "") if frequency.alias is None else ("step", f" of {frequency.alias}")
    elif found[1] not in ("", "1"):
        name, after = "step", f" of {found[1]} {name}s"
    return f"{count:,} {name}{'' if count == 1 else 's'}{after}"


def labels(stamps: pd.Index, frequency: Frequency) -> list[str]:
    """Return stamps in the shortest usual notation that tells the rows apart."""
    import pandas as pd

    if not isinstance(stamps, pd.DatetimeIndex):
        return [plain(stamp) for stamp in stamps]
    found = None if frequency.alias is None else _ALIAS.match(frequency.alias)
    name = _UNITS.get(found[2]) if found else None
    if name == "year":
        return stamps.strftime("%Y").tolist()
    if name == "quarter":
        return [f"{stamp.year}-Q{stamp.quarter}" for stamp in stamps]
    if name == "month":
        return stamps.strftime("%Y-%m").tolist()
    if bool((stamps == stamps.normalize()).all()):
        return stamps.strftime("%Y-%m-%d").tolist()
    return stamps.strftime(
        "%Y-%m-%d %H:%M" if not stamps.second.any() else "%Y-%m-%d %H:%M:%S"
    ).tolist()


def plain(stamp: object) -> str:
    """Return a stamp that is no date: a number with as many digits as it needs."""
    if isinstance(stamp, (float, np.floating)):
        return f"{stamp:.10g}"
    return str(stamp)
