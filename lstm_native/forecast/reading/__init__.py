"""Any table as a panel: what people have in files and frames, as the methods take it."""

from __future__ import annotations

from lstm_native.forecast.reading.covariates import require_future
from lstm_native.forecast.reading.reader import bundled, panel_from_frame, read_table

__all__ = ["bundled", "panel_from_frame", "read_table", "require_future"]
