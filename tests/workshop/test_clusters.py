from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from bot.matching.encoder import Encoder
from bot.matching.model import Band, Explanation, Match, Ranked, Thresholds
from bot.workshop.clusters import NOTICE, Message, MessagesError, clusters, group, listed, read_messages


class Matcher:
    """Says of each text which topics are how likely, and whether the message is ours."""

    def __init__(self, says: dict[str, tuple[str, float, float]]) -> None:
        self.says = says

    def match(self, text: str, *, after: str | None = None, apart: bool = False) -> Match:
        raise NotImplementedError

    def explain(self, text: str, *, after: str | None = None, apart: bool = False) -> Explanation:
        topic, chance, ours = next(told for key, told in self.says.items() if key in text)
        ranked = (Ranked(topic, chance), Ranked("other", chance / 10))
        band = Band.SURE if chance >= 0.5 else Band.NONE
        return Explanation(
            Match(band, ranked[:1] if band is Band.SURE else ()), text, (), ours, ranked, ranked[1], (), (), (),
            Thresholds(answer=0.5, sure=0.7, offer=0.1),
        )  # fmt: skip


def test_messages_are_read_from_text_and_from_the_ledger():
    """A line is a message, a JSON line counts more; the same words count together, what holds no word is left out."""
    text = '\ufeffare dms read\n\n???\n{"text": "are dms read", "count": 3}\n{"text": "who  am i"}\r\n'
    assert read_messages(text, "x") == [Message("are dms read", 4), Message("who am i", 1)]


def test_every_line_that_does_not_fit_is_told():
    """Broken JSON, a missing text and a senseless count are told with their lines, all at once."""
    with pytest.raises(MessagesError) as caught:
        read_messages('ok\n{bad\n{"count": 2}\n{"text": "a", "count": 0}\n{"text": "a", "count": true}\n', "x")
    lines = str(caught.value).split("\n")
    assert [line.split(" ")[0] for line in lines] == ["x:2:", "x:3:", "x:4:", "x:5:"]
    with pytest.raises(MessagesError, match="holds no message"):
        read_messages("\n?\n", "x")


def test_grouping_joins_what_is_alike_on_average():
    """Rows that point the same way are one group; a row that is like only one member stays out."""
    rows = np.array([[1, 0, 0], [0.98, 0.2, 0], [0, 1, 0], [0, 0.1, 1], [0, 0, 2]])
    assert sorted(group(rows, 0.8)) == [[0, 1], [2], [3, 4]]
    assert sorted(group(rows, 1.1)) == [[0], [1], [2], [3], [4]]
    assert sorted(group(rows, -1.0)) == [[0, 1, 2, 3, 4]]


def test_each_cluster_gets_the_proposal_that_fits():
    """Near a topic, ours but far from any, and not ours at all are told apart; the most asked comes first."""
    said = [
        Message("is my voice message used to train ai", 2), Message("are voice messages used for ai training"),
        Message("best pizza in town"), Message("does linkedin ai wake the dead"),
    ]  # fmt: skip
    matcher = Matcher(
        {"voice": ("private-messages", 0.4, 0.9), "pizza": ("countries", 0.01, 0.01), "dead": ("other", 0.1, 0.8)}
    )
    steps: list[tuple[int, int]] = []
    found = clusters(said, matcher, Encoder.load(), lambda done, of: steps.append((done, of)))
    assert [(cluster.topic, cluster.count, len(cluster.messages)) for cluster in found] == [
        ("private-messages", 3, 2), ("countries", 1, 1), ("other", 1, 1),
    ]  # fmt: skip
    assert steps[-1] == (3, 3)
    out = io.StringIO()
    Console(file=out, width=200).print(listed(found, {"private-messages": "Are they read?"}))
    for told in (
        "asked 3 times",
        "Nearest topic: private-messages",
        "A topic may be missing",
        "No topic, and hardly ours",
        NOTICE[:60],
    ):
        assert told in out.getvalue()


def test_what_people_typed_moves_no_cursor():
    """Control characters are shown as dots, long messages are cut."""
    found = clusters([Message("pizza \x1b[2J" + "x" * 300)], Matcher({"pizza": ("a", 0.6, 0.6)}), Encoder.load())
    out = io.StringIO()
    Console(file=out, width=400).print(listed(found, {}))
    assert "\x1b" not in out.getvalue()
    assert "…”" in out.getvalue()
    assert "Answered today" in out.getvalue()
