"""What to write instead, where a shape does not fit but its sizes tell what was meant."""

from __future__ import annotations


def about_x(shape: tuple[int, ...], features: int | None) -> str:
    """Return what to write for an input of a wrong shape, "" if its sizes tell nothing.

    Examples
    --------
    >>> about_x((8, 3, 20), 3)
    '; if its axes are (samples, features, timesteps), write x.swapaxes(1, 2)'
    """
    if features is not None and len(shape) in (2, 3) and shape[-1] == features:
        return ""
    if shape == (0,):
        return "; it holds nothing"
    if len(shape) == 1 and features in (None, 1):
        return "; one sequence of one feature is x[None, :, None]"
    if len(shape) == 2 and features == 1:
        return "; sequences (samples, timesteps) of one feature are x[..., None]"
    if len(shape) == 3 and shape[1] == features:
        return "; if its axes are (samples, features, timesteps), write x.swapaxes(1, 2)"
    if len(shape) == 4 and shape[0] == 1:
        return "; a list with one array in it is an axis of its own: give x[0]"
    return ""


def about_time(*, known: bool, tokens: bool) -> str:
    """Return what to write for an input without the time axis that a layer needs."""
    if tokens:
        return "; one sequence (timesteps,) of tokens is x[None]"
    one = "; one sequence (timesteps, features) is x[None]"
    if not known:
        return f"{one}, sequences (samples, timesteps) of one feature are x[..., None]"
    return one


def about_samples(shape: tuple[int, ...], count: int) -> str:
    """Return what to write for an input with another number of samples than its targets."""
    if len(shape) < 2 or shape[1] != count:
        return ""
    if len(shape) == 2:
        return "; if the axes of x are (timesteps, samples), write x.T"
    return "; if the axes of x are (timesteps, samples, features), write x.swapaxes(0, 1)"
