"""The node tests of LSTM, GRU and RNN that the package onnx brings, at its own tolerances."""

from __future__ import annotations

import warnings

import numpy as np
import onnx_helpers
import pytest

pytest.importorskip("onnx")

NAMES = (
    "test_gru_batchwise",
    "test_gru_bidirectional",
    "test_gru_defaults",
    "test_gru_reverse",
    "test_gru_seq_length",
    "test_gru_with_initial_bias",
    "test_lstm_batchwise",
    "test_lstm_bidirectional",
    "test_lstm_defaults",
    "test_lstm_reverse",
    "test_lstm_with_initial_bias",
    "test_lstm_with_peepholes",
    "test_rnn_seq_length",
    "test_simple_rnn_batchwise",
    "test_simple_rnn_bidirectional",
    "test_simple_rnn_defaults",
    "test_simple_rnn_reverse",
    "test_simple_rnn_with_initial_bias",
)


@pytest.fixture(scope="module")
def cases():
    """Every node test whose model is one of the three operators, by name."""
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the other operators' tests, which overflow on purpose
        every = load_model_tests(kind="node")
    kinds = tuple(onnx_helpers.INPUTS)
    return {
        case.name: case
        for case in every
        if case.model is not None and any(n.op_type in kinds for n in case.model.graph.node)
    }


def test_none_of_onnx_s_tests_is_missing(cases):
    assert sorted(cases) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_node(isa, cases, name):
    case = cases[name]
    (node,) = case.model.graph.node
    assert case.data_sets
    for given, wanted in case.data_sets:
        arrays = dict(zip([i.name for i in case.model.graph.input], given, strict=True))
        inputs = {
            formal: arrays[actual]
            for formal, actual in zip(onnx_helpers.INPUTS[node.op_type], node.input, strict=False)
            if actual
        }
        found = onnx_helpers.run_here(node.op_type, inputs, onnx_helpers.node_attributes(node))
        asked = [
            found[formal] for formal, actual in zip(found, node.output, strict=False) if actual
        ]
        assert len(asked) == len(wanted)
        for ours, theirs in zip(asked, wanted, strict=True):
            assert ours.dtype == theirs.dtype
            assert ours.shape == theirs.shape
            np.testing.assert_allclose(ours, theirs, rtol=case.rtol, atol=case.atol)
