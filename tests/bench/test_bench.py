"""The comparison with other ways to match: its own logic, without the packages that only baselines use."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench import measure, parts
from bench.methods import METHODS, NOTHING, Fuzzy
from bench.report import plot, table
from bench.sets import PHRASINGS, Sets, grown, public
from bot.dialogue.dialogue import Dialogue
from bot.matching.model import Training
from bot.workshop.figures import Question, Set

LEARNED = Training(
    {
        "stop": ("how do i switch it off", "turn off the ai training", "opt me out of ai"),
        "data": ("which data do they take", "what of my posts is used", "are my photos used"),
    },
    {"chat": tuple(f"tell me joke number {number} about cats" for number in range(50))},
)


class Sure:
    """A method whose score is the number that a message ends with."""

    def learn(self, learned: Training) -> None:
        self.offtopic = learned.offtopic

    def first(self, text: str) -> tuple[str, float]:
        return "stop", float(text.rsplit(maxsplit=1)[-1])


def test_the_limit_lets_two_in_a_hundred_left_out_messages_through():
    """Of the messages that a method did not learn, those with the highest scores alone come over its limit."""
    learned = Training({"stop": ("a 1",)}, {"noise": tuple(f"x {number}" for number in range(1000))})
    limit = measure._limit(Sure, learned)
    assert 960 < limit < 1000


def test_a_left_out_message_is_not_learned():
    """What the limit is found with is not among what the method saw."""
    seen: list[Training] = []

    class Watching(Sure):
        def learn(self, learned: Training) -> None:
            seen.append(learned)

    measure._limit(Watching, Training({"stop": ("a 1",)}, {"noise": tuple(f"x {number}" for number in range(100))}))
    assert len(seen[0].offtopic["noise"]) == 80


def test_a_message_that_is_likest_an_off_topic_one_is_not_answered():
    """Off-topic messages are one more class, whose victory means no answer."""
    method = Fuzzy("token_set_ratio")
    method.learn(LEARNED)
    assert method.first("tell me joke number 7 about cats")[0] == NOTHING
    assert method.first("turn off ai training")[0] == "stop"


def test_a_method_is_measured_whole():
    """A method's row holds every figure of the table, from the one module that computes figures."""
    asked = (
        Question("turn off the ai training please", Set.IN_SCOPE, ("stop",)),
        Question("are my photos used", Set.IN_SCOPE, ("stop",), frozenset({"data"})),
        Question("tell me joke number 3 about cats", Set.OFF_TOPIC),
    )
    row = measure.golden(lambda: Fuzzy("token_set_ratio"), Sets("golden", LEARNED, asked))
    assert row["top1"] == 1.0
    assert row["off"] == 0.0
    assert row["p50"] > 0


def test_public_sets_are_drawn_with_ten_phrasings_an_intent(tmp_path: Path):
    """The same seed draws the same phrasings, another one others; out-of-scope messages may not be answered."""
    folder = tmp_path / "banking77"
    folder.mkdir()
    for part in ("train", "test"):
        with (folder / f"{part}.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["text", "category"])
            rows.writerows([[f"{part} {number}", "card"] for number in range(40)])
    (tmp_path / "clinc150").mkdir()
    data = {"train": [[f"t {n}", "time"] for n in range(20)], "test": [["now", "time"]], "oos_test": [["moo", "oos"]]}
    (tmp_path / "clinc150" / "data_full.json").write_text(json.dumps(data), encoding="utf-8")
    banking, clinc = public(tmp_path, 1)
    assert len(banking.learned.topics["card"]) == PHRASINGS
    assert banking.learned == public(tmp_path, 1)[0].learned
    assert banking.learned != public(tmp_path, 2)[0].learned
    assert clinc.asked[-1] == Question("moo", Set.OFF_TOPIC)


@pytest.mark.parametrize("count", [2, 100])
def test_phrasings_grow_to_the_number_asked_for(count: int):
    """Growth is measured over as many phrasings as it says."""
    assert sum(map(len, grown(LEARNED, count).topics.values())) == count


def test_table_and_plot_name_every_method_and_show_a_dash_for_what_was_not_measured():
    """A missing column is a dash, never a nought; the plot is well-formed and has a line a method."""
    golden = {
        "top1": 0.9, "right": 0.8, "wrong": 0.02, "off": 0.01, "typos": None, "p50": 4.0, "p99": 9.0, "memory": 80.0,
        "curve": [[0.1, 0.0], [0.5, 0.01], [0.9, 0.2]],
    }  # fmt: skip
    results = {name: {"golden": golden} for name in METHODS}
    text = table(results)
    assert all(f"| {name} | 0.900 | 0.800 | 0.020 | 0.010 | – | ×1.00 | 80 MB | – |" in text for name in METHODS)
    drawn = ET.fromstring(plot(results))
    assert len(drawn.findall("{http://www.w3.org/2000/svg}polyline")) == len(METHODS)


async def test_our_part_stands_beside_that_of_the_bare_libraries(dialogue: Dialogue):
    """For both platforms the table has the library's time, ours, and both together."""
    texts = ["are my dms read"] * 25
    found = {"Telegram": await parts.telegram(dialogue, texts), "Discord": await parts.discord_(dialogue, texts)}
    for times in found.values():
        assert set(times) == {"library", "ours", "together"}
        assert times["library"][0] < times["together"][0]
    assert parts.table(found).count("\n| ") == 6
