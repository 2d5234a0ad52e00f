"""A table as it was found: columns of text, numbers or stamps, and where each row stood."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.reading.text import listed, shown

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Codes = NDArray[np.intp]

#: Spellings of a missing cell, in lower case.
MISSING = frozenset(
    ["", "na", "n/a", "#n/a", "#na", "<na>", "nan", "nat", "null", "none", "nil", "missing"]
    + ["-", "--", "---", "?", ".", "..", "...", "…", ":", "\u2013", "\u2014", "\\n"]
)


@dataclass(frozen=True, eq=False)
class Column:
    """One column.

    Attributes
    ----------
    name : str
    cells : list of str, or None
        The different texts of a column of text, without blanks at their ends.
    codes : ndarray, (rows,), or None
        Which of `cells` stands in each row.
    numbers : ndarray, (rows,), or None
        A column that held numbers already; NaN where they are missing.
    stamps : DatetimeIndex or None
        A column that held time stamps already.
    """

    name: str
    cells: list[str] | None = None
    codes: Codes | None = None
    numbers: Array | None = None
    stamps: pd.DatetimeIndex | None = None

    @staticmethod
    def of_text(name: str, values: Any) -> Column:
        """Return a column of the texts of an object array."""
        import pandas as pd

        codes, cells = pd.factorize(np.asarray(values, dtype=object))
        return Column(name, *_stripped([str(cell) for cell in cells], codes))

    def take(self, rows: Any) -> Column:
        """Return the column of some of its rows."""
        if self.cells is not None and self.codes is not None:
            taken = self.codes[rows]
            used = np.bincount(taken, minlength=len(self.cells)) > 0
            if used.all():
                return Column(self.name, self.cells, taken)
            cells = [self.cells[code] for code in np.flatnonzero(used)]
            return Column(self.name, cells, (np.cumsum(used) - 1)[taken])
        return Column(
            self.name,
            None,
            None,
            None if self.numbers is None else self.numbers[rows],
            None if self.stamps is None else self.stamps[rows],
        )

    def is_empty(self) -> NDArray[np.bool_]:
        """Return where no value is, by the usual spellings."""
        if self.numbers is not None:
            return np.isnan(self.numbers)
        if self.stamps is not None:
            return np.asarray(self.stamps.isna())
        assert self.cells is not None
        assert self.codes is not None
        return np.array([cell.lower() in MISSING for cell in self.cells], dtype=bool)[self.codes]

    def labels(self) -> NDArray[np.object_]:
        """Return each row's value as text; whole numbers without a decimal point."""
        if self.cells is not None:
            return np.array(self.cells, dtype=object)[self.codes]
        if self.numbers is not None:
            different, codes = np.unique(self.numbers, return_inverse=True)
            texts = [f"{x:.0f}" if x == np.floor(x) else repr(float(x)) for x in different]
            return np.array(texts, dtype=object)[codes.reshape(-1)]
        assert self.stamps is not None
        return np.array([str(stamp) for stamp in self.stamps], dtype=object)


def _stripped(cells: list[str], codes: Codes) -> tuple[list[str], Codes]:
    """Return cells without blanks at their ends, each once."""
    stripped = [cell.strip() for cell in cells]
    if stripped == cells:
        return cells, codes.astype(np.intp, copy=False)
    places: dict[str, int] = {}
    index = np.array([places.setdefault(cell, len(places)) for cell in stripped], dtype=np.intp)
    return list(places), index[codes] if len(index) else codes.astype(np.intp)


@dataclass(eq=False)
class Table:
    """Columns of the same length.

    Attributes
    ----------
    source : str
        Where it comes from, for messages.
    columns : list of Column
    rows : int
    lines : ndarray, (rows,), or None
        The line of each row in its file; None for a frame, whose rows are counted from 1.
    named : bool
        Whether the columns have names of their own.
    delimiter : str or None
        Of a CSV file.
    notes : list of str
    """

    source: str
    columns: list[Column]
    rows: int
    lines: NDArray[np.int64] | None = None
    named: bool = True
    delimiter: str | None = None
    notes: list[str] = field(default_factory=list)

    def where(self, row: int) -> str:
        """Return the words for a row in a message, such as "sales.csv, line 7"."""
        if self.lines is None:
            return f"{self.source}, row {int(row) + 1}"
        return f"{self.source}, line {int(self.lines[row])}"

    def names(self) -> list[str]:
        """Return the columns' names."""
        return [column.name for column in self.columns]

    def find(self, wanted: str, *, what: str) -> int:
        """Return the index of a column given by its name, or else by its number from 1.

        Raises
        ------
        DataError
            There is none.
        """
        names = self.names()
        if wanted in names:
            return names.index(wanted)
        if wanted.isdecimal() and 1 <= int(wanted) <= len(names):
            return int(wanted) - 1
        alike = [name for name in names if name.lower() == wanted.lower()]
        if len(alike) == 1:
            return names.index(alike[0])
        known = listed(names, most=12) if self.named else f"1 to {len(names)}"
        raise DataError(f"{self.source} has no {what} column {shown(wanted)}; it has {known}")

    def find_all(self, wanted: tuple[str, ...], *, what: str) -> list[int]:
        """Return the indices of columns; a name that is none may be several with commas between."""
        found: list[int] = []
        names = set(self.names())
        for name in wanted:
            parts = [part.strip() for part in name.split(",")]
            several = name not in names and len(parts) > 1
            for part in parts if several else [name]:
                index = self.find(part, what=what)
                if index not in found:
                    found.append(index)
        return found

    def take(self, rows: Any) -> Table:
        """Return the table of some of its rows."""
        columns = [column.take(rows) for column in self.columns]
        lines = np.arange(1, self.rows + 1) if self.lines is None else self.lines
        kept = lines[rows]
        return Table(
            self.source, columns, len(kept), None if self.lines is None else kept,
            self.named, self.delimiter, self.notes,
        )  # fmt: skip
