"""Callbacks that write files: what is in them, and what is told before training."""

from __future__ import annotations

import csv
import os

import numpy as np
import pytest
from callback_helpers import FakeModel, losses, train

from lstm_native.callbacks import CSVLogger, ModelCheckpoint


def test_checkpoint_of_every_epoch_counts_finished_epochs(tmp_path):
    path = tmp_path / "runs" / "m-{epoch:03d}-{val_loss:.2f}.safetensors"
    model = train(ModelCheckpoint(path), losses(1, 0.25), first_epoch=3)
    assert model.saved == [
        str(tmp_path / "runs" / "m-004-1.00.safetensors"),
        str(tmp_path / "runs" / "m-005-0.25.safetensors"),
    ]
    assert (tmp_path / "runs").is_dir()


def test_checkpoint_of_the_best_only():
    model = train(ModelCheckpoint("m{epoch}", save_best_only=True), losses(3, 4, 2, 2, 1))
    assert model.saved == ["m1", "m3", "m5"]


def test_a_bad_checkpoint_path_is_told():
    with pytest.raises(ValueError, match=r"path 'm-{epoch': "):
        ModelCheckpoint("m-{epoch")
    with pytest.raises(ValueError, match="no value for 'mae'; there are loss, val_loss, epoch"):
        train(ModelCheckpoint("m-{mae}"), losses(1))
    with pytest.raises(ValueError, match="no value for"):
        train(ModelCheckpoint("m-{}"), losses(1))


def test_a_folder_that_cannot_be_made_is_told_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    for name in ("m", "{epoch}/m", "m-{loss}", "a/b/c/m"):
        checkpoint = ModelCheckpoint(tmp_path / "file" / name)
        with pytest.raises(NotADirectoryError, match="file"):
            checkpoint.check_logs(["loss"], 0)
    with pytest.raises(OSError, match="file"):
        ModelCheckpoint(tmp_path / "file" / "m").on_train_begin(FakeModel())
    with pytest.raises(IsADirectoryError, match="is a folder: give the name of a file"):
        ModelCheckpoint(tmp_path).check_logs(["loss"], 0)
    ModelCheckpoint(tmp_path / "new" / "m-{loss}").check_logs(["loss"], 0)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]  # a check leaves nothing behind


def test_a_folder_that_cannot_be_written_is_told_before_training(tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied", "/some/temporary/name")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    for callback in (ModelCheckpoint(tmp_path / "m"), CSVLogger(tmp_path / "log.csv")):
        with pytest.raises(PermissionError, match=tmp_path.name):
            callback.check_logs(["loss"], 0)


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_csv_is_complete_after_every_epoch(tmp_path):
    path = tmp_path / "log.csv"
    callback, model = CSVLogger(path), FakeModel()
    callback.on_train_begin(model)
    callback.on_epoch_end(model, 0, {"loss": 0.1, "val_loss": np.float32(0.5)})
    assert path.read_bytes() == b"epoch,loss,val_loss\n0,0.1,0.5\n"
    # Interrupted here, without on_train_end: the next run appends.
    train(CSVLogger(path, append=True), losses(1 / 3), first_epoch=1)
    assert read(path)[1:] == [["0", "0.1", "0.5"], ["1", "1.0", repr(1 / 3)]]
    train(CSVLogger(path), losses(2))
    assert read(path) == [["epoch", "loss", "val_loss"], ["0", "1.0", "2.0"]]


def test_csv_appended_to_keeps_its_columns(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("epoch,val_loss,loss\n")
    train(CSVLogger(path, append=True), losses(2))
    assert read(path)[1] == ["0", "2.0", "1.0"]
    with pytest.raises(ValueError, match="has the columns epoch, val_loss, loss, but the logs are"):
        train(CSVLogger(path, append=True), [{"loss": 1.0}])


def test_a_csv_that_does_not_fit_is_told_before_training_and_stays(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss\n0,1.0\n")
    told = "has the columns epoch, loss, but the logs are epoch, loss, val_loss"
    for append, first in ((True, 0), (True, 1), (False, 1)):
        with pytest.raises(ValueError, match=told):
            CSVLogger(path, append=append).check_logs(["loss", "val_loss"], first)
    CSVLogger(path).check_logs(["loss", "val_loss"], 0)  # begins anew
    CSVLogger(path, append=True).check_logs(["loss"], 1)
    assert path.read_text() == "epoch,loss\n0,1.0\n"


def test_a_csv_that_cannot_be_written_is_told_before_training(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere'$"):
        CSVLogger(tmp_path / "nowhere" / "log.csv").check_logs(["loss"], 0)
    with pytest.raises(IsADirectoryError, match="is a folder"):
        CSVLogger(tmp_path).check_logs(["loss"], 0)
    with pytest.raises(OSError, match="nowhere"):
        CSVLogger(tmp_path / "nowhere" / "log.csv").on_train_begin(FakeModel())


@pytest.mark.parametrize("append", [False, True])
@pytest.mark.parametrize(
    ("before", "kept"),
    [
        ("0,1.0,3.0\n1,1.0,2.0\n2,1.0,9.0\n3,1.0,9.0\n", ["0", "1"]),
        ("0,1.0,3.0\n1,1.0,2.0", ["0", "1"]),
        ("0,1.0,3.0\n1,1.0,2.0\n2,1.", ["0", "1"]),  # killed while it wrote
        ("0,1.0,3.0\n1,1.0,2.0\n3,1.0,9.0\n0,1.0,3.0\n1,1.0,2.0\n", ["0", "1", "3", "0", "1"]),
        ("", []),
    ],
)
def test_a_resumed_csv_goes_on_and_has_each_epoch_once(tmp_path, before, kept, append):
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss,val_loss\n" + before)
    train(CSVLogger(path, append=append), losses(5, 4), first_epoch=2)
    assert read(path)[0] == ["epoch", "loss", "val_loss"]
    assert [row[0] for row in read(path)[1:]] == [*kept, "2", "3"]
    assert all(len(row) == 3 for row in read(path))


@pytest.mark.skipif(os.name == "nt", reason="POSIX files")
def test_a_csv_may_be_no_plain_file(tmp_path):
    """A pipe, as /dev/stdout may be one."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    callback = CSVLogger(path)
    callback.check_logs(["loss"], 0)
    train(callback, losses(2))
    assert os.read(reader, 100) == b"epoch,loss,val_loss\n0,1.0,2.0\n"
    os.close(reader)


def test_a_resumed_csv_may_be_new(tmp_path):
    train(CSVLogger(tmp_path / "log.csv"), losses(5), first_epoch=2)
    assert read(tmp_path / "log.csv") == [["epoch", "loss", "val_loss"], ["2", "1.0", "5.0"]]
