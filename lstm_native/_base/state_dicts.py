"""Weights by name: what a `load_state_dict` is given, against what is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

from lstm_native._base.checks import as_values, check_bool

_SHOWN = 8


class LoadedKeys(NamedTuple):
    """What `load_state_dict` did not find, and what it did not need.

    Attributes
    ----------
    missing_keys : list of str
        Parameters that the state does not have; they have kept their values.
    unexpected_keys : list of str
        Names in the state that belong to no parameter.
    """

    missing_keys: list[str]
    unexpected_keys: list[str]


def match(
    own: Mapping[str, NDArray[Any]], state: Any, *, owner: str, dtype: str, strict: Any
) -> tuple[dict[str, NDArray[Any]], LoadedKeys]:
    """Return the new values of those of `own` that are given, checked; see `load_state_dict`.

    Parameters
    ----------
    own : dict of str to ndarray
        What there is, by name.
    state : mapping
        What was given.
    owner : {"layer", "model"}
        For the messages.
    """
    strict = check_bool(strict, name="strict")
    if not isinstance(state, Mapping):
        raise TypeError(f"state: expected a dict of names and arrays, got {_what(state)}")
    missing = [name for name in own if name not in state]
    unexpected = [name for name in state if name not in own]
    nothing = bool(own) and len(missing) == len(own)
    if (missing or unexpected) and (strict or nothing):
        told = [f"missing: {names_text(missing)}"] * bool(missing)
        told += [f"unexpected: {names_text(unexpected)}"] * bool(unexpected)
        hint = (
            _unpacking(own, state, owner)
            or _renaming(own, state, owner)
            or ("; strict=False loads what fits by name" if not nothing else "")
        )
        raise ValueError(f"state: the names do not fit the {owner}; {'; '.join(told)}{hint}")
    wrong, turned = [], []
    values = {}
    for name, old in own.items():
        if name in state:
            value = _array_like(state[name], name)
            shape = tuple(getattr(value, "shape", old.shape))
            if shape == old.shape:
                values[name] = as_values(value, name=name, dtype=dtype, shape=old.shape)
            else:
                wrong.append(f"'{name}': expected {old.shape}, got {shape}")
                turned += [name] if shape == old.shape[::-1] else []
    if wrong:
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        hint = (
            f"; transposed, as kernels of Keras are: {names_text(turned)}; write state[name].T, "
            "of square ones too"
        )
        raise ValueError(
            f"state: wrong shapes; {'; '.join(wrong[:_SHOWN])}{more}{hint if turned else ''}"
        )
    return values, LoadedKeys(missing, unexpected)


def names_text(names: Sequence[Any]) -> str:
    """Return names for a message, shortened when there are many."""
    listed = ", ".join(repr(name) for name in names[:_SHOWN])
    return listed + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _what(state: Any) -> str:
    kind = type(state).__name__
    if callable(getattr(state, "state_dict", None)):
        return f"a {kind}: give its state_dict()"
    if isinstance(state, str) or hasattr(state, "__fspath__"):
        return (
            f"a path ({kind}): a model file is read with ln.load_model(path), other weights with "
            "what wrote them, such as safetensors.numpy.load_file(path)"
        )
    if isinstance(state, (list, tuple)) or hasattr(state, "__next__"):
        if isinstance(state, (list, tuple)) and not all(
            isinstance(item, tuple) and len(item) == 2 for item in state
        ):
            return f"a {kind} of {len(state)}: weights go by name here, as state_dict() shows them"
        return f"a {kind}: write load_state_dict(dict(...))"
    return f"{state!r}" if state is None else f"a {kind}"


def _array_like(value: Any, name: str) -> Any:
    """Return a tensor of PyTorch as what NumPy can read; all else as it is."""
    detach = getattr(value, "detach", None)
    if not callable(detach):
        return value
    try:
        return detach().cpu().numpy()
    except (TypeError, RuntimeError) as error:
        raise TypeError(f"{name}: {error}; convert it with .float() first") from None


def _unpacking(own: Mapping[str, Any], state: Mapping[str, Any], owner: str) -> str:
    """Return the line that takes the weights out of a checkpoint, if that is what was given."""
    inside = [key for key, value in state.items() if isinstance(value, Mapping)]
    best = max(inside, key=lambda key: _likeness(own, state[key]), default=None)
    if best is None or best in own:
        return ""
    return f"; they stand inside it: write {owner}.load_state_dict(state[{best!r}])"


def _likeness(own: Mapping[str, Any], inner: Mapping[str, Any]) -> tuple[int, int]:
    """How much a dict looks like these weights: names that are the same; arrays."""
    arrays = sum(hasattr(value, "shape") for value in inner.values())
    return sum(name in own for name in inner), arrays


def _renaming(own: Mapping[str, Any], state: Mapping[str, Any], owner: str) -> str:
    """Return the line that would make the names fit, if one is easily found."""
    given = [name for name in state if isinstance(name, str)]
    call = f"{owner}.load_state_dict"
    first = next(iter(own), "")
    # All names stand in the state behind something: "module.", "lstm.".
    for prefix in [name[: -len(first)] for name in given if first and name.endswith(first)]:
        if prefix and all(prefix + name in state for name in own):
            rest = "" if len(given) == len(own) else f" if k.startswith({prefix!r})"
            return (
                f"; they fit without {prefix!r}: write {call}"
                f"({{k.removeprefix({prefix!r}): v for k, v in state.items(){rest}}})"
            )
    # The state's names stand in ours behind something: the weights of the only layer.
    if given and len(given) == len(state) == len(own):
        prefix = first[: -len(given[0])] if first.endswith(given[0]) else ""
        if prefix and all(prefix + name in own for name in given):
            return (
                f"; they fit behind {prefix!r}: write {call}"
                f"({{{prefix!r} + k: v for k, v in state.items()}})"
            )
    # They are the weights of one layer of several.
    if given and len(given) == len(state):
        for prefix in [name[: -len(given[0])] for name in own if name.endswith("." + given[0])]:
            if set(own).issuperset(prefix + name for name in given) and all(
                getattr(state[name], "shape", None) == own[prefix + name].shape for name in given
            ):
                return (
                    f"; they fit the layer '{prefix[:-1]}' alone: write {call}"
                    f"({{{prefix!r} + k: v for k, v in state.items()}}, strict=False)"
                )
    # Layer by layer, in order: "lstm.", "fc." for "0.", "1.".
    groups, ours = _groups(given), _groups(own)
    if len(groups) == len(ours) > 1 and all(
        set(a) == set(b) for a, b in zip(groups.values(), ours.values(), strict=True)
    ):
        table = dict(zip(groups, ours, strict=True))
        return (
            f"; they fit layer by layer: write to = {table!r}; {call}"
            "({to[k.rpartition('.')[0]] + '.' + k.rpartition('.')[2]: v for k, v in state.items()})"
        )
    return ""


def _groups(names: Iterable[str]) -> dict[str, list[str]]:
    """Names by what stands before their last dot, in order."""
    groups: dict[str, list[str]] = {}
    for name in names:
        before, _, last = name.rpartition(".")
        groups.setdefault(before, []).append(last)
    return groups
