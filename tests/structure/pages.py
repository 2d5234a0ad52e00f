"""The examples of README and docs/, as the tests run them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [path for path in [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))] if path.is_file()]
NOT_RUN = "<!-- not run -->"
WITH_PEERS = "<!-- with peers -->"
BLOCK = re.compile(
    r"(?P<before>[^\n]*)\n(?P<blank>\s*\n)?```(?P<language>\w+)\n(?P<code>.*?)^```\s*$",
    re.MULTILINE | re.DOTALL,
)


def blocks(page: Path, language: str, *, peers: bool = False) -> list[tuple[int, str]]:
    """(line number, code) of each block in that language that is to be run.

    A block below NOT_RUN never is, one below WITH_PEERS where the peers are installed.
    """
    text = page.read_text(encoding="utf-8")
    left_out = (NOT_RUN,) if peers else (NOT_RUN, WITH_PEERS)
    return [
        (text.count("\n", 0, match.start("code")) + 1, match["code"])
        for match in BLOCK.finditer(text)
        if match["language"] == language and match["before"].strip() not in left_out
    ]


def script_of(scripts: list[tuple[int, str]]) -> str:
    """The blocks as one script, with the line numbers of the page."""
    text = ""
    for line, code in scripts:
        text += "\n" * (line - 1 - text.count("\n")) + code
    return text
