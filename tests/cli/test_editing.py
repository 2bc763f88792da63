"""The editors' commands as an editor runs them; none of these needs the matcher."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, SMALL, write_knowledge
from sample_letters import LETTERS
from terminal import in_terminal

Run = Callable[..., "subprocess.CompletedProcess[str]"]
PHONE = "topics/opting-out/opt-out-phone.yaml"
DMS = "topics/which-data/private-messages.yaml"
BROKEN = SMALL[DMS].replace("title:", "ttile:")


def environment(folder: Path) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("BOT_", "DISCORD_", "TELEGRAM_"))}
    own = {"PYTHONPATH": str(ROOT), "BOT_KNOWLEDGE": str(folder), "COLUMNS": "120", "TERM": "dumb"}
    # An edit in a test's folder must not be compared with a repository that happens to lie above it.
    return {**clean, **own, "BOT_CACHE": str(folder.parent / "cache"), "GIT_CEILING_DIRECTORIES": str(folder.parent)}


@pytest.fixture
def run(tmp_path: Path, folder: Path) -> Run:
    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "bot", *arguments], input=stdin, capture_output=True, text=True, cwd=tmp_path, timeout=120,
            check=False, env=environment(folder),
        )  # fmt: skip

    return run


def typed(folder: Path, answers: list[tuple[str, str]], *arguments: str) -> tuple[str, int]:
    """Run a command in a terminal; types each answer after its question has come."""
    return in_terminal(arguments, folder.parent, environment(folder), answers)


def test_check_prints_lines_for_pipes(run: Run, folder: Path):
    """Without a terminal each finding is one line as the contract has it, and the counts go to stderr."""
    (folder / DMS).write_text(BROKEN, encoding="utf-8")
    done = run("check")
    assert done.returncode == 1
    assert f'knowledge/{DMS}:1:1: unknown key "ttile"; did you mean "title"?' in done.stdout.splitlines()
    assert done.stderr == "2 errors, 0 findings\n"


def test_check_in_a_terminal_groups_by_file(folder: Path):
    """In a terminal there is a heading a file, the line itself, and the right form; a clean folder says so."""
    (folder / DMS).write_text(BROKEN, encoding="utf-8")
    shown, code = typed(folder, [], "check")
    assert code == 1
    assert "ttile: Are private messages used?" in shown
    assert "the right form, for example:" in shown
    (folder / DMS).write_text(SMALL[DMS], encoding="utf-8")
    shown, code = typed(folder, [], "check")
    assert code == 0
    assert "No errors, no findings." in shown


def test_check_prints_annotations(run: Run, folder: Path):
    """`--format github` prints a workflow command for each finding, with the path from where it was started."""
    (folder / DMS).write_text(BROKEN, encoding="utf-8")
    done = run("check", "--format", "github")
    assert done.returncode == 1
    assert all(
        line.startswith(f"::error file=knowledge/{DMS},line=1,col=1,title=") for line in done.stdout.splitlines()
    )


def test_check_fix_mends_and_says_what(run: Run, folder: Path):
    """`--fix` names each file and what was done, leaves a broken one alone, and has nothing to do a second time."""
    (folder / PHONE).write_text(SMALL[PHONE] + "\n\n", encoding="utf-8")
    (folder / DMS).write_text(BROKEN, encoding="utf-8")
    done = run("check", "--fix")
    assert f"knowledge/{PHONE}: took away white space that means nothing\n" in done.stderr
    assert f"knowledge/{DMS}: left alone, for it has an error (line 1: " in done.stderr
    assert (folder / PHONE).read_text(encoding="utf-8") == SMALL[PHONE]
    (folder / DMS).write_text(SMALL[DMS], encoding="utf-8")
    done = run("check", "--fix")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "Nothing to mend without changing a meaning.\n")


def test_new_writes_a_topic_from_options(run: Run, folder: Path):
    """With all options nothing is asked; what is left to write is named, and a second topic can be begun at once."""
    options = ("--group", "which-data", "--title", "Voice notes", "--facts", "F-DATA-01,F-OPT-01")
    done = run("new", "voice-notes", *options)
    assert done.returncode == 0, done.stderr
    assert "voice-notes.yaml:3:8: answer is empty" in done.stdout
    assert "facts: [F-DATA-01, F-OPT-01]" in (folder / "topics/which-data/voice-notes.yaml").read_text(encoding="utf-8")
    assert run("new", "more-notes", *options).returncode == 0
    again = run("new", "voice-notes", *options)
    assert again.returncode == 2
    assert again.stderr == 'There is a topic "voice-notes" already; choose another id, or edit that one.\n'


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("Voice Notes",), "such as voice-notes."),
        (("voice-notes",), "There is no terminal to ask in; give --group."),
        (("voice-notes", "--group", "whichdata"), 'did you mean "which-data"?'),
        (("voice-notes", "--group", "which-data", "--title", "x", "--facts", ""), "at least one fact"),
    ],
)
def test_new_refuses_in_one_sentence(run: Run, folder: Path, arguments: tuple[str, ...], sentence: str):
    """Nothing is written where something does not fit."""
    before = sorted(folder.rglob("*"))
    done = run("new", *arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert sorted(folder.rglob("*")) == before


def test_new_asks_in_a_terminal(folder: Path):
    """Group, title and facts are asked for; words in place of an id are looked up among the facts."""
    answers = [
        ("Group", "2\n"),
        ("Title", "Voice notes\n"),
        ("Facts", "messages\n"),
        ("search for)", ""),
        ("Facts", "F-DATA-01\n"),
    ]
    shown, code = typed(folder, answers, "new", "voice-notes")
    assert code == 0, shown
    assert "F-DATA-01  Private messages are not used, says LinkedIn." in shown
    assert (folder / "topics/which-data/voice-notes.yaml").is_file()


def test_review_lists_what_is_overdue(run: Run, folder: Path):
    """Without a terminal the overdue topics are lines, the longest waiting first; an unknown id is told."""
    for path in (PHONE, DMS):
        (folder / path).write_text(SMALL[path].replace("2026-11-01", "2020-01-01"), encoding="utf-8")
    done = run("review")
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["opt-out-phone", "private-messages"]
    assert (
        run("review", "opt-out-phon").stderr
        == 'There is no topic or letter "opt-out-phon"; did you mean "opt-out-phone"?\n'
    )


def test_review_says_when_nothing_is_overdue(run: Run, folder: Path):
    """With everything up to date the next day is named."""
    for path in (PHONE, DMS):
        (folder / path).write_text(SMALL[path].replace("2026-11-01", "2098-01-01"), encoding="utf-8")
    assert run("review").stdout == "Nothing is overdue. Next is opt-out-phone, on 2098-03-02.\n"


def test_review_sets_only_what_was_confirmed(folder: Path):
    """Yes sets the day of that topic, skip leaves one as it is, quit ends at once."""
    old = {path: SMALL[path].replace("2026-11-01", "2020-01-01") for path in (PHONE, DMS)}
    for path, text in old.items():
        (folder / path).write_text(text, encoding="utf-8")
    shown, code = typed(folder, [("[q]uit: ", "?\n"), ("[q]uit: ", "y\n"), ("[q]uit: ", "s\n")], "review")
    assert code == 0, shown
    assert "F-OPT-01" in shown
    assert "1 of 2 reviewed." in shown
    after = (folder / PHONE).read_text(encoding="utf-8")
    assert after != old[PHONE]
    assert [line for line in after.splitlines() if line not in old[PHONE].splitlines()] == [
        line for line in after.splitlines() if line.startswith("reviewed: ")
    ]
    assert (folder / DMS).read_text(encoding="utf-8") == old[DMS]
    shown, code = typed(folder, [("[q]uit: ", "q\n")], "review", "--all")
    assert code == 0
    assert "0 of 2 reviewed." in shown


def test_review_knows_letters(folder: Path):
    """A letter that is named is shown with its facts like a topic, and yes sets its day; the rest of its file stays."""
    letter = "letters/objection.yaml"
    write_knowledge(folder, LETTERS)
    before = (folder / letter).read_text(encoding="utf-8")
    shown, code = typed(folder, [("[q]uit: ", "y\n")], "review", "objection")
    assert code == 0, shown
    assert "It tells LinkedIn to stop." in shown
    assert "1 of 1 reviewed." in shown
    after = (folder / letter).read_text(encoding="utf-8")
    day = re.search(r"^reviewed: (\S+)$", after, re.MULTILINE)
    assert day
    assert day[1] != "2026-11-01"
    assert after.replace(day[0], "reviewed: 2026-11-01") == before


def test_export_writes_pages_and_refuses_a_foreign_folder(run: Run, tmp_path: Path):
    """The pages are counted and the first one named; a folder with anything else is refused with 2."""
    done = run("export", "out")
    assert (done.returncode, done.stdout) == (0, "Wrote 12 pages; open out/index.html.\n")
    assert run("export", "out").returncode == 0
    (tmp_path / "out" / "mine.txt").write_text("x", encoding="utf-8")
    done = run("export", "out")
    assert done.returncode == 2
    assert "mine.txt" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("suggest", "none.txt"), "none.txt cannot be read (No such file or directory); correct the path or its permissions."),
        (("suggest", "-"), "the input holds no message with words; write one a line."),
        (("eval", "none.tsv"), "none.tsv cannot be read (No such file or directory); correct the path or its permissions."),
        (("test", "--html", "none/x.html"), "--html: none/x.html cannot be written (its folder does not exist); name a file in a folder that is there."),
        (("picture", "nope"), 'There is no topic or letter "nope"; correct the id'),
        (("picture", "--changed", "HEAD"), "under no version control"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(run: Run, arguments: tuple[str, ...], sentence: str):
    """What cannot be done ends with 2 and a sentence, before anything long is begun."""
    done = run(*arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_eval_names_every_bad_line(run: Run, tmp_path: Path):
    """All lines that do not fit are told at once."""
    (tmp_path / "q.tsv").write_text("a\tnope\nb\tprivate-messages\n\tx\n", encoding="utf-8")
    done = run("eval", "q.tsv")
    assert done.returncode == 2
    assert [line.split(" ")[0] for line in done.stderr.splitlines()] == ["q.tsv:1:", "q.tsv:3:"]


def test_pictures_of_topics_are_drawn(run: Run, tmp_path: Path):
    """Each form of an answer becomes a picture and a text in the folder that was named."""
    done = run("picture", "private-messages", "--into", "drawn")
    assert done.stdout == "Drew 1 picture in drawn.\n"
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == [
        "private-messages.svg",
        "private-messages.txt",
    ]
