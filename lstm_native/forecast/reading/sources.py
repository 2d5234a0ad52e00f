"""Where tables come from: files, standard input, frames, arrays."""

from __future__ import annotations

import bz2
import gzip
import importlib.resources
import io
import lzma
import os
import sys
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.reading.choices import Choices
from lstm_native.forecast.reading.csvtext import table_from_csv
from lstm_native.forecast.reading.table import Column, Table
from lstm_native.forecast.reading.text import listed, shown

if TYPE_CHECKING:
    import pandas as pd

#: A longer file is refused, for its table would not fit into the memory of a usual machine.
LIMIT = 512 << 20
_PACKED: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
_KINDS = "a path, '-', a pandas or polars frame, a Series, a dict or an array"


def table_of(source: Any, choices: Choices, name: str | None = None) -> Table:
    """Return the table of a file or a frame.

    Parameters
    ----------
    source : path, "-", frame, Series, dict or array
        "-" is standard input.
    choices : Choices
    name : str, optional
        What a frame is called in messages.

    Raises
    ------
    OSError
        The file cannot be read.
    DataError
        It is empty, too long, or no table.
    """
    if isinstance(source, (str, os.PathLike)):
        return _table_of_file(source, choices)
    return _table_of_frame(_as_frame(source), name or "the table")


def bundled_table() -> Table:
    """Return the monthly mean sunspot numbers 1749 to 2008 (datasets/SOURCE.md says whose)."""
    file = importlib.resources.files("lstm_native") / "datasets" / "sunspots.csv"
    return table_from_csv(file.read_bytes(), "the bundled sunspot series", Choices())


def _table_of_file(path: str | os.PathLike[str], choices: Choices) -> Table:
    if os.fspath(path) == "-":
        source = "standard input"
        data = _limited(sys.stdin.buffer, source)
    else:
        source = os.fspath(path)
        with open(path, "rb") as file:
            data = _limited(file, source)
    for magic, opened in _PACKED.items():
        if data.startswith(magic):
            try:
                with opened(io.BytesIO(data)) as unpacked:
                    data = _limited(unpacked, source)
            except (OSError, EOFError, lzma.LZMAError) as error:
                raise DataError(f"{source} cannot be unpacked: {error}") from None
    try:
        if data.startswith(b"PAR1"):
            return _table_of_parquet(data, source)
        if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
            raise DataError(
                f"{source} is a workbook or an archive, not a table; save the sheet as CSV"
            )
        return table_from_csv(data, source, choices)
    except MemoryError:
        raise DataError(
            f"{source} ({len(data) >> 20} MB) does not fit into memory; keep fewer columns or rows"
        ) from None


def _limited(file: IO[bytes], source: str) -> bytes:
    """Read a file as far as the limit, and at its first zero bytes no further."""
    first = file.read(1 << 16)
    packed = first.startswith((b"PAR1", *_PACKED))
    if first.count(0) > len(first) // 2 and not packed:
        raise DataError(f"{source} is not text (it holds zero bytes); expected CSV or Parquet")
    pieces, size = [first], len(first)
    while piece := file.read(1 << 22):
        pieces.append(piece)
        size += len(piece)
        if size > LIMIT:
            raise DataError(
                f"{source} is longer than {LIMIT >> 20} MB; keep the columns and rows that are "
                "needed, or add rows up to a longer frequency"
            )
    return b"".join(pieces)


def _table_of_parquet(data: bytes, source: str) -> Table:
    import pandas as pd

    try:
        frame = pd.read_parquet(io.BytesIO(data))
    except ImportError:
        raise DataError(
            f"{source} is a Parquet file, which needs pyarrow: pip install pyarrow"
        ) from None
    except (OSError, ValueError) as error:  # pyarrow's errors are of these
        raise DataError(f"{source} is no valid Parquet file: {str(error)[:200]}") from None
    return _table_of_frame(frame, source)


def _as_frame(source: Any) -> Any:
    """Return anything that holds a table as a pandas frame."""
    import pandas as pd

    if isinstance(source, pd.DataFrame):
        return source
    if isinstance(source, pd.Series):
        return source.to_frame(source.name if source.name is not None else "y")
    kind = type(source).__module__.partition(".")[0]
    if kind == "polars":
        return _of_polars(source)
    if kind == "pyarrow" and hasattr(source, "to_pandas"):
        return _as_frame(source.to_pandas())
    if isinstance(source, Mapping):
        return _of_mapping(source)
    if isinstance(source, (np.ndarray, list, tuple)):
        values = np.asarray(source)
        if values.ndim == 1 and values.dtype.kind in "iufb":
            return pd.DataFrame({"y": values})
        if values.ndim == 2 and values.dtype.kind in "iufb":
            names = [str(number + 1) for number in range(values.shape[1])]
            return pd.DataFrame(values, columns=names)
        raise DataError(
            f"expected an array (rows,) or (rows, series) of numbers, got {values.shape}"
        )
    raise DataError(f"expected {_KINDS}, got {type(source).__name__}")


def _of_polars(source: Any) -> Any:
    """Return a polars frame, lazy frame or series, also where pyarrow is missing."""
    import pandas as pd

    if hasattr(source, "collect"):
        source = source.collect()
    if not hasattr(source, "columns"):
        source = source.to_frame()
    columns: dict[str, Any] = {}
    for name in source.columns:
        column = source[name]
        if str(column.dtype).startswith(("Categorical", "Enum")):
            column = column.cast(str)
        if str(column.dtype).startswith("Decimal"):
            column = column.cast(float)
        values = pd.Series(column.to_numpy())
        zone = getattr(column.dtype, "time_zone", None)
        if zone:
            values = values.dt.tz_localize("UTC").dt.tz_convert(zone)
        columns[name] = values
    return pd.DataFrame(columns)


def _of_mapping(source: Mapping[Any, Any]) -> Any:
    """Return a dict of columns; of arrays of unequal lengths, each is a series by itself."""
    import pandas as pd

    if not source:
        raise DataError("the dict is empty; expected columns, or a series for each name")
    columns = {str(name): values for name, values in source.items()}
    if all(isinstance(values, pd.Series) for values in columns.values()):
        return pd.DataFrame(columns)
    lengths = {len(values) for values in columns.values() if np.ndim(values)}
    if len(lengths) < 2:
        return pd.DataFrame(columns)
    if any(np.asarray(values).dtype.kind not in "iufb" for values in columns.values()):
        sizes = listed(f"{name}: {len(values)}" for name, values in columns.items())
        raise DataError(f"the columns of the dict are not of one length ({sizes})")
    return pd.DataFrame(
        {
            "unique_id": np.repeat(list(columns), [len(values) for values in columns.values()]),
            "y": np.concatenate([np.asarray(values, np.float64) for values in columns.values()]),
        }
    )


def _table_of_frame(frame: pd.DataFrame, source: str) -> Table:
    import pandas as pd

    if not len(frame):
        raise DataError(f"{source} has no rows; expected one for each time")
    if frame.columns.nlevels > 1:
        raise DataError(f"{source} has columns of several levels; expected one name for each")
    columns = [*_index_columns(frame)]
    for position, name in enumerate(frame.columns):
        columns.append(_column(str(name), frame.iloc[:, position]))
    names = [column.name for column in columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{source} has several columns named {listed(twice)}; expected one of each")
    named = not isinstance(frame.columns, pd.RangeIndex)
    return Table(source, columns, len(frame), named=named)


def _index_columns(frame: pd.DataFrame) -> list[Column]:
    """Return the index as columns, where it holds ids or stamps and not just counts the rows."""
    import pandas as pd

    index = frame.index
    if index.nlevels > 1:  # ids and then stamps, as sktime keeps them
        usual = ["unique_id", *("" for _ in range(index.nlevels - 2)), "ds"]
        if index.nlevels > 2:
            usual = [f"level {level + 1}" for level in range(index.nlevels - 1)] + ["ds"]
        found = []
        for level in range(index.nlevels):
            name = index.names[level]
            values = pd.Series(index.get_level_values(level))
            found.append(_column(str(name if name is not None else usual[level]), values))
        return found
    if isinstance(index, pd.RangeIndex) and index.name is None:
        return []
    known = {str(name) for name in frame.columns}
    dates = isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex))
    whole = pd.api.types.is_integer_dtype(index.dtype)
    if whole and index.name is None:  # what is left of counted rows, but for years
        years = len(index) > 1 and index.min() > 1000 and index.max() < 2300
        if not (years and (np.diff(index.to_numpy()) != 0).all()):
            return []
    if not dates and (known & {"ds", "date", "time", "timestamp"}) and not index.name:
        return []
    name = str(index.name) if index.name is not None else "ds"
    return [_column(name, pd.Series(index))] if name not in known else []


def _column(name: str, values: pd.Series) -> Column:
    """Return a frame's column as text, numbers or stamps."""
    import pandas as pd

    kinds = pd.api.types
    if isinstance(values.dtype, pd.PeriodDtype):
        values = values.dt.to_timestamp()
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    if kinds.is_datetime64_any_dtype(values.dtype):
        return Column(name, stamps=pd.DatetimeIndex(values))
    if kinds.is_complex_dtype(values.dtype) or kinds.is_timedelta64_dtype(values.dtype):
        raise DataError(
            f"column {shown(name)} holds {values.dtype}; expected numbers, dates or text"
        )
    if kinds.is_bool_dtype(values.dtype) or kinds.is_numeric_dtype(values.dtype):
        return Column(name, numbers=values.to_numpy(dtype=np.float64, na_value=np.nan))
    return _of_objects(name, values)


def _of_objects(name: str, values: pd.Series) -> Column:
    """Return a column of objects: dates, numbers, or else their texts."""
    import datetime
    from decimal import Decimal
    from numbers import Real

    import pandas as pd

    missing = values.isna().to_numpy()
    known = values[~missing].to_list()
    if known and all(isinstance(value, (datetime.date, np.datetime64)) for value in known):
        try:
            return Column(name, stamps=pd.DatetimeIndex(pd.to_datetime(values)))
        except (ValueError, TypeError):
            raise DataError(
                f"column {shown(name)} mixes stamps with and without time zones, or of several; "
                "turn them into one"
            ) from None
    if known and all(isinstance(value, pd.Period) for value in known):
        stamps = [
            None if gone else v.to_timestamp() for gone, v in zip(missing, values, strict=True)
        ]
        return Column(name, stamps=pd.DatetimeIndex(stamps))
    if all(isinstance(value, (Real, Decimal)) for value in known):
        numbers = np.full(len(values), np.nan)
        numbers[~missing] = [float(value) for value in known]
        return Column(name, numbers=numbers)
    texts = np.array(
        ["" if gone else str(v) for gone, v in zip(missing, values, strict=True)], object
    )
    return Column.of_text(name, texts)
