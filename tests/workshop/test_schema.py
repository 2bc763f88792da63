from __future__ import annotations

import datetime
import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from conftest import ROOT

from bot.workshop.schema import files


def test_the_schemas_are_fresh():
    """The schemas in the repository are those that the forms give now (`make schema`)."""
    stale = [
        str(path)
        for path, text in files().items()
        if not (ROOT / path).is_file() or (ROOT / path).read_text(encoding="utf-8") != text
    ]
    assert stale == []


@pytest.mark.parametrize("name", ["groups", "facts", "sources", "places", "devices", "texts", "checkup"])
def test_the_knowledge_fits_its_schema(name: str):
    """What the loader accepts, an editor's program accepts too."""
    schema = json.loads((ROOT / "knowledge" / ".schema" / f"{name}.json").read_text(encoding="utf-8"))
    data = yaml.load((ROOT / "knowledge" / f"{name}.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    jsonschema.validate(_dates_as_text(data), schema)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "knowledge" / "topics").glob("*/*.yaml"))[::10], ids=lambda path: path.stem
)
def test_topics_fit_their_schema(path: Path):
    """A sample of the topics fits the topic schema."""
    schema = json.loads((ROOT / "knowledge" / ".schema" / "topic.json").read_text(encoding="utf-8"))
    jsonschema.validate(_dates_as_text(yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)), schema)


def _dates_as_text(value: object) -> object:
    if isinstance(value, dict):
        return {("no" if key is False else str(key)): _dates_as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_dates_as_text(item) for item in value]
    return value.isoformat() if isinstance(value, datetime.date) else value
