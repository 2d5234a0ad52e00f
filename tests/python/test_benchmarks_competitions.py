"""The measures of the competitions, by hand, and their files."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from benchmarks import competitions, forecast


def one_group():
    training = [np.array([1.0, 2.0, 4.0, 4.0, 5.0]), np.array([3.0, 3.0, 3.0])]
    return competitions.group("yearly", training, np.array([[6.0, 8.0], [3.0, 1.0]]))


def test_smape_and_mase_by_hand():
    found = np.array([[4.0, 8.0], [3.0, 3.0]])
    group = one_group()
    np.testing.assert_allclose(competitions.smape(found, group.test), [20.0, 50.0])
    # In sample a year's value changes by 1 on average; the second series never changes.
    expected = [1.0, np.nan]
    np.testing.assert_allclose(competitions.mase(found, group), expected)


def test_coverage_counts_the_bounds_themselves():
    test = np.array([[1.0, 2.0, 3.0, 4.0]])
    assert competitions.coverage(np.full((1, 4), 1.0), np.full((1, 4), 3.0), test) == 75.0


def test_owa_is_relative_to_naive2():
    rows = [competitions.Entrant("Best", 5.0, 1.0), competitions.Entrant("Naive2", 10.0, 4.0)]
    assert competitions.owa((5.0, 1.0), competitions.naive2(rows)) == pytest.approx(0.375)


def test_files_are_read_by_frequency_and_the_ends_of_training_parts_can_be_held_out(tmp_path):
    path = tmp_path / "m3.csv.gz"
    lines = ["id,frequency,part,values"]
    for name, frequency, count in (("a", "yearly", 14), ("b", "monthly", 40), ("c", "yearly", 6)):
        values = " ".join(str(float(value)) for value in range(1, count + 1))
        lines += [f"{name},{frequency},train,{values}", f"{name},{frequency},test,7 8"]
    with gzip.open(path, "wt") as file:
        file.write("\n".join(lines) + "\n")
    yearly, monthly = competitions.read(path)
    assert [len(series) for series in yearly.panel.series] == [14, 6]
    assert monthly.panel.frequency.seasons == (12,)
    held = yearly.held_out()
    assert [len(series) for series in held.panel.series] == [12, 4]
    np.testing.assert_array_equal(held.test, [[13.0, 14.0], [5.0, 6.0]])


def test_entrants_are_sorted_by_smape(tmp_path):
    (tmp_path / "entrants.csv").write_text(
        "data,frequency,method,smape,mase\nm3,all,Naive2,14.7,1.7\nm3,all,Theta,12.8,1.4\n"
        "m4_weekly,weekly,X,1,1\n"
    )
    found = competitions.entrants(tmp_path, "m3")
    assert [entrant.method for entrant in found["all"]] == ["Theta", "Naive2"]
    assert list(found) == ["all"]


def test_a_line_of_the_table_holds_errors_coverage_and_time():
    group = one_group()
    bounds = dict.fromkeys((80, 95), (group.test - 1.0, group.test + 1.0))
    run = forecast.Run(group, group.test * 1.0, bounds, 2.0, "pretrained")
    rivals = [competitions.Entrant("Naive2", 10.0, 4.0)]
    found = forecast.row("ours", [run], rivals)
    assert found == ["ours", "0.00", "0.000", "0.000", "100.0", "100.0", "2.0"]
