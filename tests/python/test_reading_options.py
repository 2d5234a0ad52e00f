"""The options of the command line reach the reader, each of them."""

from __future__ import annotations

import argparse
import dataclasses

import pytest

from lstm_native import cli
from lstm_native.forecast.reading.choices import Choices
from lstm_native.forecast.reading.options import (
    add_reading_options,
    in_command,
    options_to_kwargs,
)


def parse(*arguments):
    parser = argparse.ArgumentParser()
    parser.add_argument("series", nargs="?")
    add_reading_options(parser)
    return options_to_kwargs(parser.parse_args(arguments))


def test_nothing_given_is_nothing_chosen():
    assert parse() == {}
    assert parse("x.csv") == {}


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        (["--column", "a", "--column", "b,c"], {"column": ["a", "b,c"]}),
        (["--id", "shop"], {"id": ["shop"]}),
        (["--time", "year", "--time", "month"], {"time": ["year", "month"]}),
        (["--no-time"], {"no_time": True}),
        (["--past", "rain"], {"past": ["rain"]}),
        (["--future", "promo"], {"future": ["promo"]}),
        (["--future-file", "f.csv"], {"future_frame": "f.csv"}),
        (["--static", "size"], {"static": ["size"]}),
        (["--static-file", "s.csv"], {"static_frame": "s.csv"}),
        (["--holidays", "DE-BY"], {"holidays": "DE-BY"}),
        (["--frequency", "weekly"], {"frequency": "weekly"}),
        (["--aggregate", "sum"], {"aggregate": "sum"}),
        (["--missing=-200", "--missing", "x"], {"missing": ["-200", "x"]}),
        (["--dayfirst"], {"dayfirst": True}),
        (["--monthfirst"], {"dayfirst": False}),
        (["--timezone", "Europe/Berlin"], {"timezone": "Europe/Berlin"}),
        (["--decimal", ","], {"decimal": ","}),
        (["--delimiter", "tab"], {"delimiter": "\t"}),
        (["--encoding", "cp1252"], {"encoding": "cp1252"}),
        (["--header"], {"header": True}),
        (["--no-header"], {"header": False}),
    ],
)
def test_each_option(arguments, given):
    assert parse(*arguments) == given
    known = {field.name for field in dataclasses.fields(Choices)}
    assert set(given) <= known
    Choices.of(**given)


def test_a_negative_sentinel_as_people_type_it():
    assert parse("x.csv", "--missing", "-200") == {"missing": ["-200"]}


@pytest.mark.parametrize(
    "arguments",
    [["--dayfirst", "--monthfirst"], ["--header", "--no-header"], ["--aggregate", "median"],
     ["--decimal", "x"], ["--delimiter", "ab"]],
)  # fmt: skip
def test_what_the_command_line_refuses(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        parse(*arguments)
    assert "error" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["d,y", *(f"0{i}/0{i + 1}/2020,{i}" for i in (1, 3, 4))], "--dayfirst or --monthfirst"),
        (["d,y", "2020-01-01,1", "2020-01-01,2", "2020-02-01,3"], "--aggregate sum, mean or last"),
        (["d,y", "2020-01-01,1", "2020-01-02,2", "2020-03-09,3"], "choose a --frequency, such as"),
    ],
)
def test_the_command_names_its_own_options(rows, said, tmp_path, capsys):
    # "choose one: dayfirst or monthfirst" is of no use to whoever types a command.
    path = tmp_path / "x.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    assert cli.main(["forecast", str(path), "--out", str(tmp_path / "out")]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("follow each other (no_time)", "follow each other (--no-time)"),
        ("dayfirst needs time stamps, but no_time", "--dayfirst needs time stamps, but --no-time"),
        ("holidays needs time stamps, but", "--holidays needs time stamps, but"),
        (
            "choose a longer frequency, with aggregate",
            "choose a longer --frequency, with --aggregate",
        ),
        ("no_time.csv: column 'dayfirst' of", "no_time.csv: column 'dayfirst' of"),
        ("or name the time zone if", "or name the time zone (--timezone) if"),
    ],
)
def test_arguments_are_called_as_on_the_command_line(message, said):
    assert in_command(message) == said
