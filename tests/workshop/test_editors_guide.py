from __future__ import annotations

import re

import pytest
from conftest import ROOT

from bot.cli import app
from bot.knowledge.checkup import ControlForm
from bot.knowledge.draft import fill
from bot.knowledge.form import Form
from bot.knowledge.letters import BLANKS, PLACEHOLDERS, LetterForm
from bot.knowledge.model import TopicForm
from bot.knowledge.yaml_text import parse_yaml
from bot.workshop.fixing import fix_text

GUIDE = (ROOT / "knowledge" / "README.md").read_text(encoding="utf-8")


def test_the_guide_opens_with_a_whole_entry_that_is_right():
    """The example has every key, fits the form, and is written as `check --fix` would write it."""
    example = re.search(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    assert example
    document, findings = parse_yaml(example[1], "topics/opting-out/example.yaml")
    filed, misfits = fill(TopicForm, document)
    assert filed
    assert [*findings, *misfits] == []
    assert set(document.data) == set(TopicForm.model_fields)
    assert fix_text(example[1], "topics/opting-out/example.yaml")[1] == ()


def test_the_table_explains_every_key():
    """Each key of a topic has its row, and there is no row for a key that does not exist."""
    table = GUIDE[GUIDE.index("| key | needed |") :].split("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(TopicForm.model_fields)


@pytest.mark.parametrize(
    ("section", "noun", "form"), [("Letters", "letter", LetterForm), ("Check-up", "control", ControlForm)]
)
def test_letters_and_controls_have_a_whole_entry_and_a_table(section: str, noun: str, form: type[Form]):
    """The example of each has every key and fits its form, and its table explains exactly these keys."""
    part = GUIDE[GUIDE.index(f"## {section}\n") :].split("\n## ")[0]
    example = re.search(r"```yaml\n(.*?)```", part, re.DOTALL)
    assert example
    document, findings = parse_yaml(example[1], "example.yaml")
    filed, misfits = fill(form, document)
    assert filed
    assert [*findings, *misfits] == []
    assert set(document.data) == set(form.model_fields)
    table = part[part.index(f"| key of a {noun} | needed |") :].split("\n\n")[0]
    needed = {key: bool(mark.strip()) for key, mark in re.findall(r"^\| `(\w+)` \|([^|]*)\|", table, re.MULTILINE)}
    assert needed == {key: field.is_required() for key, field in form.model_fields.items()}


def test_letters_name_every_placeholder_and_blank():
    """An editor finds there each word that the bot fills in, and each that people do."""
    part = GUIDE[GUIDE.index("## Letters\n") :].split("\n## ")[0]
    assert set(re.findall(r"`\{(\w+)\}`", part)) == set(PLACEHOLDERS)
    assert set(re.findall(r"`\[([^]]+)\]`", part)) == set(BLANKS)


@pytest.mark.parametrize(
    "task",
    [
        "Change a sentence",
        "LinkedIn moved a menu",
        "Add a topic",
        "A fact changed",
        "Letters",
        "Check-up",
        "People ask something we have no answer for",
    ],
)
def test_each_task_has_its_section_with_a_command(task: str):
    """An editor finds each task by its name, with the command to run."""
    section = GUIDE[GUIDE.index(f"## {task}\n") :].split("\n## ")[0]
    assert "privacy-bot " in section


def test_every_command_of_the_guide_exists():
    """Each command, and each option beside it, is one that the console has."""
    from typer.main import get_command  # noqa: PLC0415

    commands = get_command(app).commands  # type: ignore[attr-defined]
    found = re.findall(r"privacy-bot ([a-z]+)((?: --[a-z-]+)*)", GUIDE)
    assert len(found) > 10
    for name, options in found:
        known = {option for parameter in commands[name].params for option in parameter.opts}
        assert set(options.split()) <= known, name
