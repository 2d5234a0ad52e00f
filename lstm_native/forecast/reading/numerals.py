"""Numbers as people write them: decimal commas, thousands, signs of currency, missing values."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.reading.table import MISSING, Array, Column, Table
from lstm_native.forecast.reading.text import shown

# Blanks (also the narrow and the unbreakable one) and apostrophes part thousands.
_GROUPS = str.maketrans("", "", " \u00a0\u2009\u202f'\u2019_")
_CURRENCY = "$€£¥₹"
_GROUPED = re.compile(r"\d{1,3}(?:[ \u00a0\u2009\u202f'\u2019]\d{3})+(?=$|[.,])")
_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_PLAIN_SIGNS = b"0123456789.+-eE"
_INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)
_SHAPE = re.compile(r"[+-]?[\d.,]*\d[\d.,]*(?:[eE][+-]?\d+)?")
_OPEN = {mark: re.compile(rf"[+-]?[1-9]\d{{0,2}}{re.escape(mark)}\d{{3}}") for mark in ".,"}


@dataclass(frozen=True)
class Numerals:
    """How a table writes its numbers.

    Attributes
    ----------
    decimal : {".", ","}
    missing : frozenset of str
        Texts, in lower case, and numbers that stand for missing values.
    numbers_missing : frozenset of float
    """

    decimal: str = "."
    missing: frozenset[str] = MISSING
    numbers_missing: frozenset[float] = frozenset()

    @staticmethod
    def of(decimal: str, missing: Sequence[str]) -> Numerals:
        """Return numerals with further spellings of missing values."""
        # An option is written by a programmer, or as in the file.
        both = (Numerals("."), Numerals(decimal))
        numbers = {own.value(text) for text in missing for own in both}
        return Numerals(
            decimal,
            MISSING | {text.strip().lower() for text in missing},
            frozenset(number for number in numbers if number is not None),
        )

    def value(self, cell: str) -> float | None:
        """Return a cell's number, NaN where it is missing, None where it is no number."""
        if cell.lower() in self.missing:
            return math.nan
        text = _bare(cell)
        if self.decimal == ",":
            text = text.replace(".", "").replace(",", ".") if _well_grouped(text, ".") else ""
        elif "," in text:
            text = text.replace(",", "") if _well_grouped(text, ",") else ""
        if not _PLAIN.fullmatch(text):
            return None
        number = float(text)
        return math.nan if number in self.numbers_missing else number


def looks_like_number(cell: str) -> bool:
    """Whether a cell is a number in one notation or another."""
    return bool(_SHAPE.fullmatch(_bare(cell)))


def numbers(table: Table, column: Column, numerals: Numerals) -> Array:
    """Return a column's numbers, NaN where they are missing.

    Raises
    ------
    DataError
        A cell is no number, or not finite; the message names its line.
    """
    if column.numbers is not None:
        values = column.numbers.astype(np.float64, copy=True)
        if np.isinf(values).any():
            row = int(np.flatnonzero(np.isinf(values))[0])
            _refuse_infinite(table, row, column.name, values[row])
        for number in numerals.numbers_missing:
            values[values == number] = np.nan
        return values
    if column.stamps is not None:
        raise DataError(f"{table.source}: column {shown(column.name)} holds dates, not numbers")
    assert column.cells is not None
    assert column.codes is not None
    quick = _plain(column.cells) if numerals.decimal == "." else None
    if quick is not None:
        for number in numerals.numbers_missing:
            quick[quick == number] = np.nan
        return quick[column.codes]
    read = [numerals.value(cell) for cell in column.cells]
    wrong = np.array([value is None or math.isinf(value) for value in read], dtype=bool)
    if wrong.any():
        rows = np.flatnonzero(wrong[column.codes])
        if rows.size:
            row = int(rows[0])
            cell = column.cells[column.codes[row]]
            if _INFINITE.fullmatch(cell) or _PLAIN.fullmatch(_bare(cell)):
                _refuse_infinite(table, row, column.name, cell)
            other = "," if numerals.decimal == "." else "."
            also = Numerals(other, numerals.missing).value(cell) is not None
            hint = (
                f"the decimal mark is taken to be '{numerals.decimal}': if it is '{other}', say so"
            )
            raise DataError(
                f"{table.where(row)}: expected a number in column {shown(column.name)}, got "
                f"{shown(cell)}; {hint if also else 'mend the cell, or name it as a missing value'}"
            )
    filled = np.array([math.nan if value is None else value for value in read], dtype=np.float64)
    return filled[column.codes]


def _refuse_infinite(table: Table, row: int, name: str, cell: object) -> None:
    raise DataError(
        f"{table.where(row)}: expected a finite number in column {shown(name)}, got {shown(cell)}; "
        "leave the cell empty if the value is not known"
    )


def is_numeric(column: Column, missing: frozenset[str] = MISSING) -> bool:
    """Whether at least half of a column's different values are numbers."""
    if column.numbers is not None or column.cells is None:
        return column.numbers is not None
    if _plain(column.cells) is not None:
        return True
    known = [cell for cell in column.cells if cell.lower() not in missing]
    return bool(known) and 2 * sum(map(looks_like_number, known)) >= len(known)


def decide_decimal(table: Table, columns: Sequence[Column], given: str | None) -> str:
    """Return the decimal mark of a table's columns of numbers.

    Raises
    ------
    DataError
        The cells contradict each other, or leave it open whether 1,234 is one or a thousand.
    """
    if given is not None:
        return given
    evidence: dict[str, tuple[Column, str]] = {}
    open_cells: dict[str, tuple[Column, str]] = {}
    for column in columns:
        plain_thousands = False
        cells = column.cells or []
        if _plain(cells) is not None:  # no comma stands anywhere, and one cell tells as much as all
            cells = _first_of_each_kind(cells)
        for cell in cells:
            text = _bare(cell)
            if not _SHAPE.fullmatch(text):
                continue
            mark = _evident(text)
            if mark is None and _GROUPED.search(cell.lstrip("+-")) and ("," in text or "." in text):
                mark = "," if "," in text else "."  # blanks part the thousands: no mark does
            if mark:
                evidence.setdefault(mark, (column, cell))
            else:
                plain_thousands |= text.lstrip("+-").isdecimal() and len(text.lstrip("+-")) > 3
                for sign in ".,":
                    if _OPEN[sign].fullmatch(text):
                        open_cells.setdefault(sign, (column, cell))
        if plain_thousands:  # 1234 beside 1,234: a comma that parts thousands would stand in both
            for sign in ".,":
                if open_cells.get(sign, (None, ""))[0] is column:
                    evidence.setdefault(sign, open_cells[sign])
    if len(evidence) == 2:
        (a, first), (b, second) = evidence["."], evidence[","]
        raise DataError(
            f"{table.where(_row(a, first))}: {shown(first)} has a decimal point, but "
            f"{shown(second)} ({table.where(_row(b, second))}) a decimal comma; "
            "make them alike, or give the decimal mark"
        )
    if evidence:
        return next(iter(evidence))
    if "," in open_cells and table.delimiter != ",":
        _ask(table, *open_cells[","], ",")
    if "." in open_cells and "," not in open_cells and table.delimiter == ";":
        _ask(table, *open_cells["."], ".")
    return "."


def _first_of_each_kind(cells: list[str]) -> list[str]:
    """Return one of each kind of plain numbers: by the digits before and after the point."""
    found: dict[tuple[bool, bool, int], str] = {}
    for cell in cells:
        whole, point, part = cell.lstrip("+-").partition(".")
        kind = (len(whole) > 3, whole[:1] == "0", len(part) if point else -1)
        if kind not in found:
            found[kind] = cell
    return list(found.values())


def _plain(cells: list[str]) -> Array | None:
    """Return the numbers of cells that Python itself can read, in a tenth of the time."""
    filled = ["nan" if cell == "" else cell for cell in cells] if "" in cells else cells
    if "".join(cells).encode("ascii", errors="replace").translate(None, delete=_PLAIN_SIGNS):
        return None
    try:
        values = np.array(list(map(float, filled)), dtype=np.float64)
    except ValueError:
        return None
    return None if np.isinf(values).any() or np.isnan(values).all() else values


def _evident(text: str) -> str | None:
    """Return the decimal mark where a number tells it by itself."""
    text = text.lstrip("+-").partition("e")[0].partition("E")[0]
    if "," in text and "." in text:
        return "," if text.rindex(",") > text.rindex(".") else "."
    for mark, other in ((",", "."), (".", ",")):
        if text.count(mark) > 1:
            return other if _well_grouped(text, mark) else None
        if mark in text and not re.fullmatch(rf"[1-9]\d{{0,2}}{re.escape(mark)}\d{{3}}", text):
            return mark
    return None


def _ask(table: Table, column: Column, cell: str, mark: str) -> None:
    raise DataError(
        f"{table.where(_row(column, cell))}: {shown(cell)} in column {shown(column.name)} may have "
        f"a decimal {'comma' if mark == ',' else 'point'} or thousands, and no other cell tells; "
        "give the decimal mark, '.' or ','"
    )


def _row(column: Column, cell: str) -> int:
    assert column.cells is not None
    assert column.codes is not None
    return int(np.flatnonzero(column.codes == column.cells.index(cell))[0])


def _bare(cell: str) -> str:
    """Return a number without what does not belong to its value."""
    text = cell.strip().replace("\u2212", "-")
    if len(text) > 2 and text[0] == "(" and text[-1] == ")":  # as accountants write losses
        text = "-" + text[1:-1]
    text = text.removesuffix("%").strip()
    sign = ""
    if text[:1] in ("+", "-"):
        sign, text = text[0], text[1:]
    text = text.strip(_CURRENCY).strip()
    if _GROUPED.search(text):
        text = text.translate(_GROUPS)
    return sign + text


def _well_grouped(text: str, mark: str) -> bool:
    """Whether a mark parts thousands (or lakhs) wherever it stands before the decimal mark."""
    whole = re.split(r"[.,]" if mark not in ".," else ("," if mark == "." else r"\."), text)[0]
    if mark in text[len(whole) :]:
        return False
    first, *groups = whole.lstrip("+-").split(mark)
    if not groups:
        return True
    return (
        1 <= len(first) <= 3
        and all(len(group) in (2, 3) for group in groups)
        and len(groups[-1]) == 3
    )
