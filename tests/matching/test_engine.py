"""The engine over a knowledge of a few topics."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bot.matching.engine import Engine
from bot.matching.fit import fit
from bot.matching.heads import Heads, HeadsError
from bot.matching.kernel import shares
from bot.matching.model import Band, Training

TINY = Training(
    topics={
        "opt-out": (
            "how do i switch the ai training off",
            "turn off ai training",
            "stop linkedin from training on my profile",
        ),
        "delete-posts": (
            "does deleting my posts help",
            "are posts that i delete gone from the model",
            "i removed my old posts, are they still used",
        ),
    },
    offtopic={"smalltalk": ("what a lovely day", "tell me a joke")},
    related={"opt-out": ("delete-posts",)},
)


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Return an engine over the few topics."""
    return Engine(fit(TINY))


def test_a_known_ask_is_ranked_first(engine: Engine) -> None:
    """A known ask is ranked first."""
    told = engine.explain("how do i switch the ai training off")
    assert told.ranked[0].topic == "opt-out"
    assert told.nearest[0].text == "how do i switch the ai training off"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "?!...",
        "\u202e\u200d\u200b",
        "\U0001f525" * 500,
        "e" + "\u0301" * 50_000,
        "a" * 100_000,
        "zq " * 33_000,
        "\ufdfa" * 5000,
        "\x00\x01\x02",
        "\ud800",
        "\u0440\u0430\u0441\u0441\u043a\u0430\u0436\u0438 \u0448\u0443\u0442\u043a\u0443",
    ],
)
def test_hostile_input_gets_an_honest_no(engine: Engine, text: str) -> None:
    """Hostile input gets an honest no."""
    match = engine.match(text)
    assert match.band is Band.NONE
    assert match.topics == ()
    assert match.offered == ()
    assert engine.explain(text).match == match


def test_another_language_is_told(engine: Engine) -> None:
    """Another language is told."""
    match = engine.match("wie kann ich das auf meinem handy ausschalten und was ist mit den daten")
    assert (match.band, match.language) == (Band.NONE, "de")


def test_bands_and_fields_agree(engine: Engine) -> None:
    """Bands and fields agree."""
    for text in ("turn off ai training", "posts", "a joke please", "delete my posts"):
        match = engine.match(text, after="opt-out")
        if match.band is Band.SURE:
            assert match.topics
            assert not match.offered
        elif match.band is Band.NEAR:
            assert match.topics
        elif match.band is Band.CHOICES:
            assert not match.topics
            assert 2 <= len(match.offered) <= 4
        else:
            assert not match.topics
            assert not match.offered


def test_an_unknown_last_topic_changes_nothing(engine: Engine) -> None:
    """An unknown last topic changes nothing."""
    assert engine.match("delete my posts", after="gone") == engine.match("delete my posts")


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("how do i stop it", "slack"),
        ("is that legal", "slack"),
        ("how do i stop linkedin from training ai", "opt-out-overview"),
    ],
)
def test_what_points_at_a_topic_apart_is_about_it(all_topics: Engine, text: str, topic: str) -> None:
    """After Slack "how do i stop it" means Slack, however sure another topic is of these words; a whole question does not."""
    match = all_topics.match(text, after="slack", apart=True)
    assert [ranked.topic for ranked in match.topics[:1]] == [topic]


def test_whoever_names_linkedin_leaves_a_topic_apart(all_topics: Engine) -> None:
    """What names it after Slack is read as it stands."""
    text = "where's linkedin's switch for that"
    assert all_topics.match(text, after="slack", apart=True) == all_topics.match(text)


def test_heads_survive_the_file(tmp_path: Path, engine: Engine) -> None:
    """Heads survive the file."""
    path = tmp_path / "cache" / "heads.npz"
    engine.heads.save(path)
    again = Engine(Heads.load(path, TINY.digest()))
    for text in ("turn off ai training", "what of deleted posts"):
        assert again.match(text) == engine.match(text)
    assert [file.name for file in path.parent.iterdir()] == ["heads.npz"]


def test_heads_of_another_knowledge_are_refused(tmp_path: Path, engine: Engine) -> None:
    """Heads of another knowledge are refused."""
    path = tmp_path / "heads.npz"
    engine.heads.save(path)
    with pytest.raises(HeadsError, match="another knowledge"):
        Heads.load(path, replace(TINY, related={}).digest())


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04broken"])
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """A broken file is refused."""
    path = tmp_path / "heads.npz"
    path.write_bytes(content)
    with pytest.raises(HeadsError, match="cannot be read"):
        Heads.load(path)
    with pytest.raises(HeadsError, match="cannot be read"):
        Heads.load(tmp_path / "absent.npz")


def test_a_pickle_is_refused(tmp_path: Path) -> None:
    """A pickle is refused."""
    path = tmp_path / "heads.npz"
    np.savez(path, version=np.array([object()], dtype=object))
    with pytest.raises(HeadsError):
        Heads.load(path)


def test_a_broken_file_names_the_remedy(tmp_path: Path, engine: Engine) -> None:
    """A broken file names the remedy."""
    path = tmp_path / "heads.npz"
    engine.heads.save(path)
    with pytest.raises(HeadsError, match="privacy-bot fit"):
        Heads.load(path, "0" * 64)


def test_one_topic_and_no_off_topic_still_fit() -> None:
    """One topic and no off topic still fit."""
    engine = Engine(fit(Training({"only": ("what is this", "tell me what this is")})))
    assert engine.explain("what is this").ranked[0].topic == "only"


def test_general_meaning_counts_more_where_topics_have_few_asks(engine: Engine) -> None:
    """With few asks a topic the tuned block has the smaller share; with many all count alike."""
    blocks = (128, 128)
    few, many = shares(blocks, 10), shares(blocks, 80)
    assert few[0] < few[1]
    assert many == (0.5, 0.5)
    assert sum(few) == sum(many) == 1
    assert shares((128,), 10) == (1,)
    assert engine.heads.shares == few


def test_engines_share_their_encoder(engine: Engine):
    """The largest part of an engine is the same for every knowledge, so another knowledge does not load it anew."""
    assert Engine(engine.heads)._encoder is engine._encoder
