"""Commands that ask the fitted matcher, on a knowledge so small that fitting takes seconds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, write_knowledge
from terminal import in_terminal

PHONE = "topics/opting-out/opt-out-phone.yaml"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a committed knowledge that was edited since, as were the sentences that the code asks for."""
    here = tmp_path_factory.mktemp("moved")
    folder = write_knowledge(here / "knowledge")
    texts = (folder / "texts.yaml").read_text(encoding="utf-8")
    (folder / "texts.yaml").write_text(texts + "\nearlier: yes, once\n", encoding="utf-8")
    own = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
    for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "first")):
        subprocess.run(["git", "-C", str(here), *own, *arguments], check=True, capture_output=True)
    (folder / "texts.yaml").write_text(texts, encoding="utf-8")
    text = (folder / PHONE).read_text(encoding="utf-8")
    (folder / PHONE).write_text(text + "  - where do i make it stop on this telephone\n", encoding="utf-8")
    (here / "q.tsv").write_text(
        "are my dms read\tprivate-messages\nturn it off on android\topt-out-phone\n", encoding="utf-8"
    )
    return here


def environment() -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("BOT_", "DISCORD_", "TELEGRAM_"))}
    own = {"BOT_KNOWLEDGE": "knowledge", "BOT_CACHE": "cache", "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    return {**clean, **own, "TERM": "dumb"}


def run(place: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments], input=stdin, capture_output=True, text=True, cwd=place, timeout=300, check=False,
        env=environment(),
    )  # fmt: skip


def test_an_edit_is_compared_with_a_commit(place: Path):
    """The knowledge of the commit is fitted beside the present one, asked the same, and the page has it all."""
    done = run(place, "eval", "q.tsv", "--compare", "HEAD", "--html", "report.html")
    assert "Compared with HEAD: this edit moved" in done.stdout, done.stderr
    assert "Compared with HEAD" in (place / "report.html").read_text(encoding="utf-8")
    assert len(list((place / "cache").glob("heads-*.npz"))) == 1
    assert len(list((place / "cache" / "compared").glob("heads-*.npz"))) == 1


def test_without_a_terminal_nothing_is_compared_unasked(place: Path):
    """In a pipe the figures are those of the present knowledge only."""
    assert "Compared" not in run(place, "eval", "q.tsv").stdout


def test_in_a_terminal_an_edit_is_compared_unasked(place: Path):
    """Whoever edits and measures learns what moved since the last commit; the word none keeps it away."""
    shown, _ = in_terminal(("eval", "q.tsv"), place, environment())
    assert "Compared with HEAD: this edit moved" in shown
    shown, _ = in_terminal(("eval", "q.tsv", "--compare", "none"), place, environment())
    assert "Compared" not in shown


def test_an_unknown_commit_ends_with_a_sentence(place: Path):
    """A reference that git does not know is told, with 2, before anything is asked."""
    done = run(place, "eval", "q.tsv", "--compare", "nonsense")
    assert done.returncode == 2
    assert done.stdout == ""
    assert 'Nothing is compared: git knows no commit "nonsense" here.' in done.stderr


def test_suggest_shows_what_was_asked_and_writes_nothing(place: Path):
    """Groups and proposals come on the screen with the reason for copying nothing; no file holds what was typed."""
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    typed = "zebrafinch messages read by machines"
    done = run(place, "suggest", "-", stdin=f'{{"text": "{typed}", "count": 2}}\nare my dms read\n')
    assert done.returncode == 0, done.stderr
    assert f"“{typed}” (2×)" in done.stdout
    assert "Telegram's terms forbid" in done.stdout
    after = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert after.keys() == before.keys()
    assert not [path for path, content in after.items() if b"zebrafinch" in content]
