"""Time zones of stamps: the one they have, or the one that the user names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.reading.choices import Choices
from lstm_native.forecast.reading.stamps import Stamps
from lstm_native.forecast.reading.table import Codes, Table
from lstm_native.forecast.reading.text import shown

if TYPE_CHECKING:
    import pandas as pd


def with_zone(stamps: Stamps, series: Codes, table: Table, choices: Choices) -> Stamps:
    """Return the stamps in the time zone that the user names.

    Of an hour that a clock shows twice, the first row of a series is the one before it is set back.

    Raises
    ------
    DataError
        There is no such zone, or the clock never shows a stamp.
    """
    if choices.timezone is None:
        return stamps
    if stamps.index is None:
        raise DataError(f"{table.source}: a time zone needs dates, but the stamps are numbers")
    zone = _zone(choices.timezone)
    if stamps.index.tz is not None:
        return replace(stamps, index=stamps.index.tz_convert(zone))
    local = stamps.index
    turned = bool(len(local) > 1 and local[-1] < local[0])
    index = local.tz_localize(zone, ambiguous=_first(local, series, turned), nonexistent="NaT")
    wrong = np.flatnonzero(np.asarray(index.isna()))
    if wrong.size:
        row = int(wrong[0])
        raise DataError(
            f"{table.where(row)}: no clock in {choices.timezone} shows {shown(stamps.texts[row])}, "
            "for it was put forward then; give the zone that the stamps are in, such as UTC"
        )
    return replace(stamps, index=index)


def _first(local: pd.DatetimeIndex, series: Codes, turned: bool) -> Any:
    """Return which rows are the first of their series with their stamp."""
    import pandas as pd

    frame = pd.DataFrame({"series": series, "stamp": local})
    if turned:
        frame = frame.iloc[::-1]
    first = (frame.groupby(["series", "stamp"]).cumcount() == 0).to_numpy()
    return first[::-1] if turned else first


def _zone(name: str) -> Any:
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise DataError(
            f"unknown time zone {shown(name)}; expected a name such as Europe/Berlin or UTC"
        ) from None
