"""What is said of a back-test in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lstm_native.forecast.backtest import MethodResult
from lstm_native.forecast.report import wording

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
    *,
    asked: bool = False,
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
    asked : bool
        Whether the user chose the method.
    """
    other = guard if guard in errors else _NAIVE
    by_name = {result.name: result.score for result in results}
    several = len(results[0].by_series) > 1
    size = f" ({wording.MEASURE})" if several else f" (mean absolute error {by_name[best].mae:.4g})"
    text = f"{best} is best on this data{size}"
    if best != other and errors[other] > 0.0:
        less = wording.smaller(errors[best], errors[other])
        text += f": its error is {less} that of {other}" if less else f": {other} is equally good"
        text += "" if several or not less else f" ({by_name[other].mae:.4g})"
    if count == 1:
        text += f", {horizon} ahead from a single held-out origin, which says little"
    else:
        text += f", {horizon} ahead from {count} held-out origins"
    if chosen != best:
        more = wording.larger(errors[chosen], errors[best])
        text += f"; the forecast given is that of {chosen}"
        text += f", whose error is {more}" if more else ", which is equally good"
        text += f": {_why(chosen, guard, asked)}" if more else ""
    return text + "."


def _why(chosen: str, guard: str, asked: bool) -> str:
    """Return why another forecast than the best one's is given."""
    if asked:
        return "it was asked for"
    if chosen == guard:
        return (
            "the held-out rows are too few to decide between the methods, and choices by a part of "
            f"them did worse than {guard} on the rest"
        )
    return (
        "the held-out rows are too few to decide alone, so what such methods have shown on other "
        "data counts as well"
    )
