"""The error that means: something is wrong with what the user gave, and this is what."""

from __future__ import annotations


class DataError(ValueError):
    """A series, file or setting that cannot be forecast; the message is one line for the user."""
