"""The options of reading on a command line."""

from __future__ import annotations

import argparse
import re
from typing import Any

from lstm_native.forecast.reading.choices import AGGREGATES

#: What `add_reading_options` adds, as the namespace and `read_table` call it.
NAMES = (
    ["id", "time", "no_time", "column", "past", "future", "future_frame", "static", "static_frame"]
    + ["holidays", "frequency", "aggregate", "missing", "dayfirst", "timezone", "decimal"]
    + ["delimiter", "encoding", "header"]
)


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how a table is to be read; `options_to_kwargs` collects them.

    An option that takes several names may be given several times, or with commas between them.
    """
    group = parser.add_argument_group("the table", "All that is left out here the data tell.")
    add = group.add_argument
    add(
        "--column",
        action="append",
        metavar="NAME",
        help="what to forecast, by name or number from 1",
    )
    add("--id", action="append", metavar="NAME", help="the column whose values tell series apart")
    add(
        "--time", action="append", metavar="NAME", help="the column of time stamps (or year, month)"
    )
    add("--no-time", action="store_true", help="the rows just follow each other, oldest first")
    add("--past", action="append", metavar="NAME", help="covariate known as far as the values are")
    add(
        "--future",
        action="append",
        metavar="NAME",
        help="covariate known ahead: rows without a value",
    )
    add("--future-file", dest="future_frame", metavar="FILE", help="a table of such covariates")
    add("--static", action="append", metavar="NAME", help="covariate that is fixed for each series")
    add(
        "--static-file", dest="static_frame", metavar="FILE", help="a table of those, one row an id"
    )
    add(
        "--holidays",
        metavar="CC",
        help="of a country (DE), or a part of one (DE-BY), as covariates",
    )
    add(
        "--frequency",
        metavar="F",
        help="monthly, weekly, daily, hourly, or as pandas: MS, W-SUN, 15min",
    )
    add("--aggregate", choices=AGGREGATES, help="what becomes of several rows at one time")
    add(
        "--missing",
        action="append",
        metavar="VALUE",
        help="a value that stands for missing ones (write --missing=-200)",
    )
    order = group.add_mutually_exclusive_group()
    order.add_argument(
        "--dayfirst", action="store_const", const=True, help="01/02/2020 is the first of February"
    )
    order.add_argument(
        "--monthfirst",
        action="store_const",
        const=False,
        dest="dayfirst",
        help="01/02/2020 is the second of January",
    )
    add("--timezone", metavar="ZONE", help="of the clock, such as Europe/Berlin")
    add("--decimal", choices=(".", ","), help="the decimal mark")
    add("--delimiter", type=_delimiter, metavar="C", help="between the cells of a CSV file ('tab')")
    add("--encoding", metavar="E", help="of a CSV file, such as cp1252")
    header = group.add_mutually_exclusive_group()
    header.add_argument(
        "--header", action="store_const", const=True, help="the first row of a CSV file holds names"
    )
    header.add_argument(
        "--no-header",
        action="store_const",
        const=False,
        dest="header",
        help="the first row of a CSV file holds values",
    )


def options_to_kwargs(namespace: argparse.Namespace) -> dict[str, Any]:
    """Return what was given of these options, as arguments of `read_table`."""
    given = {name: getattr(namespace, name, None) for name in NAMES}
    return {name: value for name, value in given.items() if value not in (None, False) or (
        value is False and name in ("dayfirst", "header")
    )}  # fmt: skip


#: What messages call the arguments of `read_table`, and what the command's users can write.
_ALONE = r"(?<![\w/.=-]){}(?![\w/.=-])"
_WORDS = [
    (re.compile(_ALONE.format("no_time")), "--no-time"),
    (re.compile(_ALONE.format("(dayfirst|monthfirst)")), r"--\1"),
    (re.compile(_ALONE.format("aggregate(?= sum, mean or last)")), "--aggregate"),
    (re.compile(r"(?<=, with )aggregate\b"), "--aggregate"),
    (re.compile(r"\b(choose a (?:longer )?)frequency\b"), r"\1--frequency"),
    (re.compile(r"(?<=\()future=, (?=--future-file)"), ""),
    (re.compile(r"\b(choose another time column)\b"), r"\1 (--time)"),
    (re.compile(r"\b(name the time zone)\b"), r"\1 (--timezone)"),
    (re.compile(r"\b(name the columns of ids)\b"), r"\1 (--id)"),
    (
        re.compile(r"^(time|frequency|timezone|holidays|aggregate)(?= needs time stamps)"),
        r"--\1",
    ),
]


def in_command(message: str) -> str:
    """Return a message in which arguments are called as on the command line.

    What stands in quotation marks, the names and cells of the table, stays as it is.
    """
    parts = re.split(r"('[^']*')", message)
    for place in range(0, len(parts), 2):
        for pattern, option in _WORDS:
            parts[place] = pattern.sub(option, parts[place])
    return "".join(parts)


def _delimiter(text: str) -> str:
    character = {"tab": "\t", "\\t": "\t", "blank": " ", "space": " "}.get(text, text)
    if len(character) != 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not one character")
    return character
