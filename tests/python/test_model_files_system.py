"""Model files and the operating system: saving is all or nothing, whatever happens."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import product as p
import pytest
from model_file_helpers import (
    make_model,
)

import lstm_native as ln


def test_a_missing_file_is_file_not_found(tmp_path):
    path = tmp_path / "missing"
    with pytest.raises(FileNotFoundError) as caught:
        ln.load_model(path)
    assert caught.value.filename == str(path)


def test_a_directory_is_no_model(tmp_path):
    with pytest.raises(IsADirectoryError):
        ln.load_model(tmp_path)
    with pytest.raises(IsADirectoryError):
        make_model().save(tmp_path)
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_a_fifo_is_refused_without_waiting(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    with pytest.raises(ValueError, match="regular file"):
        ln.load_model(path)
    with pytest.raises(OSError, match="regular file"):
        make_model().save(path)
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_null_character_in_a_path_is_a_value_error(tmp_path):
    with pytest.raises(ValueError, match="null"):
        ln.load_model(f"{tmp_path}/a\0b")
    with pytest.raises(ValueError, match="null"):
        make_model().save(f"{tmp_path}/a\0b")
    assert os.listdir(tmp_path) == []


def test_saving_where_no_file_can_be_is_an_os_error(model_path):
    with pytest.raises(FileNotFoundError):
        make_model().save(model_path.parent / "missing" / "model")
    with pytest.raises(NotADirectoryError):
        make_model().save(model_path / "model")
    assert os.listdir(model_path.parent) == [model_path.name]


def test_a_link_to_what_is_not_there_yet_stays_a_link(tmp_path):
    (tmp_path / "models").mkdir()
    link, target = tmp_path / "latest", tmp_path / "models" / "m-001"
    link.symlink_to(Path("models") / "m-001")
    for _ in range(2):  # the second finds a file
        make_model().save(link)
        assert link.is_symlink()
        assert not target.is_symlink()
        p.assert_same_weights(ln.load_model(link).state_dict(), make_model().state_dict())
    link.unlink()
    link.symlink_to(tmp_path / "missing" / "m-001")
    with pytest.raises(FileNotFoundError):
        make_model().save(link)
    assert link.is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["latest", "models"]
    assert os.listdir(tmp_path / "models") == ["m-001"]


KILLED = """
import ctypes, os, signal, sys, threading, time
import numpy as np
import lstm_native as ln
model = ln.Sequential([ln.Dense(3000, input_size=3000)], seed=0)
threading.Timer(float(sys.argv[2]), os.kill, (os.getpid(), signal.SIGKILL)).start()
print("ready", flush=True)
while True:
    model.save(sys.argv[1])
"""


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="needs files without a name")
def test_a_killed_save_leaves_no_temporary_file(tmp_path):
    """Killed at several moments of saving 36 MB over and over."""
    path = tmp_path / "model"
    for delay in ("0.01", "0.07", "0.15"):
        found = subprocess.run(
            [sys.executable, "-c", KILLED, path, delay], capture_output=True, **p.fresh_process()
        )
        assert found.returncode == -signal.SIGKILL
        assert set(os.listdir(tmp_path)) <= {"model"}
        if path.exists():
            ln.load_model(path)


def test_a_subinterpreter_is_told_at_once():
    """Before Python 3.12 the import waited for ever."""
    pytest.importorskip("_testcapi")
    code = """
import _testcapi
inner = '''
try:
    import lstm_native
except ImportError as error:
    print(error)
'''
assert _testcapi.run_in_subinterp(inner) == 0
import lstm_native
print(lstm_native.LSTM(3))
"""
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        timeout=60,
        **p.fresh_process(),
    )
    assert found.returncode == 0, found.stderr
    assert "not in a subinterpreter: use processes" in found.stdout
    assert "pip install" not in found.stdout
    assert "LSTM(hidden_size=3)" in found.stdout


def test_a_memory_error_says_how_much_was_asked_for_and_for_what():
    with pytest.raises(MemoryError, match=r"could not get 2\.0 PiB for parameter weight"):
        ln.Dense(2**24, input_size=2**24, dtype="float64")._built_native()
    with pytest.raises(MemoryError, match="PiB for parameter weight_ih_l0"):
        ln.LSTM(2**24, input_size=2**24 - 1, seed=0)._built_native()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_directory_without_permission_keeps_its_file(model_path):
    before = model_path.read_bytes()
    model_path.parent.chmod(0o500)
    try:
        with pytest.raises(PermissionError):
            make_model().save(model_path)
    finally:
        model_path.parent.chmod(0o700)
    assert model_path.read_bytes() == before
    assert os.listdir(model_path.parent) == [model_path.name]


def test_a_save_that_fails_keeps_the_old_file(model_path):
    """A limit on the size of files stands for a full disk: it holds for root too."""
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    before = model_path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
        with pytest.raises(OSError, match="cannot write"):
            make_model("float64").save(model_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert model_path.read_bytes() == before
    assert os.listdir(model_path.parent) == [model_path.name]
    ln.load_model(model_path)
