"""Networks: layers put together, built and checked as one, and run step by step."""

from lstm_native.network.form import Form
from lstm_native.network.graph import Graph
from lstm_native.network.row import Row
from lstm_native.network.stack import Stack
from lstm_native.network.stream import Stream

__all__ = ["Form", "Graph", "Row", "Stack", "Stream"]
