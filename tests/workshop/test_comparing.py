from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest
from conftest import SMALL, write_knowledge
from rich.console import Console

from bot.workshop.comparing import Change, CompareError, changed_entries, differs, fetch, moved, moves
from bot.workshop.figures import Answer, Judged, Question, Set, measure

PHONE = "topics/opting-out/opt-out-phone.yaml"


def judged(topic: str | None, *offered: str, score: float = 0.9, set: Set = Set.IN_SCOPE) -> Judged:
    expected = () if set is Set.OFF_TOPIC else ("a",)
    return Judged(Question("what", set, expected), Answer(((topic, score),) if topic else (), offered))


def git(folder: Path, *arguments: str) -> None:
    name = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *name, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A knowledge folder inside of a repository, committed."""
    write_knowledge(tmp_path / "repo" / "knowledge")
    git(tmp_path, "init", "-q", "repo")
    git(tmp_path / "repo", "add", "-A")
    git(tmp_path / "repo", "commit", "-qm", "first")
    return tmp_path / "repo" / "knowledge"


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (judged("a"), judged("b"), Change.WORSE),
        (judged("b"), judged("a"), Change.BETTER),
        (judged("b"), judged("c"), Change.OTHER),
        (judged("a"), judged(None), Change.WORSE),
        (judged(None, "a", "b"), judged("a"), Change.BETTER),
        (judged(None, "a", "b"), judged(None, "b", "c"), Change.WORSE),
        (judged("a", set=Set.OFF_TOPIC), judged(None, set=Set.OFF_TOPIC), Change.BETTER),
        (judged(None, set=Set.OFF_TOPIC), judged(None, "a", "b", set=Set.OFF_TOPIC), Change.WORSE),
    ],
)
def test_a_question_that_is_answered_otherwise_has_moved(before: Judged, after: Judged, change: Change):
    """Each move is told as better, worse or neither, by what people get."""
    found = moves([before], [after])
    assert [move.change for move in found] == [change]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (judged("a", score=0.9), judged("a", score=0.7)),
        (judged(None, "b", "c"), judged(None, "c", "d")),
        (judged("a", set=Set.TYPOS), judged("b", set=Set.TYPOS)),
    ],
)
def test_what_people_do_not_notice_is_no_move(before: Judged, after: Judged):
    """Another score, other wrong offers and the same question with typos are left out."""
    assert moves([before], [after]) == []


def test_the_worse_moves_come_first_and_are_counted():
    """The report says how many moved and shows question, before, after and what is expected."""
    before, after = [judged("b"), judged("a")], [judged("a"), judged("b")]
    found = moves(before, after)
    assert [move.change for move in found] == [Change.WORSE, Change.BETTER]
    out = io.StringIO()
    Console(file=out, width=120).print(moved(found, (measure(before), measure(after)), "HEAD"))
    assert "this edit moved 2 questions (1 better, 1 worse)" in out.getvalue()
    assert "a → b  (expected: a)" in out.getvalue()


def test_the_knowledge_of_a_commit_is_fetched(repository: Path, tmp_path: Path):
    """Changes and new files are noticed, and the commit's own files are written elsewhere."""
    assert not differs(repository, "HEAD")
    (repository / PHONE).write_text("changed", encoding="utf-8")
    (repository / "topics" / "opting-out" / "fresh.yaml").write_text("new", encoding="utf-8")
    assert differs(repository, "HEAD")
    (repository / "letters").mkdir(exist_ok=True)
    (repository / "letters" / "objection.yaml").write_text("new", encoding="utf-8")
    assert changed_entries(repository, "HEAD") == ["fresh", "objection", "opt-out-phone"]
    earlier = fetch(repository, "HEAD", tmp_path / "earlier")
    assert (earlier / PHONE).read_text(encoding="utf-8") == SMALL[PHONE]
    assert (repository / PHONE).read_text(encoding="utf-8") == "changed"


def test_a_hook_of_another_repository_does_not_mislead(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What git sets for its hooks does not decide which repository is looked at."""
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    assert not differs(repository, "HEAD")


def test_a_new_file_alone_is_a_difference(repository: Path):
    """A topic that git does not know yet differs from the commit as well."""
    (repository / "topics" / "opting-out" / "fresh.yaml").write_text("new", encoding="utf-8")
    assert differs(repository, "HEAD")


def test_a_folder_may_be_the_repository_itself(tmp_path: Path):
    """A knowledge that is a repository of its own is compared like any other."""
    folder = write_knowledge(tmp_path / "k")
    git(tmp_path, "init", "-q", "k")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")
    assert (fetch(folder, "HEAD", tmp_path / "earlier") / PHONE).is_file()


@pytest.mark.parametrize("reference", ["nonsense", "--output=x", ""])
def test_an_unknown_commit_is_one_sentence(repository: Path, reference: str):
    """A reference that git does not know is told, and never read as an option."""
    with pytest.raises(CompareError, match="git knows no commit"):
        differs(repository, reference)


def test_without_git_there_is_one_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """No repository, and no git at all, are each told in a sentence."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(folder.parent))
    with pytest.raises(CompareError, match="under no version control"):
        differs(folder, "HEAD")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CompareError, match="git is not installed"):
        fetch(folder, "HEAD", folder / "x")
