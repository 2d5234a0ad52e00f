"""Panels and forecasts as pandas frames in the long format."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.new_rows import check_known
from lstm_native.forecast.panel import Panel, Series

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Names:
    """What the columns of long frames are called."""

    id: str = "unique_id"
    time: str = "ds"
    target: str = "y"


def panel_frame(panel: Panel, names: Names, *, without: Sequence[str] = ()) -> pd.DataFrame:
    """Return a panel's rows, those that only future covariates know at the end of each series.

    Parameters
    ----------
    without : sequence of str
        Covariates to leave out.
    """
    import pandas as pd

    parts = []
    for series in panel.series:
        ahead = max(len(series.future) - len(series), 0) if panel.future_names else 0
        stamps = series.stamps
        if ahead:
            stamps = stamps.append(panel.frequency.after(stamps, ahead))
        columns: dict[str, Any] = {
            names.id: series.name,
            names.time: stamps,
            names.target: _longer(series.values, ahead),
        }
        for place, name in enumerate(panel.past_names):
            columns[name] = _longer(series.past[:, place], ahead)
        for place, name in enumerate(panel.future_names):
            columns[name] = series.future[:, place]
        for place, name in enumerate(panel.static_names):
            columns[name] = series.static[place]
        parts.append(pd.DataFrame(columns))
    joined: pd.DataFrame = pd.concat(parts, ignore_index=True).drop(columns=list(without))
    return joined


def with_rows(
    panel: Panel, data: Any, names: Names, *, without: Sequence[str] = ()
) -> pd.DataFrame:
    """Return the rows of `panel_frame` and new ones, which replace those with their stamps.

    Parameters
    ----------
    data : DataFrame
        Long; the id may be left out where there is one series.

    Raises
    ------
    DataError
        A column is missing, or a stamp is before its series or between its stamps.
    """
    import pandas as pd

    before = panel_frame(panel, names, without=without)
    added = data.to_pandas() if hasattr(data, "to_pandas") else pd.DataFrame(data).copy()
    if names.id not in added.columns:
        if len(panel.series) > 1:
            raise DataError(f"update needs the column {names.id}, since there are several series")
        added[names.id] = panel.series[0].name
    for column in (names.time, names.target):
        if column not in added.columns:
            raise DataError(
                f"update needs the column {column}, but the rows have "
                f"{', '.join(map(str, added.columns))}"
            )
    added[names.time] = _as_stamps(added[names.time], panel)
    added[names.id] = added[names.id].astype(str)
    for name, stamps in added.groupby(names.id)[names.time]:
        check_known(panel, str(name), pd.Index(stamps))
    added = added[[name for name in before.columns if name in added.columns]]
    joined: pd.DataFrame = pd.concat([before, added], ignore_index=True)
    joined = joined.drop_duplicates([names.id, names.time], keep="last")
    return joined


def _as_stamps(column: Any, panel: Panel) -> Any:
    """Return a column of new rows as stamps of the panel's kind.

    Raises
    ------
    DataError
        Text that is no ISO date: of few rows nobody could tell whether the day comes first.
    """
    import pandas as pd

    known = panel.series[0].stamps
    if not isinstance(known, pd.DatetimeIndex):
        return column
    options: dict[str, Any] = {}
    if not pd.api.types.is_datetime64_any_dtype(column):
        options["format"] = "ISO8601"
    try:
        found = pd.to_datetime(column, **options)
    except (ValueError, TypeError):
        raise DataError(
            f"the column {column.name} of the new rows holds no dates such as 2020-01-31: "
            f"{column.iloc[0]!r}; turn it into dates first (pandas.to_datetime)"
        ) from None
    zone = getattr(found.dtype, "tz", None)
    if known.tz is None:
        return found if zone is None else found.dt.tz_localize(None)
    return (found.dt.tz_localize(known.tz) if zone is None else found).dt.tz_convert(known.tz)


def _longer(values: Array, count: int) -> Array:
    return np.concatenate([values, np.full(count, np.nan)])


def stamps_after(panel: Panel, horizon: int) -> list[pd.Index]:
    """Return the stamps that follow each series.

    Raises
    ------
    DataError
        The calendar ends before.
    """
    known: dict[Any, pd.Index[Any]] = {}  # most series end at the same time
    try:
        for series in panel.series:
            last = series.stamps[-1]
            if last not in known:
                known[last] = panel.frequency.after(series.stamps, horizon)
        return [known[series.stamps[-1]] for series in panel.series]
    except (OverflowError, ValueError) as error:  # pandas' OutOfBoundsDatetime is a ValueError
        raise DataError(
            f"a horizon of {horizon} rows leads beyond the calendar that can be computed with "
            f"({error}): choose a shorter one"
        ) from None


def forecast_frame(panel: Panel, columns: Mapping[str, Array], names: Names) -> pd.DataFrame:
    """Return a long frame of what is forecast after each series.

    Parameters
    ----------
    columns : dict of str to ndarray, (series, horizon)
    """
    import pandas as pd

    series, horizon = next(iter(columns.values())).shape
    stamps = stamps_after(panel, horizon)
    first = stamps[0]
    joined = first.append(stamps[1:]) if series > 1 else first
    frame: pd.DataFrame = pd.DataFrame(
        {
            names.id: np.repeat(np.array([s.name for s in panel.series], dtype=object), horizon),
            names.time: joined,
            **{name: values.ravel() for name, values in columns.items()},
        }
    )
    return frame


def paths_frame(panel: Panel, paths: Array, names: Names) -> pd.DataFrame:
    """Return paths, (series, paths, steps), as rows of id, path, time and value."""
    import pandas as pd

    count, steps = paths.shape[1:]
    parts = []
    for series, index, values in zip(panel.series, stamps_after(panel, steps), paths, strict=True):
        parts.append(
            pd.DataFrame(
                {
                    names.id: series.name,
                    "path": np.repeat(np.arange(count), steps),
                    names.time: index[np.tile(np.arange(steps), count)],
                    "value": values.ravel(),
                }
            )
        )
    found: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return found


def with_future(panel: Panel, frame: Any, horizon: int, names: Names) -> Panel:
    """Return the panel with the future covariates of a frame's rows.

    Parameters
    ----------
    frame : DataFrame
        A row for each of the next stamps of each series: id (not needed for a single series),
        time, and a column for each future covariate that the panel does not know that far.

    Raises
    ------
    DataError
        A stamp, a column or a value is missing.
    """
    import pandas as pd

    if hasattr(frame, "to_pandas"):  # polars
        frame = frame.to_pandas()
    wanted = [name for name in panel.future_names if name in frame.columns]
    if names.time not in frame.columns or not wanted:
        raise DataError(
            f"future needs the columns {names.time} and {', '.join(panel.future_names)}, but has "
            f"{', '.join(map(str, frame.columns))}"
        )
    if len(panel.series) > 1 and names.id not in frame.columns:
        raise DataError(f"future needs the column {names.id}, since there are several series")
    stamps = _as_stamps(frame[names.time], panel)
    groups: dict[str, Any] = {panel.series[0].name: slice(None)}
    if names.id in frame.columns:
        groups = dict(frame.groupby(frame[names.id].astype(str)).indices)
    found: list[Series] = []
    for series, ahead in zip(panel.series, stamps_after(panel, horizon), strict=True):
        rows = groups.get(series.name)
        index = pd.Index(stamps.iloc[rows]) if rows is not None else ahead[:0]
        places = index.get_indexer(ahead) if index.is_unique else np.array([-1])
        if (places < 0).any():
            missing = ahead[int(np.argmax(places < 0))]
            raise DataError(
                f"future has no row for {missing} of the series '{series.name}' (or several); "
                f"expected one for each of the {horizon} stamps {ahead[0]} to {ahead[-1]}"
            )
        table = np.full((len(series) + horizon, len(panel.future_names)), np.nan)
        known = series.future[: len(table)]
        table[: len(known)] = known
        for name in wanted:
            values = frame[name].iloc[rows].to_numpy(dtype=np.float64)
            table[len(series) :, panel.future_names.index(name)] = values[places]
        found.append(dataclasses.replace(series, future=table))
    return dataclasses.replace(panel, series=tuple(found))
