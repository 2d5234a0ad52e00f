"""What each column of a table is: ids, stamps, values, covariates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.reading.bare_numbers import counts_time
from lstm_native.forecast.reading.choices import Choices
from lstm_native.forecast.reading.notations import MONTHS, looks_like_stamp
from lstm_native.forecast.reading.numerals import is_numeric, looks_like_number
from lstm_native.forecast.reading.table import MISSING, Column, Table
from lstm_native.forecast.reading.text import listed, shown

#: Names of a time column, the likeliest first.
_TIME_NAMES = [
    "ds",
    "timestamp",
    "datetime",
    "date",
    "time",
    "period",
    "datum",
    "zeit",
    "fecha",
    "date_time",
] + ["date/time", "week", "day", "month", "quarter", "year", "jahr", "monat", "woche", "tag"]
#: Names of the parts of a stamp that stand in columns of their own.
_PARTS = {
    "year": ("year", "yr", "jahr"), "quarter": ("quarter", "qtr", "quartal"),
    "month": ("month", "mon", "monat"), "week": ("week", "isoweek", "woche"),
    "day": ("day", "dom", "tag"), "hour": ("hour", "hr", "stunde"),
}  # fmt: skip
_COUNTERS = ("", "index", "rownames", "unnamed: 0", "row", "no", "obs", "nr", "#")
_CLOCK = re.compile(r"\d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?:\s*[ap]m)?", re.IGNORECASE)


@dataclass(frozen=True)
class Roles:
    """The indices of the columns of each role."""

    id: tuple[int, ...]
    time: tuple[int, ...]
    column: tuple[int, ...]
    past: tuple[int, ...]
    future: tuple[int, ...]
    static: tuple[int, ...]


def assign(table: Table, choices: Choices) -> Roles:
    """Return which column is what; what was not asked for is noted in the table.

    Raises
    ------
    DataError
        A column that was named is not there, is named for two roles, or none holds numbers.
    """
    found = {
        role: tuple(table.find_all(getattr(choices, role), what=word))
        for role, word in (
            ("id", "id"), ("time", "time"), ("column", "value"), ("past", "covariate"),
            ("future", "covariate"), ("static", "static"),
        )
    }  # fmt: skip
    used: dict[int, str] = {}
    for role, indices in found.items():
        for index in indices:
            if index in used:
                name = shown(table.columns[index].name)
                raise DataError(
                    f"{table.source}: column {name} cannot be both {used[index]} and {role}"
                )
            used[index] = role
    names = table.names()
    if not found["column"] and choices.prefer in names and names.index(choices.prefer) not in used:
        found["column"] = (names.index(choices.prefer),)
        used[found["column"][0]] = "column"
    if not found["id"] and "unique_id" in names and names.index("unique_id") not in used:
        found["id"] = (names.index("unique_id"),)
        used[found["id"][0]] = "id"
    if not found["time"] and not choices.no_time:
        found["time"] = _guess_time(table, used)
        used.update(dict.fromkeys(found["time"], "time"))
    if not found["column"]:
        found["column"] = _guess_values(table, used, choices)
        used.update(dict.fromkeys(found["column"], "column"))
    if not found["id"] and found["time"]:
        found["id"] = _guess_id(table, found["time"], used)
        used.update(dict.fromkeys(found["id"], "id"))
    left = [name for index, name in enumerate(names) if index not in used]
    if left:
        table.notes.append(f"not used: {listed(left)}")
    return Roles(**found)


def joined_stamps(table: Table, indices: Sequence[int]) -> Column:
    """Return one column of stamps of those whose cells make a stamp together."""
    columns = [table.columns[index] for index in indices]
    if len(columns) == 1:
        return columns[0]
    parts = {_part(column.name): column.labels() for column in columns}
    if "year" in parts and len(parts) == len(columns) and None not in parts:
        texts = _whole(parts["year"])
        if "quarter" in parts and "month" not in parts:
            texts = texts + "Q" + _whole(parts["quarter"])
        elif "week" in parts:
            texts = texts + "-W" + _whole(parts["week"])
        else:
            if "month" in parts:
                months = [str(MONTHS.get(m.lower().rstrip("."), m)) for m in parts["month"]]
                texts = texts + "-" + _whole(np.array(months, dtype=object))
            if "day" in parts:
                texts = texts + "-" + _whole(parts["day"])
            if "hour" in parts:
                texts = texts + " " + _whole(parts["hour"]) + ":00"
    else:
        texts = columns[0].labels()
        for column in columns[1:]:
            cells = column.labels()
            if all(_CLOCK.fullmatch(cell) for cell in set(cells)):
                cells = np.array([cell.replace(".", ":") for cell in cells], dtype=object)
            texts = texts + " " + cells
    return Column.of_text("+".join(column.name for column in columns), texts)


def _whole(labels: np.typing.NDArray[np.object_]) -> np.typing.NDArray[np.object_]:
    return np.array([label.removesuffix(".0") for label in labels], dtype=object)


def _part(name: str) -> str | None:
    for part, names in _PARTS.items():
        if name.lower() in names:
            return part
    return None


def time_of(table: Table) -> tuple[int, ...]:
    """Return the columns that are taken for stamps where none is named."""
    return _guess_time(table, {}, quiet=True)


def _guess_time(table: Table, used: dict[int, str], quiet: bool = False) -> tuple[int, ...]:
    """Return the column of stamps, or those that make stamps together, if there are."""
    free = [index for index in range(len(table.columns)) if index not in used]
    for index in free:
        if table.columns[index].name == "ds":
            return (index,)
    for index in free:
        if table.columns[index].stamps is not None:
            return (index,)
    # A number may be anything: only a name makes it a year.
    named = {table.columns[index].name.lower(): index for index in reversed(free)}
    likely = {index: _share_of_stamps(table.columns[index]) for index in free}
    for name in _TIME_NAMES:
        if name in named and likely[named[name]] > 0.5:
            return _with_clock(table, named[name], free)
    for index in free:
        if likely[index] > 0.9:
            return _with_clock(table, index, free)
    parts = {_part(table.columns[index].name): index for index in reversed(free)}
    if "year" in parts and _is_years(table.columns[parts["year"]]):
        for names in (
            ("month", "day", "hour"),
            ("month", "day"),
            ("month",),
            ("quarter",),
            ("week",),
        ):
            if all(name in parts and _is_small(table.columns[parts[name]]) for name in names):
                indices = (parts["year"], *(parts[name] for name in names))
                words = listed(table.columns[index].name for index in indices)
                if not quiet:
                    table.notes.append(f"stamps are made of the columns {words}")
                return indices
    if "year" in parts and _is_years(table.columns[parts["year"]]):
        labels = table.columns[parts["year"]].labels()
        if len(set(labels)) == len(labels) or "time" not in named:
            return (parts["year"],)
    for name in _TIME_NAMES:
        if name in named:
            column = table.columns[named[name]]
            part = _part(name) not in (None, "year") and _is_small(column)
            # A month without a year is no stamp, unless it just counts the rows.
            if not part or not is_numeric(column) or _is_even(column):
                return (named[name],)
    if not table.named and len(free) > 1 and _is_years(table.columns[free[0]]):
        years = [int(float(label)) for label in table.columns[free[0]].labels()]
        if all(b - a == years[1] - years[0] != 0 for a, b in pairwise(years)):
            return (free[0],)
    return _plain_stamps(table, free, likely, used, quiet)


def _plain_stamps(
    table: Table, free: list[int], likely: dict[int, float], used: dict[int, str], quiet: bool
) -> tuple[int, ...]:
    """Return a column without a telling name that holds stamps, all its cells or nearly all.

    A cell that is none is then an error that names it, and no reason to count the rows instead.
    """
    for index in free:
        if likely[index] > 0.5:
            return _with_clock(table, index, free)
    for index in free:
        values = quiet or "column" in used.values()
        if not values and not any(is_numeric(table.columns[i]) for i in free if i != index):
            continue
        kind = counts_time(table.columns[index], first=index == 0)
        repeated = table.rows - len(np.unique(_codes(table.columns[index])))
        few = repeated <= max(1, table.rows // 10)
        if kind is None or not (few or fitting_ids(table, (index,))):
            continue
        if not quiet:
            name = shown(table.columns[index].name)
            table.notes.append(f"{name} is read as the time, in {kind}")
        return (index,)
    return ()


def _with_clock(table: Table, index: int, free: list[int]) -> tuple[int, ...]:
    """Return a column of dates together with one of clocks, if it is called time."""
    for other in free:
        column = table.columns[other]
        if other != index and column.name.lower() in ("time", "hour", "clock", "uhrzeit"):
            cells = [cell for cell in column.cells or () if cell]
            if cells and all(_CLOCK.fullmatch(cell) for cell in cells):
                return (index, other)
    return (index,)


def _share_of_stamps(column: Column) -> float:
    """Return the share of a text column's first cells that look like dates."""
    cells = [cell for cell in (column.cells or [])[:200] if cell.lower() not in MISSING]
    return sum(map(looks_like_stamp, cells)) / len(cells) if cells else 0.0


def _is_years(column: Column) -> bool:
    if column.numbers is not None:
        known = column.numbers[~np.isnan(column.numbers)]
        return bool(
            known.size
            and (known == np.floor(known)).all()
            and known.min() > 1000
            and known.max() < 2300
        )
    return bool(column.cells) and all(
        re.fullmatch(r"[12]\d{3}(\.0+)?", cell) for cell in column.cells or ()
    )


def _is_small(column: Column) -> bool:
    """Whether a column holds months, quarters, weeks, days or hours: small numbers or names."""
    labels = set(column.labels().tolist())
    return all(
        re.fullmatch(r"\d{1,2}(\.0)?", label) or label.lower().rstrip(".") in MONTHS
        for label in labels
    )


def _guess_values(table: Table, used: dict[int, str], choices: Choices) -> tuple[int, ...]:
    names = table.names()
    free = [index for index in range(len(names)) if index not in used]
    if "y" in names and names.index("y") in free:
        return (names.index("y"),)
    missing = MISSING | {text.lower() for text in choices.missing}
    numeric = [index for index in free if is_numeric(table.columns[index], missing)]
    counters = [i for i in numeric if len(numeric) > 1 and _is_counter(table, table.columns[i])]
    numeric = [index for index in numeric if index not in counters]
    # The calendar is not forecast: months and weekdays beside other numbers.
    parts = [i for i in numeric if _part(names[i]) is not None and _is_small(table.columns[i])]
    numeric = [index for index in numeric if index not in parts] or numeric
    if not numeric:
        if not free:
            raise DataError(
                f"{table.source} has no column to forecast beside {listed(names)}; "
                "expected at least one more, of numbers"
            )
        column = table.columns[free[0]]
        cell = shown(column.labels()[0])
        raise DataError(
            f"{table.where(0)}: expected a column of numbers to forecast among "
            f"{listed(names[index] for index in free)}, got {cell} in {shown(column.name)}"
        )
    if len(numeric) > 1:
        table.notes.append(
            f"each column of numbers is a series: {listed(names[index] for index in numeric)}; "
            "name those that are to be forecast, if not all are"
        )
    return tuple(numeric)


def _is_even(column: Column) -> bool:
    """Whether numbers go up or down by the same step throughout."""
    try:
        steps = np.diff([float(label) for label in column.labels()])
    except ValueError:
        return False
    return bool(steps.size and steps[0] != 0 and (steps == steps[0]).all())


def _is_counter(table: Table, column: Column) -> bool:
    """Whether a column without a real name counts the rows."""
    unnamed = table.named and re.fullmatch(r"column \d+", column.name)
    if column.name.lower() not in _COUNTERS and not unnamed:
        return False
    labels = column.labels()
    if not all(looks_like_number(label) for label in labels[:1000]):
        return False
    try:
        values = np.array([float(label) for label in labels])
    except ValueError:
        return False
    return bool((values[1:] == values[:-1] + 1).all())


def _guess_id(table: Table, time: Sequence[int], used: dict[int, str]) -> tuple[int, ...]:
    """Return the one text column that makes repeated stamps unique, if there is just one."""
    stamps = _codes(joined_stamps(table, time))
    if np.bincount(stamps).max() == 1:
        return ()
    fitting = candidates(table, time, used)
    if len(fitting) != 1:
        return ()
    name = table.columns[fitting[0]].name
    table.notes.append(f"there is a series for each value of {shown(name)}")
    return (fitting[0],)


def candidates(table: Table, time: Sequence[int], used: dict[int, str]) -> list[int]:
    """Return the unused text columns that, beside the time, make every row unique."""
    stamps = _codes(joined_stamps(table, time))
    fitting = []
    for index, column in enumerate(table.columns):
        if index in used or column.cells is None or len(column.cells) > table.rows // 2:
            continue
        pairs = stamps * (len(column.cells) + 1) + _codes(column)
        if not is_numeric(column) and len(np.unique(pairs)) == table.rows:
            fitting.append(index)
    return fitting


def fitting_ids(table: Table, time: Sequence[int]) -> list[str]:
    """Return the names of the column, or else the two, that make every row unique with the time."""
    stamps = _codes(joined_stamps(table, time))
    few = []
    for index, column in enumerate(table.columns):
        labels = None if index in time or column.stamps is not None else column.labels()
        if labels is None or len(set(labels)) > max(1, table.rows // 2):
            continue
        if column.cells is None or not is_numeric(column) or all(s.isdecimal() for s in labels):
            few.append(index)
    for size in (1, 2):
        for chosen in combinations(few[:12], size):
            pairs = stamps
            for index in chosen:
                codes = _codes(table.columns[index])
                pairs = pairs * (int(codes.max()) + 1) + codes
            if len(np.unique(pairs)) == table.rows:
                return [table.columns[index].name for index in chosen]
    return []


def _codes(column: Column) -> np.typing.NDArray[np.int64]:
    """Return a whole number for each different value."""
    if column.codes is not None:
        return np.asarray(column.codes, dtype=np.int64)
    values = column.numbers if column.numbers is not None else column.stamps
    return np.asarray(np.unique(np.asarray(values), return_inverse=True)[1], np.int64).reshape(-1)
