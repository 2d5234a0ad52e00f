"""Constructors that hand options on to their base: shown to `help` as if all were written out.

A constructor `__init__(self, units, *, own=1, **options)` whose class is a `WrittenOut` takes in
`options` what its base takes by name. Its signature and its docstring are put together of both;
type checkers know the options from a TypedDict.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

_KEYWORDS = inspect.CO_VARKEYWORDS
# Behind all others, whatever class has them.
_LAST = ("dtype", "seed", "name")
# What stands in a docstring for the options of the bases.
_PLACE = re.compile(r"( +)\*\*options\n(?:\1 +\S.*\n)+")
_PARAMETERS = re.compile(r"( +)Parameters\n +-+\n((?:\1.*\n)*?)(?=\n| *\Z)")


class WrittenOut:
    """A class whose subclasses show all options of their constructors."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Put signature and docstring together."""
        super().__init_subclass__(**options)
        if "__init__" in cls.__dict__ and _hands_on(cls):
            inspect.unwrap(cls.__dict__["__init__"]).__signature__ = _signature(cls)
        if cls.__doc__:
            cls.__doc__ = _PLACE.sub(lambda place: _texts_of_bases(cls), cls.__doc__)


def _hands_on(kind: type) -> bool:
    init = inspect.unwrap(kind.__dict__["__init__"])
    return bool(init.__code__.co_flags & _KEYWORDS)


def _signature(kind: type) -> inspect.Signature:
    """Return the parameters of a constructor, those it hands on before its own."""
    written = inspect.signature(kind.__dict__["__init__"])
    base: Any = kind.__mro__[1]
    handed_on = inspect.signature(base.__init__).parameters.values()
    own = [one for one in written.parameters.values() if one.kind is not one.VAR_KEYWORD]
    by_name = {one.name: one for one in handed_on if one.kind is one.KEYWORD_ONLY}
    by_name |= {one.name: one for one in own if one.kind is one.KEYWORD_ONLY}
    last = [by_name.pop(name) for name in _LAST if name in by_name]
    first = [one for one in own if one.kind is not one.KEYWORD_ONLY]
    return written.replace(parameters=[*first, *by_name.values(), *last])


def _texts_of_bases(kind: type) -> str:
    """Return what the docstrings of the bases say of the parameters that begin with a small one."""
    found = []
    for base in kind.__mro__[1:]:
        section = _PARAMETERS.search(base.__doc__ or "") if issubclass(base, WrittenOut) else None
        if section is not None:
            found.append(section[2])
    return "".join(found)
