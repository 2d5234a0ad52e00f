"""Losses and optimisers as the JSON text that model files hold."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from lstm_native._base.checks import _describe, _quoted, check_choice


def parse_json_object(
    text: str, *, name: str, fields: Mapping[str, Iterable[str]]
) -> dict[str, Any]:
    """Parse `{"type": ..., field: ...}`; `fields` has for each type the fields it may have.

    Raises
    ------
    ValueError
        The text is no JSON object, its type is unknown, or a field does not belong to the type.
    """
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{name}: not JSON ({error})") from None
    if not isinstance(found, dict):
        raise ValueError(f"{name}: expected a JSON object, got {_describe(found)}")
    kind = check_choice(found.get("type"), name=f"{name}: type", choices=fields)
    allowed = ["type", *fields[kind]]
    unknown = [key for key in found if key not in allowed]
    if unknown:
        raise ValueError(f"{name}: '{kind}' has {_quoted(allowed)}, got also {_quoted(unknown)}")
    return found
