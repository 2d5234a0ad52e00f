"""Numbers too large to compute with: their squares would be infinite."""

from __future__ import annotations

import numpy as np

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.panel import Panel, Series
from lstm_native.forecast.report.wording import labels

_LARGEST = 1e150


def check_sizes(panel: Panel) -> None:
    """Refuse numbers that nothing can be computed with.

    Raises
    ------
    DataError
        A value or a covariate is 1e150 in size or more, or infinite.
    """
    for series in panel.series:
        tables = [
            ((panel.target,), series.values[:, np.newaxis]),
            (panel.past_names, series.past),
            (panel.future_names, series.future),
        ]
        for names, table in tables:
            wrong = np.argwhere(np.abs(table) >= _LARGEST)
            if len(wrong):
                row, column = wrong[0].tolist()
                where = f"{_row(panel, series, row)} of series '{series.name}'"
                raise _error(panel, where, names[column], table[row, column])
        static = np.flatnonzero(np.abs(series.static) >= _LARGEST)
        if static.size:
            place = int(static[0])
            where = f"series '{series.name}'"
            raise _error(panel, where, panel.static_names[place], series.static[place])


def _error(panel: Panel, where: str, name: str, value: float) -> DataError:
    return DataError(
        f"{panel.source}: {where} has {value:g} in '{name}', which is too large to compute with; "
        f"expected numbers below {_LARGEST:g} in size: mend it, or leave it out if it is not known"
    )


def _row(panel: Panel, series: Series, row: int) -> str:
    if row >= len(series):
        return f"a row after the last ({labels(series.stamps[-1:], panel.frequency)[0]})"
    return f"row {row + 1} ({labels(series.stamps[row : row + 1], panel.frequency)[0]})"
