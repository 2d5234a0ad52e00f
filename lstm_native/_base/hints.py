"""What people type who come from Keras or PyTorch, and what is written here instead.

Read only when something has failed: see `attributes`.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from typing import Any

from lstm_native._base.hints_arguments import CALLS, MISSING, POSITIONS
from lstm_native._base.hints_attributes import ASSIGNED, NAMES
from lstm_native._base.shown import shown


def calling(function: Any, args: tuple[Any, ...], options: Mapping[str, Any]) -> str:
    """Return what to write instead of these arguments, of which args[0] is the object."""
    signature = inspect.signature(function).parameters.values()
    known = [one.name for one in signature]
    places = [one for one in signature if one.kind is one.POSITIONAL_OR_KEYWORD]
    method = function.__name__
    kind = type(args[0]) if args else object
    given = args[1:]
    found = []
    if len(args) > len(places):
        found += [say(kind.__name__, given) for say in _for(kind, method, POSITIONS)[:1]]
    elif given and known[1] in options:  # twice: LSTM(10, hidden_size=20)
        for say in _for(kind, method, POSITIONS)[:1]:
            found.append(say(kind.__name__, (*given, options[known[1]])))
    elif len(known) > 1 and not given and known[1] not in options:
        rest = "".join(
            f", {name}={shown(value)}" for name, value in options.items() if name in known
        )
        templates = _for(kind, method, MISSING)[:1]
        if not any(name in table for name in options for table in _for(kind, method, CALLS)):
            found += [text.format(kind=kind.__name__, rest=rest) for text in templates]
    if given and isinstance(given[0], (list, dict)) and not found:
        found += [say(kind.__name__, given) for say in _for(kind, method, POSITIONS)[:1]]
    for name, value in options.items():
        if name in known:
            continue
        hints = [table[name] for table in _for(kind, method, CALLS) if name in table]
        if hints:
            text = hints[0](value) if callable(hints[0]) else hints[0]
            found.append(
                f"{name}: " + text.replace("{kind}", kind.__name__).replace("{value}", shown(value))
            )
        else:
            near = difflib.get_close_matches(name, known[1:], n=1, cutoff=0.6)
            found += [f"did you mean '{near[0]}'?"] if near else []
    return "; ".join(found)


def reading(kind: type, name: str) -> str:
    """Return what to say about a name of `ELSEWHERE`."""
    tables: list[dict[str, str]] = _for(kind, "__init__", NAMES)
    return next(table[name] for table in tables if name in table)


def assigning(kind: type, name: str) -> str:
    """Return how what an assignment means is done; "" for nothing."""
    tables: list[dict[str, str]] = _for(kind, "__init__", ASSIGNED)
    return next((table[name] for table in tables if name in table), "")


def _for(kind: type, method: str, tables: Mapping[str, Any]) -> list[Any]:
    """Return the entries of a class, nearest first, or of a method."""
    names = [part.__name__ for part in kind.__mro__] if method == "__init__" else [method]
    return [tables[name] for name in names if name in tables]
