"""The forecast frame taken apart: what is expected of each series."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.report.wording import labels

if TYPE_CHECKING:
    import pandas as pd

    from lstm_native.forecast.panel import Panel

Array = NDArray[np.float64]

_LOW = re.compile(r"low_(\d+(?:\.\d+)?)")


@dataclass(frozen=True, eq=False)
class Ahead:
    """What is expected of one series.

    Attributes
    ----------
    name : str
        The series' unique_id.
    labels : list of str
        A readable time stamp for each step.
    values : ndarray, (horizon,)
    bounds : dict of str to (ndarray, ndarray)
        Percent of coverage, as in the columns' names -> low and high of each step; narrow first.
    """

    name: str
    labels: list[str]
    values: Array
    bounds: dict[str, tuple[Array, Array]]


def levels(forecast: pd.DataFrame) -> list[str]:
    """Return the percentages of the intervals that a forecast frame has, narrow ones first."""
    found = [match[1] for name in forecast.columns if (match := _LOW.fullmatch(str(name)))]
    return sorted(found, key=float)


def taken_apart(panel: Panel, forecast: pd.DataFrame) -> list[Ahead]:
    """Return what is expected of each series of the panel, in its order.

    Parameters
    ----------
    panel : Panel
    forecast : DataFrame
        unique_id, ds, forecast, and low_80, high_80 or other levels; the rows of a series in order.

    Raises
    ------
    DataError
        The frame lacks a column, or a series of the panel.
    """
    wanted = ["unique_id", "ds", "forecast"]
    named = levels(forecast)
    wanted += [f"{side}_{level}" for level in named for side in ("low", "high")]
    if missing := [name for name in wanted if name not in forecast.columns]:
        raise DataError(
            f"a forecast has the columns {', '.join(wanted)}; here {', '.join(missing)} is missing "
            f"(there are {', '.join(map(str, forecast.columns))})"
        )
    groups = forecast.groupby(forecast["unique_id"].astype(str), sort=False).indices
    numbers = {
        name: forecast[name].to_numpy(dtype=np.float64)
        for name in wanted
        if name not in ("unique_id", "ds")
    }
    import pandas as pd

    said = labels(pd.Index(forecast["ds"]), panel.frequency)
    found = []
    for series in panel.series:
        if series.name not in groups:
            raise DataError(f"the forecast has no rows for the series '{series.name}'")
        rows = groups[series.name]
        found.append(
            Ahead(
                name=series.name,
                labels=[said[row] for row in np.asarray(rows).tolist()],
                values=numbers["forecast"][rows],
                bounds={
                    level: (numbers[f"low_{level}"][rows], numbers[f"high_{level}"][rows])
                    for level in named
                },
            )
        )
    return found
