"""Networks: layers put together, built and checked as one, and run step by step."""

from lstm_native.network.stack import Stack
from lstm_native.network.stream import Stream

__all__ = ["Stack", "Stream"]
