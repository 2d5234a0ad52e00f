"""ONNX Runtime: a model of one LSTM operator for each layer, on the CPU provider."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.grid import Cell, time_first
from benchmarks.peers.base import Call, Peer

_OPSET, _IR = 17, 9  # old enough for every release in use


class OnnxRuntime(Peer):
    """Inference only."""

    name = "onnxruntime"
    label = "ONNX Runtime"
    module = "onnxruntime"
    needs = ("onnxruntime", "onnx")
    kinds = frozenset({"inference", "step", "import"})

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        import onnxruntime

        self.ort = onnxruntime

    @classmethod
    def held_to(cls, isa: str | None) -> str | None:
        """Return None: its kernels follow the processor, and no setting tells them otherwise."""
        return None

    def make(self, kind: str, cell: Cell) -> Call:
        """Return a run of the session from a zero state, or from where the last step ended."""
        options = self.ort.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        session = self.ort.InferenceSession(
            model_bytes(cell), options, providers=["CPUExecutionProvider"]
        )
        feed = {"x": time_first(cell)}
        for name in _state_names(cell):
            feed[name] = np.zeros((1 + cell.bidirectional, cell.batch, cell.hidden), np.float32)
        if kind != "step":
            return lambda: session.run(None, feed)

        def step() -> None:
            _, feed["h0"], feed["c0"] = session.run(None, feed)

        return step


def _state_names(cell: Cell) -> list[str]:
    return [f"{name}{layer}" for layer in range(cell.layers) for name in ("h", "c")]


def model_bytes(cell: Cell) -> bytes:
    """Return the network of a cell, state in and out, as an exporter would write it."""
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    directions, hidden = 1 + cell.bidirectional, cell.hidden
    bound = hidden**-0.5
    nodes: list[Any] = []
    weights: list[Any] = []
    outputs: list[Any] = []

    def value(name: str, *shape: int) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    flowing, features = "x", cell.features
    for k in range(cell.layers):
        shapes = {"W": (4 * hidden, features), "R": (4 * hidden, hidden), "B": (8 * hidden,)}
        for name, shape in shapes.items():
            values = rng.uniform(-bound, bound, (directions, *shape)).astype(np.float32)
            weights.append(numpy_helper.from_array(values, f"{name}{k}"))
        nodes.append(
            helper.make_node(
                "LSTM",
                [flowing, f"W{k}", f"R{k}", f"B{k}", "", f"h{k}", f"c{k}"],
                [f"y{k}", f"h_out{k}", f"c_out{k}"],
                hidden_size=hidden,
                direction="bidirectional" if cell.bidirectional else "forward",
            )
        )
        # (T, directions, N, H) to the (T, N, directions H) that the next layer reads
        if k + 1 < cell.layers or cell.bidirectional:
            merged = np.array([0, 0, directions * hidden], np.int64)
            weights.append(numpy_helper.from_array(merged, f"shape{k}"))
            nodes.append(
                helper.make_node("Transpose", [f"y{k}"], [f"turned{k}"], perm=[0, 2, 1, 3])
            )
            nodes.append(helper.make_node("Reshape", [f"turned{k}", f"shape{k}"], [f"merged{k}"]))
            flowing = f"merged{k}"
        else:
            flowing = f"y{k}"
        features = directions * hidden
        state = (directions, cell.batch, hidden)
        outputs += [value(f"h_out{k}", *state), value(f"c_out{k}", *state)]
    state = (directions, cell.batch, hidden)
    last = (
        (cell.timesteps, cell.batch, features)
        if flowing.startswith("merged")
        else (cell.timesteps, directions, cell.batch, hidden)
    )
    graph = helper.make_graph(
        nodes,
        "lstm",
        [
            value("x", cell.timesteps, cell.batch, cell.features),
            *(value(name, *state) for name in _state_names(cell)),
        ],
        [value(flowing, *last), *outputs],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)])
    model.ir_version = _IR
    return bytes(model.SerializeToString())
