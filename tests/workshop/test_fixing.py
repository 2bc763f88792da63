from __future__ import annotations

import os
import random
import re
from pathlib import Path

import pytest
from conftest import ROOT, SMALL, write_knowledge

from bot.knowledge.loader import read
from bot.knowledge.yaml_text import parse_yaml
from bot.workshop.fixing import TOPIC_KEYS, fix_folder, fix_text, same_meaning

PHONE = "topics/opting-out/opt-out-phone.yaml"
DMS = "topics/which-data/private-messages.yaml"

UNTIDY = """\
# About the file.
asks:
  - 'are my dms read'
  - 'he said "no"'
  - "a"   
  # about the last
  - does it train   


# Above the answer,
# on two lines.
answer: |
  LinkedIn says no.  
  # no comment

  - a list


  that goes on.
steps:
  # for iPads too
  ios:
    - Open it.
  desktop:
    - Open **it**.
  # the end of the steps
limits: |
  None.
title: 'Are they used?' # trailing
places:
  gb:
    limits: |
      Less.
    answer: |
      In the UK.
facts: [F-DATA-01]   
reviewed: 2026-11-01
# the last word


"""  # noqa: W291 - the white space is what is mended

TIDY = """\
# About the file.
title: "Are they used?" # trailing
# Above the answer,
# on two lines.
answer: |
  LinkedIn says no.  
  # no comment

  - a list


  that goes on.
limits: |
  None.
steps:
  # for iPads too
  ios:
    - Open it.
  desktop:
    - Open **it**.
  # the end of the steps
places:
  gb:
    answer: |
      In the UK.
    limits: |
      Less.
facts: [F-DATA-01]
reviewed: 2026-11-01
asks:
  - "are my dms read"
  - 'he said "no"'
  - "a"
  # about the last
  - does it train

# the last word
"""  # noqa: W291


def test_what_means_nothing_is_mended():
    """White space, quotes and the order of keys are mended; texts, lists and every comment stay."""
    text, done = fix_text(UNTIDY, DMS)
    assert text == TIDY
    assert len(done) == 3
    assert same_meaning(UNTIDY, text, DMS)


def test_mending_twice_changes_nothing_more():
    """What was mended is left alone the next time."""
    assert fix_text(TIDY, DMS) == (TIDY, ())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("\ufefftitle: a\r\nasks:\r\n  - b\r\n", "title: a\nasks:\n  - b\n"),
        ("title: a", "title: a\n"),
        ("answer: |\n  a\n\n\n  b\n\n\n", "answer: |\n  a\n\n\n  b\n"),
        ("title: 'a\\b'\n", "title: 'a\\b'\n"),
        ("title: 'it''s'\n", 'title: "it\'s"\n'),
        ('title: "2024"\n', 'title: "2024"\n'),
        ("links:\n  - {label: 'ü', url: 'b'}\n", 'links:\n  - {label: "ü", url: "b"}\n'),
        ("answer: |\n  'a'\n# b\ntitle: x\n", "# b\ntitle: x\nanswer: |\n  'a'\n"),
    ],
)
def test_each_kind_is_mended_in_its_own_way(before: str, after: str):
    """Line ends, a missing last line end and quotes are mended only where the value stays."""
    assert fix_text(before, DMS)[0] == after


def test_entries_of_lists_are_put_in_order():
    """Keys of facts follow the order of the form, each entry keeps its place and its dash."""
    before = "facts:\n  # first\n  - statement: |\n      b\n      c\n    id: F-A-1\n    # why\n    unused: x\n  - id: F-A-2\n    statement: d\n"
    after = "facts:\n  # first\n  - id: F-A-1\n    statement: |\n      b\n      c\n    # why\n    unused: x\n  - id: F-A-2\n    statement: d\n"
    assert fix_text(before, "facts.yaml")[0] == after


def test_controls_of_the_check_up_are_put_in_order():
    """The keys of a control follow the order of its form; the controls themselves stay where they are."""
    before = (
        "controls:\n  - title: b\n    id: b\n    facts: [F-A-1]\n    why: w\n    topic: t\n  - id: a\n    title: a\n"
    )
    after = (
        "controls:\n  - id: b\n    title: b\n    why: w\n    topic: t\n    facts: [F-A-1]\n  - id: a\n    title: a\n"
    )
    assert fix_text(before, "checkup.yaml")[0] == after


def test_the_keys_of_a_letter_are_put_in_order():
    """A letter begins with its title, what it asks for has an order of its own, and each comment stays with its key."""
    before = "# file\nbody: |\n  {grounds}\n# why grounds\ngrounds:\n  hint: h\n  ask: a\nto: controller\ntitle: t\n"
    after = "# file\ntitle: t\nto: controller\n# why grounds\ngrounds:\n  ask: a\n  hint: h\nbody: |\n  {grounds}\n"
    assert fix_text(before, "letters/a.yaml")[0] == after


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("title: a\n", "title: b\n"),
        ("asks: [a, b]\n", "asks: [b, a]\n"),
        ("title: a\n# b\n", "title: a\n"),
        ("title: a\n# b\n", "title: a\n# c\n"),
        ("title: 'a' # b\n", "title: 'a'\n"),
        ("title: a\n", "title: [\n"),
    ],
)
def test_a_change_of_meaning_is_noticed(one: str, other: str):
    """Other values, another order in a list, a lost or changed comment and broken YAML are no mending."""
    assert not same_meaning(one, other, DMS)


def test_a_file_with_an_error_is_left_alone(tmp_path: Path):
    """What cannot be read for certain is not touched, and that is said with its line."""
    broken = SMALL[DMS].replace("title:", "ttile:") + "  \n\n"
    folder = write_knowledge(tmp_path / "k", {DMS: broken, PHONE: SMALL[PHONE] + "\n\n"})
    found = {one.path: one for one in fix_folder(folder)}
    assert (folder / DMS).read_text(encoding="utf-8") == broken
    assert found[DMS].done == ()
    assert found[DMS].error.startswith("line 1: ")
    assert found[PHONE].done
    assert (folder / PHONE).read_text(encoding="utf-8") == SMALL[PHONE]


def test_mending_keeps_permissions_and_leaves_no_other_file(tmp_path: Path):
    """A mended file keeps its mode, and nothing else appears beside it."""
    folder = write_knowledge(tmp_path / "k", {PHONE: SMALL[PHONE] + "\n\n"})
    (folder / PHONE).chmod(0o640)
    before = sorted(folder.rglob("*"))
    fix_folder(folder)
    assert (folder / PHONE).stat().st_mode & 0o777 == 0o640
    assert sorted(folder.rglob("*")) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_cannot_be_written_is_told(tmp_path: Path):
    """A folder without permission raises, and the file is as it was."""
    folder = write_knowledge(tmp_path / "k", {PHONE: SMALL[PHONE] + "\n\n"})
    (folder / PHONE).parent.chmod(0o500)
    with pytest.raises(PermissionError):
        fix_folder(folder)
    assert (folder / PHONE).read_text(encoding="utf-8") == SMALL[PHONE] + "\n\n"


def test_the_projects_own_knowledge_keeps_its_meaning(real_folder: Path):
    """Mending everything that the project ships changes no value, and a second time nothing."""
    before, _ = read(real_folder)
    fix_folder(real_folder)
    after, errors = read(real_folder)
    assert errors == []
    assert {id: filed.form for id, filed in after.topics.items()} == {
        id: filed.form for id, filed in before.topics.items()
    }
    assert {id: filed.form for id, filed in after.letters.items()} == {
        id: filed.form for id, filed in before.letters.items()
    }
    for name in ("groups", "facts", "sources", "places", "devices", "texts", "checkup"):
        assert getattr(after, name).form == getattr(before, name).form
    assert [filed.form for filed in after.questions] == [filed.form for filed in before.questions]
    assert [filed.form for filed in after.offtopic] == [filed.form for filed in before.offtopic]
    assert fix_folder(real_folder) == []


@pytest.mark.parametrize("seed", range(40))
def test_any_order_of_keys_comes_back_with_its_comments(seed: int):
    """However the keys of a real topic are shuffled and remarked upon, they come back in order, and once is enough."""
    chance = random.Random(seed)
    file = chance.choice(sorted((ROOT / "knowledge" / "topics").rglob("*.yaml")))
    parts = re.split(r"^(?=[a-z_]+:)", file.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    chance.shuffle(parts)
    remarks = [f"# remark {number}{chance.choice(['', '  ', chr(10) + '# and on'])}\n" for number in range(len(parts))]
    gaps = [chance.choice(["", "\n", "\n\n\n"]) for _ in parts]
    untidy = "".join(gap + remark + part for gap, remark, part in zip(gaps, remarks, parts, strict=True))
    text, done = fix_text(untidy, "topics/a/b.yaml")
    document, _ = parse_yaml(text, "x")
    assert "put its keys in order" in done
    assert list(document.data) == [key for key in TOPIC_KEYS if key in document.data]
    assert same_meaning(untidy, text, "topics/a/b.yaml")
    assert fix_text(text, "topics/a/b.yaml") == (text, ())
    # The very first remark speaks about the file; each other one still stands right above its key.
    for remark, part in list(zip(remarks, parts, strict=True))[1:]:
        key = part.split(":")[0]
        assert re.search(re.escape(remark.split("\n")[0].rstrip()) + rf"\n(# and on\n)?{key}:", text)


def test_every_key_of_a_topic_has_its_place():
    """The order names each key that a topic can have, so that none is moved to the end unseen."""
    schema = (ROOT / "knowledge" / ".schema" / "topic.json").read_text(encoding="utf-8")
    assert all(f'"{key}"' in schema for key in TOPIC_KEYS)
    from bot.knowledge.model import TopicForm  # noqa: PLC0415

    assert set(TOPIC_KEYS) == set(TopicForm.model_fields)
