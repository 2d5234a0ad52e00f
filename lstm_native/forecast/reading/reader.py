"""The entrances: a file or a frame, and what is chosen about it."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lstm_native.forecast.reading import sources
from lstm_native.forecast.reading.build import panel_of
from lstm_native.forecast.reading.choices import Choices

if TYPE_CHECKING:
    from lstm_native.forecast.panel import Panel

#: Months in a solar cycle of eleven years: the season of the bundled series.
SUNSPOT_SEASON = 132


def read_table(source: Any, **options: Any) -> Panel:
    """Read the series of a file, of standard input or of a frame.

    Parameters
    ----------
    source : path, "-", frame, Series, dict or array
        CSV or Parquet; "-" is standard input. A wide table has a column for each series; a long
        one has a row for each time of each series, and a column of ids.
    **options
        The attributes of `Choices`, all optional.

    Returns
    -------
    Panel
        What was done to the data is in its notes.

    Raises
    ------
    OSError
        A file cannot be read.
    DataError
        What stands in the table cannot be used, or allows several readings; the message names the
        line, what was expected and found, and how to mend it.
    TypeError
        An option that does not exist.
    ImportError
        pandas is not installed.
    """
    choices = Choices.of(**options)
    table = sources.table_of(source, choices)
    future = static = None
    if choices.future_frame is not None:
        future = sources.table_of(choices.future_frame, choices, "the table of future covariates")
    if choices.static_frame is not None:
        static = sources.table_of(choices.static_frame, choices, "the table of static covariates")
    return panel_of(table, choices, future, static)


def panel_from_frame(frame: Any, **options: Any) -> Panel:
    """Return the series of a frame; parameters and errors as `read_table`, but never a path."""
    if isinstance(frame, (str, os.PathLike)):
        raise TypeError(f"expected a frame, got the path {os.fspath(frame)!r}: use read_table")
    return read_table(frame, **options)


def bundled(season: int | None = None) -> Panel:
    """Return the monthly mean sunspot numbers 1749 to 2008, whose season is the solar cycle."""
    choices = Choices.of(season=season or SUNSPOT_SEASON)
    return replace(panel_of(sources.bundled_table(), choices, None, None), notes=())
