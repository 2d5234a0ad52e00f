"""docs/forecast.md: its commands run as they stand, on files like those it shows."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lstm_native import cli


def commands(root):
    text = (root / "docs" / "forecast.md").read_text(encoding="utf-8")
    found = re.findall(r"^ *```bash\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [line.strip() for block in found for line in block.splitlines()]


@pytest.fixture
def folder(tmp_path):
    """The files that the page's commands name."""
    rng = np.random.default_rng(0)

    def values(rows, period):
        wave = np.sin(np.arange(rows) * 2 * np.pi / period)
        return (120 + 10 * wave + rng.normal(0, 2, rows)).round()

    months = pd.date_range("2022-01-01", periods=36, freq="MS")
    days = pd.date_range("2023-01-01", periods=120, freq="D")
    label = months.strftime("%Y-%m")
    pd.DataFrame({"month": label, "units": values(36, 12)}).to_csv(
        tmp_path / "sales.csv", index=False
    )
    wide = {"month": label, "north": values(36, 12), "south": values(36, 12)}
    pd.DataFrame(wide).to_csv(tmp_path / "shops.csv", index=False)
    long = [
        pd.DataFrame({"shop": shop, "day": days[:60], "revenue": values(60, 7)})
        for shop in ("north", "south")
    ]
    pd.concat(long).to_csv(tmp_path / "long.csv", index=False)
    ahead = pd.date_range("2017-01-01", periods=102, freq="MS")
    prices = pd.DataFrame({"month": ahead.strftime("%Y-%m"), "price": values(102, 12) / 100})
    prices["units"] = pd.Series(values(96, 12))
    prices.to_csv(tmp_path / "prices.csv", index=False)
    days = pd.date_range("2023-01-01", periods=400, freq="D")
    pd.DataFrame({"day": days, "visitors": values(400, 7)}).to_csv(
        tmp_path / "daily.csv", index=False
    )
    return tmp_path


def test_the_first_file_is_the_one_that_the_page_shows(root, folder):
    page = (root / "docs" / "forecast.md").read_text(encoding="utf-8")
    shown = [line.strip() for line in page.split("inside:\n\n")[1].splitlines()[:3]]
    written = (folder / "sales.csv").read_text(encoding="utf-8").splitlines()
    assert shown[0] == written[0] == "month,units"
    assert [line[:8] for line in shown[1:]] == [line[:8] for line in written[1:3]]


def test_every_command_of_the_page_runs(root, folder, monkeypatch, capsys):
    found = commands(root)
    assert len(found) > 5
    monkeypatch.chdir(folder)
    for command in found:
        *before, line = command.split(" | ")
        program, *words = shlex.split(line)
        assert program == "lstm-native"
        assert before in ([], ["cat sales.csv"])
        out = Path(words[words.index("--out") + 1] if "--out" in words else "forecast")
        for old in out.glob("*.csv"):
            old.unlink()
        with open("sales.csv", encoding="utf-8") as file:
            monkeypatch.setattr(sys, "stdin", file)
            assert cli.main(words) == 0, f"{command}\n{capsys.readouterr()}"
        forecast = pd.read_csv(out / "forecast.csv")
        assert forecast.columns[:3].tolist() == ["unique_id", "ds", "forecast"], command
        assert (out / "forecast.html").stat().st_size > 10_000, command
