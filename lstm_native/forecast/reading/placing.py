"""The rows of a table at their places on a grid, each once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.reading import roles, rows, spacing
from lstm_native.forecast.reading.choices import Choices
from lstm_native.forecast.reading.names import Names
from lstm_native.forecast.reading.rows import Rows
from lstm_native.forecast.reading.spacing import Spacing
from lstm_native.forecast.reading.stamps import SERIAL, Stamps, may_be_serial
from lstm_native.forecast.reading.table import Codes, Table
from lstm_native.forecast.reading.text import listed, shown

#: How the note begins that rows were not written at the stamps of the grid.
MOVED = "each row stands for its span of the calendar"


def spacing_of(table: Table, stamps: Stamps, codes: Codes, choices: Choices) -> Spacing:
    """Return how far apart stamps are, as they tell or the user says.

    Raises
    ------
    DataError
        They are unevenly spaced, and nothing is said about it.
    """
    if choices.frequency is not None:
        return spacing.asked(choices.frequency, stamps)
    found = spacing.found(stamps, codes)
    if found is not None:
        return found
    row = spacing.uneven_row(stamps, codes)
    zone = stamps.index is not None and stamps.index.tz is not None
    raise DataError(
        f"{table.where(row[1])}: the time stamps are unevenly spaced (from "
        f"{shown(stamps.texts[row[0]])} to {shown(stamps.texts[row[1]])}, usually "
        f"{spacing.usual(stamps, codes)}); choose a frequency, such as "
        f"{spacing.proposed(stamps, codes)}, and aggregate sum, mean or last for rows within one"
        + ("; or name the time zone, if the clock was changed" if zone else "")
        + (f"; {SERIAL}" if stamps.numbers is not None and may_be_serial(stamps.numbers) else "")
    )


def zone_of(stamps: Stamps) -> Any:
    """Return the time zone of stamps, None where they have none."""
    return None if stamps.index is None else stamps.index.tz


def placed(
    table: Table, given: Rows, stamps: Stamps, grid: Spacing, names: Names, choices: Choices
) -> Rows:
    """Return the rows at their places, each once and oldest first."""
    order = stamps.numbers if stamps.numbers is not None else np.asarray(stamps.index.asi8)  # type: ignore[union-attr]
    places = grid.grid.places(stamps.numbers if stamps.numbers is not None else stamps.index)
    given = replace(given, places=places)
    table.notes += rows.order_notes(given, names.ids, order)
    own = [name or names.targets[0] for name in names.ids]
    hint = "" if names.has_id else _id_hint(table, choices)
    if stamps.unit == "time" and zone_of(stamps) is None:
        hint += ", or name the time zone if its clock was set back"
    found, notes = rows.once(given, table, stamps.texts, order, choices.aggregate, own, hint)
    table.notes += notes
    if grid.loose and grid.grid.unit != "number":
        _note_moved(table, stamps, grid, places)
    return found


def _id_hint(table: Table, choices: Choices) -> str:
    time = [i for i, column in enumerate(table.columns) if column.name in choices.time]
    fitting = roles.fitting_ids(table, time or roles.time_of(table))
    names = f", such as {listed(fitting)}," if fitting else ""
    return f", or name the columns of ids{names} if the rows belong to several series"


def _note_moved(table: Table, stamps: Stamps, grid: Spacing, places: NDArray[np.int64]) -> None:
    """Note that rows got the stamps of the grid."""
    index = grid.index(places, zone_of(stamps))
    moved = np.flatnonzero(np.asarray(index != stamps.index))
    if moved.size:
        row = int(moved[0])
        table.notes.append(
            f"{MOVED}: {shown(stamps.texts[row])} is written {index[row]}, for example"
        )
