"""The sentence that says which method is best."""

from __future__ import annotations

import pytest

from lstm_native.forecast.backtest import MethodResult, Score
from lstm_native.forecast.verdict import sentence


def result(name, mae, series=1):
    score = Score(mae, mae, None, 0.0, (mae,))
    return MethodResult(name, score, {str(index): score for index in range(series)})


def said(chosen, series=1, count=9, asked=False, **maes):
    names = {name.replace("_", "-"): mae for name, mae in maes.items()}
    results = [result(name, mae, series) for name, mae in names.items()]
    best = min(names, key=lambda name: names[name])
    return sentence(results, best, chosen, names, count, 6, "seasonal-naive", asked=asked)


def test_the_best_is_named_with_its_gain_over_the_seasonal_naive_forecast():
    assert said("theta", theta=3.0, naive=9.0, seasonal_naive=4.0) == (
        "theta is best on this data (mean absolute error 3): its error is 25 % smaller than that "
        "of seasonal-naive (4), 6 ahead from 9 held-out origins."
    )


def test_without_a_season_it_is_compared_with_naive():
    assert "10 % smaller than that of naive (1)" in said("lstm", lstm=0.9, naive=1.0)


def test_another_forecast_than_the_best_is_said_to_be_given():
    text = said("lstm", asked=True, lstm=5.0, naive=4.0, seasonal_naive=6.0)
    assert text.startswith("naive is best on this data")
    assert text.endswith(
        "; the forecast given is that of lstm, whose error is 25 % larger: it was asked for."
    )


def test_why_a_forecast_other_than_the_best_is_given():
    text = said("mean of a and b", **{"mean of a and b": 5.0, "naive": 4.0, "seasonal_naive": 6.0})
    assert text.endswith(
        "25 % larger: the held-out rows are too few to decide alone, so what such methods have "
        "shown on other data counts as well."
    )
    text = said("seasonal-naive", linear=4.0, seasonal_naive=5.0)
    assert "choices by a part of them did worse than seasonal-naive on the rest" in text


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (1.5, "50 % larger"),
        (2.0, "2.0 times as large"),
        (53.13, "53 times as large"),
        (6e12, "more than 1,000 times as large"),
    ],
)
def test_errors_many_times_as_large_are_said_in_times(error, words):
    # "whose error is 600665186740949 % larger"
    assert f"whose error is {words}: " in said("lstm", lstm=error, naive=1.0)


def test_a_forecast_beside_a_perfect_one():
    text = said("lstm", lstm=0.5, naive=0.0, seasonal_naive=1e-9)
    assert "naive is best" in text
    assert "less than 1 % of that of seasonal-naive" in text
    assert "that of lstm, whose error is larger: " in text


def test_errors_that_hardly_differ_are_called_equally_good():
    # "whose error is 0 % larger" leaves a reader puzzled.
    text = said("lstm", lstm=4.01, naive=4.0, seasonal_naive=4.009)
    assert "0 %" not in text
    assert "naive is best on this data (mean absolute error 4): seasonal-naive is equally" in text
    assert text.endswith("; the forecast given is that of lstm, which is equally good.")
    assert said("naive", lstm=0.0, naive=0.0).endswith("that of naive, which is equally good.")


def test_a_single_origin_is_said_to_say_little():
    text = said("theta", count=1, theta=3.0, naive=4.0)
    assert text.endswith("6 ahead from a single held-out origin, which says little.")


def test_errors_of_many_series_are_not_added_up():
    text = said("theta", series=3, theta=3.0, naive=9.0, seasonal_naive=4.0)
    assert text.startswith(
        "theta is best on this data (mean absolute error of each series, relative to the mean of "
        "all methods in it): its error is 25 % smaller than that of seasonal-naive, 6 ahead"
    )


def test_perfect_forecasts_divide_by_nothing():
    assert said("naive", naive=0.0, seasonal_naive=0.0) == (
        "naive is best on this data (mean absolute error 0), 6 ahead from 9 held-out origins."
    )
    assert "smaller" not in said("seasonal-naive", naive=1.0, seasonal_naive=0.0)
    text = said("naive", asked=True, naive=1.0, seasonal_naive=0.0)
    assert text.endswith("that of naive, whose error is larger: it was asked for.")
