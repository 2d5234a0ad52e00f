"""docs/coming_from.md with all of its code: what it says of Keras and PyTorch is so."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from pages import ROOT, WITH_PEERS, blocks, script_of

pytest.importorskip("torch")
pytest.importorskip("keras")

PAGE = ROOT / "docs" / "coming_from.md"


def test_both_sides_of_the_page_compute_the_same(tmp_path):
    scripts = blocks(PAGE, "python", peers=True)
    assert len(scripts) > len(blocks(PAGE, "python"))
    assert len(scripts) == PAGE.read_text(encoding="utf-8").count("```python")
    script = tmp_path / "coming_from.py"
    script.write_text(script_of(scripts), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script.name],
        cwd=tmp_path,
        env={**os.environ, "KERAS_BACKEND": "torch"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_ten_differences_stand_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    titles = [line for line in text.splitlines() if line.startswith("## ")]
    assert [title.split(".")[0] for title in titles[:10]] == [f"## {i}" for i in range(1, 11)]
    assert text.count(WITH_PEERS) >= 10
