"""To which part of the kernels a sample is attributed."""

from __future__ import annotations

import pytest

from benchmarks.profiling import _COLUMNS, _PARTS, part_of

NS = "lstm_native::avx512::"
STEP = f"void {NS}recurrent_step<{NS}LstmCell, float>({NS}StepArgs<float> const&)"
TILE = f"void {NS}step_tile<{NS}LstmCell, float, 6, 1, true>(long, long)"
TABLE = f"void {NS}gradient_product<float>(GradientProductArgs<float> const&)"


@pytest.mark.parametrize(
    ("frames", "part"),
    [
        ([f"{NS}Tile<float, 6, 4>::multiply_add(long)", TABLE], "weight gradients"),
        ([f"void {NS}pack_columns<float, 6>(long)", TABLE], "packing"),
        ([f"{NS}Tile<float, 6, 4>::multiply_add(long)", f"void {NS}product<float>()"],
         "other products"),
        ([f"{NS}tanh<float>", f"P {NS}LstmCell::forward<float>(long)", TILE, STEP],
         "activations, cell"),
        ([f"{NS}ProductAhead<float, 8>::advance()", f"void {NS}step_tile_beside<long>(long)",
          f"void {NS}step_and_ahead<long>(long)"], "projection beside steps"),
        ([f"{NS}StepTile<float, 6, 1>::multiply_add<true>()", TILE, STEP], "steps' sums"),
        ([f"P {NS}LstmCell::backward<float>(long)",
          f"void {NS}recurrent_step_backward<{NS}LstmCell, float>(long)"], "cell backward"),
        (["lstm_native::RecurrentPass<float>::forward(float*)"], "rest of the core"),
    ],
)  # fmt: skip
def test_a_sample_counts_for_the_innermost_part_that_it_is_in(frames, part):
    assert part_of(frames) == part
    assert part in _COLUMNS


def test_every_part_has_a_column():
    assert {name for name, _ in _PARTS} <= set(_COLUMNS)
