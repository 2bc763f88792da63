from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT

FOLDER = ROOT / ".github" / "workflows"


@pytest.fixture
def workflow() -> dict[str, Any]:
    found = yaml.safe_load((FOLDER / "knowledge.yml").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def test_changes_of_the_knowledge_are_looked_at(workflow: dict[str, Any]):
    """The workflow runs on pull requests that change the knowledge, and on nothing that carries secrets to forks."""
    # YAML reads the key "on" as a yes.
    assert workflow[True] == {"pull_request": {"paths": ["knowledge/**"]}}


def test_the_workflow_may_do_as_little_as_possible(workflow: dict[str, Any]):
    """Whatever runs the code of a pull request can only read; the job that may comment runs none of it."""
    assert workflow["permissions"] == {}
    look, tell = workflow["jobs"]["look"], workflow["jobs"]["tell"]
    assert look["permissions"] == {"contents": "read"}
    assert tell["permissions"] == {"pull-requests": "write"}
    assert not any("checkout" in step.get("uses", "") for step in tell["steps"])
    assert "head.repo.full_name == github.repository" in tell["if"]
    assert "secrets." not in (FOLDER / "knowledge.yml").read_text(encoding="utf-8")


def test_actions_are_pinned_by_version(workflow: dict[str, Any]):
    """Each action is named with its whole version, and checking out leaves no credentials behind."""
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    used = [step["uses"] for step in steps if "uses" in step]
    assert used
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+\.\d+\.\d+", action) for action in used)
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_nothing_of_a_pull_request_is_pasted_into_a_script(workflow: dict[str, Any]):
    """Values reach scripts through the environment only, so that no branch name or title is run."""
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")
            assert step.get("run") or step.get("uses")


def test_the_commands_of_the_workflow_exist(workflow: dict[str, Any]):
    """Each privacy-bot command and option that it runs is one that the console has."""
    from typer.main import get_command  # noqa: PLC0415

    from bot.cli import app  # noqa: PLC0415

    commands = get_command(app).commands  # type: ignore[attr-defined]
    ran = re.findall(r"privacy-bot ([a-z]+)([^|\n]*)", (FOLDER / "knowledge.yml").read_text(encoding="utf-8"))
    assert {name for name, _ in ran} == {"check", "test", "picture"}
    for name, rest in ran:
        known = {option for parameter in commands[name].params for option in parameter.opts}
        assert set(re.findall(r"(?<=\s)--[a-z]+(?=\s|$)", rest.split("> ")[0])) <= known


@pytest.mark.parametrize("part", ["findings.txt", "test.txt", "pictures/a.txt"])
def test_the_summary_tells_what_was_found(tmp_path: Path, part: str):
    """Findings, moved questions and the text of changed answers stand in it, and no text gets out of its fence."""
    (tmp_path / "pictures").mkdir()
    (tmp_path / part).write_text(
        "Compared with abc: this edit moved 1 question\n``````````\n<b>out</b>\n", encoding="utf-8"
    )
    done = subprocess.run(
        ["sh", str(FOLDER / "summary.sh"), str(tmp_path), "https://example.org/run"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "this edit moved 1 question" in done.stdout
    assert "https://example.org/run" in done.stdout
    fences = [line for line in done.stdout.split("\n") if line.startswith("``````````")]
    assert len(fences) % 2 == 0
    assert set(fences) == {"``````````text", "``````````"}
    assert ("No errors, no findings." in done.stdout) is (part != "findings.txt")


def test_an_empty_run_has_a_summary(tmp_path: Path):
    """Even when nothing could be run, the summary leads to the run."""
    done = subprocess.run(
        ["sh", str(FOLDER / "summary.sh"), str(tmp_path), "https://example.org/run"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "https://example.org/run" in done.stdout


def test_a_failing_measurement_fails_behind_its_pipe(workflow: dict[str, Any]):
    """The step whose output is also kept runs in a shell that passes on the failure of the first command."""
    steps = [step for step in workflow["jobs"]["look"]["steps"] if "| tee" in step.get("run", "")]
    # The forge runs `shell: bash` with pipefail, and its default shell without.
    assert [step.get("shell") for step in steps if "privacy-bot" in step["run"]] == ["bash"]
