"""What is said of a back-test in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lstm_native.forecast.backtest import MethodResult

NOTHING_HELD_OUT = "There are too few rows to hold any out: nothing says how good this forecast is."

_NAIVE = "naive"


def sentence(
    results: Sequence[MethodResult],
    best: str,
    chosen: str,
    errors: Mapping[str, float],
    count: int,
    horizon: int,
    guard: str,
) -> str:
    """Return one sentence that says which method is best on this data, and by how much.

    Parameters
    ----------
    results : sequence of MethodResult
    best, chosen : str
        The one that erred least; the one whose forecast is given.
    errors : dict of str to float
        Of each method, relative to each other.
    count, horizon : int
        Origins and steps.
    guard : str
        The method to compare with where it is there.
    """
    other = guard if guard in errors else _NAIVE
    by_name = {result.name: result.score for result in results}
    several = len(results[0].by_series) > 1
    size = "" if several else f" (mean absolute error {by_name[best].mae:.4g})"
    text = f"{best} is best on this data{size}"
    if best != other and errors[other] > 0.0:
        less = 100.0 * (1.0 - errors[best] / errors[other])
        text += f": its error is {less:.0f} % smaller than that of {other}"
        text += "" if several else f" ({by_name[other].mae:.4g})"
    origins = "origin" if count == 1 else "origins"
    text += f", {horizon} ahead from {count} held-out {origins}"
    if chosen != best:
        text += f"; the forecast given is that of {chosen}"
        if errors[best] > 0.0:
            text += f", whose error is {100.0 * (errors[chosen] / errors[best] - 1.0):.0f} % larger"
    return text + "."
