"""What is said of a back-test in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lstm_native.forecast.backtest import MethodResult

NOTHING_HELD_OUT = "There are too few rows to hold any out: nothing says how good this forecast is."

#: Appended where the method that sees them is not among the chosen.
WITHOUT_COVARIATES = " The covariates did not help: they have no part in the forecast."

#: Appended where nothing could be learnt from them.
UNLEARNT_COVARIATES = (
    " The rows are too few to learn what the covariates say: they have no part in the forecast."
)

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
        less = _percent(1.0 - errors[best] / errors[other])
        text += f": its error is {less} % smaller than that of {other}" if less else ""
        text += "" if less else f": {other} is equally good"
        text += "" if several or not less else f" ({by_name[other].mae:.4g})"
    if count == 1:
        text += f", {horizon} ahead from a single held-out origin, which says little"
    else:
        text += f", {horizon} ahead from {count} held-out origins"
    if chosen != best:
        text += f"; the forecast given is that of {chosen}"
        if errors[best] > 0.0:
            more = _percent(errors[chosen] / errors[best] - 1.0)
            text += f", whose error is {more} % larger" if more else ", which is equally good"
        elif errors[chosen] == 0.0:
            text += ", which is equally good"
    return text + "."


def _percent(share: float) -> int:
    return round(100.0 * share)
