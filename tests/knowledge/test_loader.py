from __future__ import annotations

from pathlib import Path

import pytest
from conftest import SMALL, write_knowledge

from bot.knowledge.finding import KnowledgeError, Severity
from bot.knowledge.loader import load, load_questions, read, version
from bot.knowledge.model import Device, Knowledge, PlaceId, TopicId

PHONE = "topics/opting-out/opt-out-phone.yaml"
DMS = "topics/which-data/private-messages.yaml"


def phone(old: str, new: str) -> dict[str, str | None]:
    assert old in SMALL[PHONE]
    return {PHONE: SMALL[PHONE].replace(old, new)}


def test_a_whole_folder_is_loaded(small: Knowledge):
    """A folder without errors becomes one knowledge with groups, topics, facts and sources."""
    assert [group.id for group in small.groups] == ["opting-out", "which-data"]
    assert set(small.topics) == {"opt-out-phone", "private-messages"}
    topic = small.topics[TopicId("opt-out-phone")]
    assert topic.label == "Turn it off on a phone"
    assert small.topics[TopicId("private-messages")].label == "Are private messages used?"
    assert small.offtopic["near"] == ("i forgot my password", "how much is premium")


def test_official_sources_come_before_press_and_copies_last(small: Knowledge):
    """The sources of a topic follow from its facts, official ones first."""
    topic = small.topics[TopicId("opt-out-phone")]
    assert [source.id for source in small.sources_of(topic)] == ["help-page", "press-report"]


def test_the_most_specific_place_wins(small: Knowledge):
    """Germany takes what the EEA overrides, device by device; the rest stays as it is."""
    topic = small.topics[TopicId("opt-out-phone")]
    fit = topic.fit(small.chain(PlaceId("de")))
    assert fit.answer == "You can switch it off in the app."
    assert fit.limits == "In the EEA there is an objection form beside it."
    assert fit.steps[Device.IOS] == ("Open the app in the EEA.",)
    assert fit.steps[Device.ANDROID][0] == "Open the app on your Android."


def test_an_overridden_answer_silences_the_easy_text_of_the_general_one(small: Knowledge):
    """What is said for a place is never retold in words that hold elsewhere."""
    topic = small.topics[TopicId("opt-out-phone")]
    assert topic.fit(small.chain(PlaceId("gb"))).easy is None
    assert topic.default.easy == "There is a switch. Turn it off."


def test_unknown_places_have_no_chain(small: Knowledge):
    """A place that nobody knows changes nothing."""
    assert small.chain(PlaceId("xx")) == ()
    assert small.chain(None) == ()


def place(folder: Path, path: str, at: str) -> tuple[int, int]:
    """Return line and column of a text in a file, the beginning for an empty text."""
    if not at:
        return 1, 1
    before = (folder / path).read_text(encoding="utf-8").partition(at)[0]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


BROKEN = [
    (phone("title: Turn", "ttile: Turn"), PHONE, "ttile", "unknown-key", '"ttile"', 'did you mean "title"?'),
    (phone("facts: [F-OPT-01]\n", ""), PHONE, "title", "missing-key", '"facts"', "facts:"),
    (phone("reviewed: 2026-11-01\n", ""), PHONE, "title", "missing-key", '"reviewed"', "reviewed:"),
    (phone("F-OPT-01", "F-OPT-10"), PHONE, "F-OPT-10", "unknown-fact", '"F-OPT-10"', 'did you mean "F-OPT-01"?'),
    (phone("[private-messages]", "[privat-messages]"), PHONE, "privat-messages", "unknown-topic", '"privat-messages"', 'did you mean "private-messages"?'),
    (phone("[private-messages]", "[opt-out-phone]"), PHONE, "opt-out-phone]", "related-self", "itself", "delete"),
    (phone("  gb:", "  uk:"), PHONE, "uk:", "unknown-place", '"uk"', ""),
    (phone("related:", "covers: [uk]\nrelated:"), PHONE, "uk]", "unknown-place", 'covers: the place "uk"', "gb"),
    (phone("  android:", "  andriod:"), PHONE, "andriod", "unknown-device", '"andriod"', 'did you mean "android"?'),
    (phone("title: Turn off AI training on your phone", "title: no"), PHONE, "no\n", "not-text", "yes or no", '"no"'),
    (phone("title: Turn off AI training on your phone", "title: 2025"), PHONE, "2025\n", "not-text", "a number", '"2025"'),
    (phone("title: Turn off AI training on your phone", "title: Off # really"), PHONE, "Off # really", "cut-at-hash", "# really", '"Off # really"'),
    (phone("title: Turn off AI training on your phone", "title:"), PHONE, "\nlabel", "not-text", "empty", "delete the key"),
    (phone("  - turn off ai training iphone", "  - linkedin ai: how"), PHONE, "linkedin ai: how", "colon-inside", "item 2 of asks", '- "linkedin ai: how"'),
    (phone("  - turn off ai training iphone", "  - off"), PHONE, "off\n", "not-text", "yes or no", '"off"'),
    (phone("reviewed: 2026-11-01", "reviewed: soon"), PHONE, "soon", "date-type", "reviewed", "2026-11-23"),
    (phone("reviewed: 2026-11-01", 'reviewed: "2026-11-01"'), PHONE, '"2026-11-01"', "date-type", "reviewed", "without quotes"),
    (phone("reviewed: 2026-11-01", "reviewed: 2026-13-01"), PHONE, "2026-13-01", "date-type", "reviewed", "2026-11-23"),
    (phone("review_every: 60", "review_every: often"), PHONE, "often", "int-type", "review_every", "digits"),
    (phone("limits: |\n  It does not undo earlier training.\n", ""), PHONE, "steps:", "missing-limits", "limits", "limits: |"),
    (phone('url: "https://www.linkedin.com/mypref', 'url: "http://www.linkedin.com/mypref'), PHONE, '"http://', "value-error", "https://", ""),
    (phone('url: "https://www.linkedin.com/mypref', 'url: "javascript:alert(1)//mypref'), PHONE, '"javascript', "value-error", "https://", ""),
    (phone('url: "https://www.linkedin.com/mypref', 'url: "https://me:pw@www.linkedin.com/mypref'), PHONE, '"https://me', "value-error", "password", ""),
    (phone("[help page](https://www.", "[help page](http://www."), PHONE, "http://www.linkedin.com/help", "link", "https://", "[label]"),
    ({DMS: SMALL[DMS].replace("inmail used", "turn off ai training iphone #x").replace(" #x for ai", "")}, DMS, "turn off ai", "duplicate-ask", "opt-out-phone", "one place"),
    ({"groups.yaml": SMALL["groups.yaml"].replace("which-data", "what-data")}, DMS, "", "unknown-group", '"which-data"', 'did you mean "what-data"?'),
    ({"facts.yaml": SMALL["facts.yaml"].replace("F-DATA-01", "F-OPT-01")}, "facts.yaml", "F-OPT-01\n    statement: Private", "duplicate-fact", "twice", "delete"),
    ({"facts.yaml": SMALL["facts.yaml"].replace("contested", "maybe")}, "facts.yaml", "maybe", "enum", "status", "'sure'"),
    ({"facts.yaml": SMALL["facts.yaml"].replace("press-report", "pres-report")}, "facts.yaml", "pres-report", "unknown-source", '"pres-report"', '"press-report"'),
    ({"sources.yaml": None}, "sources.yaml", "", "missing-file", "sources.yaml", ""),
    ({"topics/which-data/Bad_Name.yaml": SMALL[DMS].replace("are my", "do they read")}, "topics/which-data/Bad_Name.yaml", "", "topic-id", "Bad_Name", "hyphens"),
    ({"topics/opting-out/private-messages.yaml": SMALL[DMS]}, DMS, "", "duplicate-topic", "twice", ""),
    ({"topics/opting-out/stray.yml": "a: b\n"}, "topics/opting-out/stray.yml", "", "stray-file", ".yaml", "stray.yaml"),
    ({"topics/stray.yaml": "a: b\n"}, "topics/stray.yaml", "", "stray-file", "", ""),
    ({"questions/golden.yaml": "topics:\n  opt-out-fone:\n    - x y\n"}, "questions/golden.yaml", "opt-out-fone", "unknown-topic", "opt-out-fone", "opt-out-phone"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "path", "at", "code", "what", "remedy"), BROKEN)
def test_an_error_names_file_line_column_and_remedy(
    tmp_path: Path, changes: dict[str, str | None], path: str, at: str, code: str, what: str, remedy: str
):
    """Each error tells what is wrong, where, and what to do, and refuses the whole folder."""
    folder = write_knowledge(tmp_path / "k", changes)
    with pytest.raises(KnowledgeError) as caught:
        load(folder)
    found = [finding for finding in caught.value.findings if finding.code == code]
    assert found, [str(finding) for finding in caught.value.findings]
    assert found[0].path == path
    assert (found[0].line, found[0].column) == place(folder, path, at)
    assert what in found[0].what
    assert remedy in found[0].remedy
    assert found[0].severity is Severity.ERROR
    assert str(found[0]).startswith(f"{path}:{found[0].line}:{found[0].column}: ")


def test_all_errors_of_all_files_are_reported_at_once(tmp_path: Path):
    """Errors in several files come in one report, sorted by place."""
    changes = phone("title: Turn", "ttile: Turn") | {
        DMS: SMALL[DMS].replace("title: Are", "title: *Are*"),
        "groups.yaml": None,
    }
    _, findings = read(write_knowledge(tmp_path / "k", changes))
    assert {finding.code for finding in findings} >= {"unknown-key", "missing-key", "special-start", "missing-file"}
    assert findings == sorted(findings)


def test_a_missing_folder_is_one_sentence(tmp_path: Path):
    """A folder that is not there is told as such."""
    _, findings = read(tmp_path / "nowhere")
    assert [finding.code for finding in findings] == ["no-folder"]


def test_unknown_placeholders_in_texts_are_refused(tmp_path: Path):
    """A sentence of the bot holds just the placeholders that the bot fills in."""
    texts = (Path(__file__).parents[2] / "knowledge" / "texts.yaml").read_text(encoding="utf-8")
    _, findings = read(
        write_knowledge(tmp_path / "k", {"texts.yaml": texts.replace("checked on {date}", "checked on {day}")})
    )
    assert ["{day}" in finding.what for finding in findings] == [True]


def test_folders_that_are_links_are_refused(folder: Path, tmp_path: Path):
    """A link to a folder is never followed."""
    (tmp_path / "elsewhere").mkdir()
    (folder / "topics" / "linked").symlink_to(tmp_path / "elsewhere")
    assert [finding.code for finding in read(folder)[1]] == ["symlink"]


def test_the_version_follows_the_content(folder: Path):
    """The same content has the same version, any change another."""
    before = version(folder)
    assert version(folder) == before
    file = folder / "groups.yaml"
    file.write_text(file.read_text() + "# a remark\n")
    assert version(folder) != before


def test_golden_questions_are_read_apart(folder: Path):
    """Golden questions are joined over all files and never part of the knowledge."""
    questions = load_questions(folder)
    assert [golden.text for golden in questions.topics["opt-out-phone"]] == [
        "where is the switch on my handset",
        "phone opt out please",
    ]
    assert questions.topics["opt-out-phone"][1].also == ["private-messages"]
    assert questions.slots[0].place == "de"


def test_norway_is_a_place(tmp_path: Path):
    """`no:` below places is Norway."""
    _, findings = read(write_knowledge(tmp_path / "k", phone("  gb:", "  no:")))
    assert findings == []
