"""The bytes of a CSV file as a table of text."""

from __future__ import annotations

import csv
import io
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.reading.choices import Choices
from lstm_native.forecast.reading.notations import looks_like_stamp
from lstm_native.forecast.reading.numerals import looks_like_number
from lstm_native.forecast.reading.table import MISSING, Column, Table
from lstm_native.forecast.reading.text import counted, listed, shown

_DELIMITERS = "\t|;,"  # of two that split equally well the first: commas may be decimal
_SAMPLE = 100  # rows that show how a file is laid out
_LONGEST = 100_000  # characters of such a row: csv refuses longer cells


def table_from_csv(data: bytes, source: str, choices: Choices) -> Table:
    """Return the cells of a CSV file, all of them text.

    Parameters
    ----------
    data : bytes
    source : str
        The file's name, for messages.
    choices : Choices
        `delimiter`, `encoding` and `header` are used.

    Raises
    ------
    DataError
        It is empty, no text, or a row has more or fewer cells than the header; the message names
        the line.
    """
    data, notes = _as_utf8(data, source, choices.encoding)
    data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not data.strip():
        raise DataError(f"{source} is empty; expected a header and a row for each time")
    delimiter = choices.delimiter or _delimiter(_first_lines(data))
    skipped, title = _preamble(data, delimiter)
    if title:
        notes.append(f"{source} begins with {counted(skipped, 'line')} of {shown(title)}: left out")
    if skipped:
        data = data.split(b"\n", skipped)[-1]
    lines = None
    if not _looks_even(data, delimiter):
        data, lines = _check_rows(data, delimiter, skipped, source)
    columns = _columns(data, delimiter)
    if columns is None and lines is None:  # one row had more cells, and another fewer
        data, lines = _check_rows(data, delimiter, skipped, source)
        columns = _columns(data, delimiter)
    if columns is None:
        raise DataError(f"{source} is not CSV: its rows cannot be told apart; is a quote missing?")
    return _with_header(columns, lines, skipped, delimiter, source, choices.header, notes)


def _as_utf8(data: bytes, source: str, encoding: str | None) -> tuple[bytes, list[str]]:
    """Return the text as UTF-8 without a byte order mark, and what the user should know."""
    if encoding is not None:
        return _decoded(data, source, encoding).encode(), []
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _decoded(data, source, "utf-16").encode(), []
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\x00" in data:
        raise DataError(
            f"{source} is not text (it holds a zero byte at {data.index(0)}); "
            "expected CSV or Parquet"
        )
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        text = data.decode("cp1252", errors="replace")
        if "\ufffd" in text or any(not (c.isprintable() or c.isspace()) for c in text[:4096]):
            raise DataError(f"{source} is not text; expected CSV or Parquet") from None
        return text.encode(), [f"{source}, line {line}, is not UTF-8: read as Windows-1252"]
    return data, []


def _decoded(data: bytes, source: str, encoding: str) -> str:
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except LookupError:
        raise DataError(
            f"there is no encoding {shown(encoding)}; common ones are utf-8 and cp1252"
        ) from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{source}, line {line}, is not {encoding} text ({error.reason}); "
            "give its encoding, such as cp1252"
        ) from None


def _first_lines(data: bytes) -> list[str]:
    lines = data[:1_000_000].decode(errors="ignore").split("\n")
    return [line[:_LONGEST] for line in lines if line.strip()][:_SAMPLE]


def _delimiter(lines: list[str]) -> str:
    """Return the delimiter that splits the first rows most evenly; a comma when none does."""

    def evenness(delimiter: str) -> tuple[int, int]:
        counts = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        usual, rows = Counter(counts).most_common(1)[0]
        return (rows if usual > 1 else 0), usual

    best = max(_DELIMITERS, key=evenness)
    if evenness(best)[0]:
        return best
    blanks = [len(line.split()) for line in lines]
    return " " if len(set(blanks)) == 1 and blanks[0] > 1 and len(lines) > 1 else ","


def _preamble(data: bytes, delimiter: str) -> tuple[int, str]:
    """Return how many lines stand above the header, and the first of them with text.

    Only lines of a single cell can, above a table of several columns.
    """
    text = data[:1_000_000].decode(errors="ignore")
    lines = [line[:_LONGEST] for line in text.split("\n")[:_SAMPLE]]
    rows = list(csv.reader(io.StringIO("\n".join(lines)), **_dialect(delimiter, strict=False)))
    widths = Counter(len(row) for row in rows if any(cell.strip() for cell in row))
    width = widths.most_common(1)[0][0] if widths else 1
    title, skipped = "", 0
    for line in lines:
        cells = next(csv.reader([line], **_dialect(delimiter, strict=False)), [])
        filled = [cell for cell in cells if cell.strip()]
        if '"' in line and line.count('"') % 2:  # a cell that goes on in the next line
            break
        if len(filled) > 1 or (filled and width < 2):
            break
        skipped += 1
        title = title or "".join(filled)
    return (skipped, title) if skipped < len(lines) else (0, "")


def _dialect(delimiter: str, *, strict: bool = True) -> dict[str, Any]:
    return {"delimiter": delimiter, "skipinitialspace": True, "strict": strict}


def _looks_even(data: bytes, delimiter: str) -> bool:
    """Whether, by their number, each line holds as many delimiters as the first."""
    if b'"' in data or delimiter == " ":
        return False
    each = data.split(b"\n", 1)[0].count(delimiter.encode())
    lines = data.count(b"\n") + (not data.endswith(b"\n"))
    return data.count(delimiter.encode()) == each * lines


def _check_rows(
    data: bytes, delimiter: str, skipped: int, source: str
) -> tuple[bytes, NDArray[np.int64]]:
    """Return the data, as wide in the first row as in any, and the line of each row.

    All rows must have as many cells as the first; empty cells at the end of rows are no fault.
    """
    reader = csv.reader(_text(data), **_dialect(delimiter))
    lines: list[int] = []
    width = expected = named = first_end = 0
    began = 1
    try:
        for row in reader:
            lines.append(skipped + began)
            began = reader.line_num + 1
            first_end = first_end or reader.line_num
            width = max(width, len(row))
            if not any(cell.strip() for cell in row):
                continue
            if not expected:
                expected = len(row)
                named = max(place for place, cell in enumerate(row, start=1) if cell.strip())
            if any(cell.strip() for cell in row[expected:]):
                raise DataError(
                    f"{source}, line {lines[-1]}: expected {counted(expected, 'cell')} as in the "
                    f"first row, got {len(row)} ({listed(row)}); put cells that hold "
                    f"{shown(delimiter)} between double quotes, or choose another delimiter"
                )
            if len(row) < named:
                raise DataError(
                    f"{source}, line {lines[-1]}: expected {counted(named, 'cell')} as in the "
                    f"first row, got {len(row)} ({listed(row)}); is the file complete?"
                )
    except csv.Error as error:
        at = skipped + reader.line_num
        raise DataError(f"{source}, line {at}: not CSV: {error}") from None
    # pandas takes the width from the first row, but others may end with more delimiters.
    pieces = data.split(b"\n", first_end)
    head = b"\n".join(pieces[:first_end])
    head += delimiter.encode() * (
        width - len(next(csv.reader(_text(head), **_dialect(delimiter)), []))
    )
    return b"\n".join([head, *pieces[first_end:]]), np.array(lines, dtype=np.int64)


def _text(data: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(data), "utf-8", newline="")


def _columns(data: bytes, delimiter: str) -> list[Column] | None:
    """Return the columns, None where a row has more cells than the first."""
    import pandas as pd

    try:
        frame = pd.read_csv(
            io.BytesIO(data),
            sep=delimiter,
            header=None,
            dtype=object,
            keep_default_na=False,
            na_filter=False,
            skip_blank_lines=False,
            skipinitialspace=True,
            encoding="utf-8",
        )
    except pd.errors.ParserError:
        return None
    return [Column.of_text(str(index), frame.pop(index)) for index in list(frame.columns)]


def _with_header(
    columns: list[Column],
    lines: NDArray[np.int64] | None,
    skipped: int,
    delimiter: str,
    source: str,
    header: bool | None,
    notes: list[str],
) -> Table:
    """Return the table without blank rows, its columns named."""
    rows = len(columns[0].labels())
    if lines is None:
        lines = np.arange(skipped + 1, skipped + rows + 1)
    blank = np.ones(rows, dtype=bool)
    for column in columns:
        assert column.cells is not None
        assert column.codes is not None
        blank &= np.array([not cell for cell in column.cells])[column.codes]
    table = Table(source, columns, rows, lines, delimiter=delimiter, notes=notes)
    table = table.take(np.flatnonzero(~blank))
    if not table.rows:
        raise DataError(f"{source} is empty; expected a header and a row for each time")
    first = [str(column.take([0]).labels()[0]) for column in table.columns]
    if header is None:
        header = _is_header(first, table)
    if not header:
        table.named = False
        table.columns = [
            Column(f"column {number}", column.cells, column.codes)
            for number, column in enumerate(table.columns, start=1)
        ]
        return table
    if table.rows == 1:
        raise DataError(f"{source} has a header ({listed(first)}) but no rows")
    table = table.take(np.arange(1, table.rows))
    named: list[Column] = []
    for number, (name, column) in enumerate(zip(first, table.columns, strict=True), start=1):
        if not name and column.is_empty().all():  # what a comma at the end of each line leaves
            continue
        used = {column.name for column in named}
        own, copy = name or f"column {number}", 2
        while own in used:
            own, copy = f"{name} ({copy})", copy + 1
        if name and own != name:
            notes.append(f"{source} has several columns named {shown(name)}; one is called '{own}'")
        named.append(Column(own, column.cells, column.codes))
    table.columns = named
    return table


def _is_header(first: list[str], table: Table) -> bool:
    """Whether the first row holds names: it has text above a number, or no number and no date.

    A row of years or dates may name columns, too, where other names stand beside them.
    """
    second = [str(c.take([1]).labels()[0]) for c in table.columns] if table.rows > 1 else []
    for above, below in zip(first, second, strict=False):
        if (
            above.lower() not in MISSING
            and not looks_like_number(above)
            and looks_like_number(below)
        ):
            return True
    alike = [cell for cell in first if looks_like_number(cell) or looks_like_stamp(cell)]
    if not alike:
        return any(cell.lower() not in MISSING for cell in first)
    others = [cell for cell in first if cell not in alike and cell]
    if not others or len(alike) < 3 or table.rows < 2:
        return False
    stamps = all(looks_like_stamp(cell) or (len(cell) == 4 and cell.isdecimal()) for cell in alike)
    return stamps and len(set(alike)) == len(alike) and sorted(alike) == alike
