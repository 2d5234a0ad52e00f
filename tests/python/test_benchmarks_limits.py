"""The benchmark's cells, and the limit of the machine for each. Nothing here is timed."""

from __future__ import annotations

import argparse
import dataclasses

import pytest

from benchmarks.grid import GRID, MODES, Cell, cells_of, lengths, parse_cells
from benchmarks.limit import flop, limit
from benchmarks.machine import Peaks, best, buffer_sizes, caches
from benchmarks.peers import BY_NAME, OURS


@pytest.fixture
def peaks():
    """100 GFLOP/s; 200, 100, 50 and 10 GB/s, the last level falling off when it is half full."""
    kib = 1024
    reads = {32 * kib: 2e11, 1024 * kib: 1e11, 4096 * kib: 5e10, 16384 * kib: 4e10, 2**27: 1e10}
    return Peaks(1e11, {"L1": 32 * kib, "L2": 1024 * kib, "L3": 16384 * kib}, reads)


def test_cells_are_read_with_and_without_timesteps():
    assert parse_cells("1,2,3 4,5,6,50") == (Cell(1, 2, 3, 100), Cell(4, 5, 6, 50))


@pytest.mark.parametrize("text", ["", "1,2", "1,2,x", "1,0,3", "1,2,3,4,5", "1.5,2,3"])
def test_bad_cells_are_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="B,F,H"):
        parse_cells(text)


def test_the_grid_is_the_one_agreed_on():
    assert len(GRID) == 14
    assert {c.timesteps for c in GRID if c.batch != 128} == {100}
    # One step for each F, H, whatever the batch.
    assert len(MODES["step"].cells) == len({(c.features, c.hidden) for c in GRID})
    assert {(c.batch, c.timesteps) for c in MODES["step"].cells} == {(1, 1)}


def test_chosen_cells_replace_the_grid_where_sizes_are_free():
    chosen = (Cell(2, 3, 4), Cell(5, 3, 4))
    assert cells_of(MODES["training"], chosen, quick=True) == chosen
    assert cells_of(MODES["step"], chosen, quick=True) == (Cell(1, 3, 4, timesteps=1),)
    assert all(c.layers == 2 for c in cells_of(MODES["stacked-training"], chosen, quick=False))
    assert all(c.bidirectional for c in cells_of(MODES["bidirectional-inference"], chosen, quick=0))
    assert cells_of(MODES["fit"], chosen, quick=False) == MODES["fit"].cells
    assert cells_of(MODES["lengths-training"], chosen, quick=False) == chosen
    for name in ("gru", "rnn"):
        assert {c.type for c in cells_of(MODES[f"{name}-training"], chosen, quick=False)} == {name}


def test_the_other_cells_are_measured_over_the_same_grid():
    for mode in ("gru-inference", "gru-training", "rnn-inference", "rnn-training"):
        assert tuple(dataclasses.replace(c, type="lstm") for c in MODES[mode].cells) == GRID


def test_cells_of_a_mode_have_labels_of_their_own():
    for mode in MODES.values():
        assert len({str(c) for c in mode.cells}) == len(mode.cells)


def test_lengths_are_the_same_in_every_process_and_version():
    assert lengths(Cell(4, 1, 1)) == (96, 95, 6, 9)
    drawn = lengths(Cell(2000, 1, 1, timesteps=10))
    assert set(drawn) == set(range(1, 11))


def test_every_kind_of_call_is_made_by_us():
    assert {mode.kind for mode in MODES.values()} <= OURS[0].kinds
    for mode in MODES.values():
        assert (mode.peers or set()) <= set(BY_NAME)


def test_operations_of_one_layer():
    """2 T B 4H (F + H), and three times that to train."""
    cell = Cell(32, 16, 8, timesteps=10)
    forward = 2 * 10 * 32 * 4 * 8 * (16 + 8)
    assert flop("inference", cell) == forward
    assert flop("training", cell) == 3 * forward


@pytest.mark.parametrize(("name", "gates"), [("lstm", 4), ("gru", 3), ("rnn", 1)])
def test_a_cell_of_fewer_gates_has_a_lower_limit(name, gates, peaks):
    cell, lstm = Cell(1, 16, 512, type=name), Cell(1, 16, 512)
    assert flop("training", cell) == flop("training", lstm) * gates / 4
    size = gates * 512 * 512 * 4
    reading = 100 * size / peaks.level(size).bandwidth
    assert limit("inference", cell, peaks).seconds == pytest.approx(reading)


def test_of_different_lengths_the_true_steps_count(peaks):
    for cell in MODES["lengths-training"].cells:
        share = sum(lengths(cell)) / (cell.batch * cell.timesteps)
        for work in ("inference", "training"):
            assert flop(f"lengths-{work}", cell) == pytest.approx(share * flop(work, cell))
    # One sequence after another reads the weights as often as it has steps.
    one = Cell(1, 16, 512)
    short = dataclasses.replace(one, timesteps=lengths(one)[0])
    assert limit("lengths-inference", one, peaks) == limit("inference", short, peaks)


def test_checkpoints_have_the_limit_of_training(peaks):
    cell = Cell(8, 64, 64, timesteps=2000)
    assert limit("checkpoint-training", cell, peaks) == limit("training", cell, peaks)


def test_operations_of_layers_and_directions():
    """A second layer reads the outputs of all directions of the first."""
    plain = Cell(1, 3, 5, timesteps=1)
    both = dataclasses.replace(plain, bidirectional=True)
    deep = dataclasses.replace(both, layers=2)
    assert flop("inference", both) == 2 * flop("inference", plain)
    assert flop("inference", deep) - flop("inference", both) == 2 * (2 * 4 * 5 * (10 + 5))


def test_an_epoch_needs_no_gradient_of_its_data():
    cell = Cell(32, 7, 5, timesteps=10, samples=320)
    batch = dataclasses.replace(cell, samples=0)
    data_gradient = 2 * 10 * 32 * 4 * 5 * 7
    assert flop("fit", cell) == 10 * (flop("training", batch) - data_gradient)


def test_a_large_batch_is_bound_by_operations(peaks):
    cell = Cell(32, 64, 64)
    found = limit("inference", cell, peaks)
    assert found.bound == "FLOP"
    assert found.seconds == pytest.approx(flop("inference", cell) / 1e11)


def test_one_sequence_is_bound_by_the_level_that_holds_its_weights(peaks):
    # H 256: 1 MiB, just what L2 holds; H 512: 4 MiB, read as fast as 4 MiB of L3 are.
    found = limit("inference", Cell(1, 16, 256), peaks)
    assert (found.bound, found.seconds) == ("L2", pytest.approx(100 * 2**20 / 1e11))
    found = limit("inference", Cell(1, 16, 512), peaks)
    assert (found.bound, found.seconds) == ("L3", pytest.approx(100 * 2**22 / 5e10))
    # Forward, and transposed on the way back.
    trained = limit("training", Cell(1, 16, 512), peaks)
    assert (trained.bound, trained.seconds) == ("L3", pytest.approx(2 * found.seconds))


def test_a_single_step_reads_its_input_weights_too(peaks):
    found = limit("step", Cell(1, 64, 64, timesteps=1), peaks)
    assert (found.bound, found.seconds) == ("L2", pytest.approx(4 * 64 * 128 * 4 / 1e11))


def test_threads_share_operations_and_weights(peaks):
    one = limit("inference", Cell(32, 64, 64), peaks)
    assert limit("inference", Cell(32, 64, 64), peaks, 4).seconds == pytest.approx(one.seconds / 4)
    # 4 MiB over four cores: each holds its own in L2.
    assert limit("inference", Cell(1, 16, 512), peaks, 4).bound == "L2"


def test_levels_by_size(peaks):
    assert [v.name for v in peaks.levels()] == ["L1", "L2", "L3", "memory"]
    assert [v.bandwidth for v in peaks.levels()] == [2e11, 1e11, 5e10, 1e10]
    assert peaks.level(2**40).name == "memory"
    assert peaks.level(2**40).bandwidth == 1e10


def test_peaks_of_one_machine_are_the_better_of_two(peaks):
    slow = dataclasses.replace(peaks, flops=1.0, reads=dict.fromkeys(peaks.reads, 3e10))
    both = best(slow, peaks)
    assert both.flops == 1e11
    assert [*both.reads.values()] == [2e11, 1e11, 5e10, 4e10, 3e10]


def test_caches_are_read_from_the_system(tmp_path):
    rows = [("1", "Data", "32K"), ("1", "Instruction", "48K"), ("2", "Unified", "1M")]
    for index, (level, kind, size) in enumerate(rows):
        folder = tmp_path / f"index{index}"
        folder.mkdir()
        for name, text in (("level", level), ("type", kind), ("size", size)):
            (folder / name).write_text(text + "\n")
    assert caches(tmp_path) == {"L1": 32768, "L2": 1 << 20}
    assert caches(tmp_path / "none") == {}
    sizes = buffer_sizes({"L1": 32768, "L3": 1 << 28})
    assert sizes[0] == 1 << 14
    assert sizes[-1] == 1 << 30
