"""Write the JSON Schemas by which an editor's program completes and checks the knowledge while typing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

from bot.knowledge.checkup import CheckupForm
from bot.knowledge.letters import LetterForm
from bot.knowledge.model import DevicesForm, FactsForm, GroupsForm, OfftopicForm, PlacesForm, SourcesForm, TopicForm
from bot.knowledge.questions import QuestionsForm
from bot.knowledge.texts import Texts

FOLDER = Path("knowledge") / ".schema"
SETTINGS = Path(".vscode") / "settings.json"

_FORMS: Mapping[str, tuple[type[BaseModel], str]] = {
    "topic": (TopicForm, "knowledge/topics/*/*.yaml"),
    "groups": (GroupsForm, "knowledge/groups.yaml"),
    "facts": (FactsForm, "knowledge/facts.yaml"),
    "sources": (SourcesForm, "knowledge/sources.yaml"),
    "places": (PlacesForm, "knowledge/places.yaml"),
    "devices": (DevicesForm, "knowledge/devices.yaml"),
    "texts": (Texts, "knowledge/texts.yaml"),
    "checkup": (CheckupForm, "knowledge/checkup.yaml"),
    "letter": (LetterForm, "knowledge/letters/*.yaml"),
    "offtopic": (OfftopicForm, "knowledge/offtopic/*.yaml"),
    "questions": (QuestionsForm, "knowledge/questions/*.yaml"),
}


def files() -> dict[Path, str]:
    """Return every file of schemas and settings with its text, by its path in the checkout."""
    found = {
        FOLDER / f"{name}.json": _json(form.model_json_schema(by_alias=True)) for name, (form, _) in _FORMS.items()
    }
    settings = {
        "yaml.schemas": {f"./{(FOLDER / f'{name}.json').as_posix()}": pattern for name, (_, pattern) in _FORMS.items()},
        "yaml.format.enable": False,
        "files.encoding": "utf8",
        "files.eol": "\n",
        "[yaml]": {"editor.insertSpaces": True, "editor.tabSize": 2},
    }
    found[SETTINGS] = _json(settings)
    return found


def write(root: Path) -> None:
    """Write the files below the checkout `root`."""
    for path, text in files().items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    write(Path.cwd())
