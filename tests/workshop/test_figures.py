"""The figures of the matching contract."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.workshop import figures as f
from bot.workshop.figures import Answer, Judged, Question, Set


def ask(
    of: Set,
    topics: tuple[str, ...] = (),
    answered: tuple[str, ...] = (),
    offered: tuple[str, ...] = (),
    score: float = 0.9,
    also: frozenset[str] = frozenset(),
    kind: str = "",
) -> Judged:
    return Judged(
        Question("a question", of, topics, also, kind),
        Answer(tuple((topic, score) for topic in answered), offered),
    )


def test_right_wrong_and_in_reach() -> None:
    """Right wrong and in reach."""
    judged = [
        ask(Set.IN_SCOPE, ("a",), ("a",)),
        ask(Set.IN_SCOPE, ("a",), ("b",), also=frozenset({"b"})),
        ask(Set.IN_SCOPE, ("a",), ("c",), ("a",)),
        ask(Set.IN_SCOPE, ("a",), (), ("d", "a")),
        ask(Set.IN_SCOPE, ("a",)),
    ]
    got = f.measure(judged)
    assert got[f.RIGHT].value == pytest.approx(0.4)
    assert got[f.WRONG].value == pytest.approx(0.2)
    assert got[f.REACH].value == pytest.approx(0.8)
    assert got[f.RIGHT].count == 5
    assert got.confusions == (f.Confusion("a", "c", 1),)


def test_a_second_topic_does_not_count_as_the_first() -> None:
    """A second topic does not count as the first."""
    assert not ask(Set.IN_SCOPE, ("a",), ("b", "a")).right


def test_off_topic_by_kind() -> None:
    """Off topic by kind."""
    judged = [ask(Set.OFF_TOPIC, kind="near", answered=("a",))]
    judged += [ask(Set.OFF_TOPIC, kind="near") for _ in range(18)]
    judged += [ask(Set.OFF_TOPIC, kind="near", offered=("a", "b"))]
    judged += [ask(Set.OFF_TOPIC, kind="rare", answered=("a",))]
    got = f.measure(judged)
    assert got[f.OFF_ANSWERED].value == pytest.approx(2 / 21)
    assert got[f.OFF_OFFERED].value == pytest.approx(1 / 21)
    assert got[f.OFF_KIND].value == pytest.approx(0.05)
    assert [(kind.name, kind.count, kind.answered) for kind in got.kinds] == [
        ("near", 20, pytest.approx(0.05)),
        ("rare", 1, 1.0),
    ]


def test_typos_are_a_share_of_the_clean_figure() -> None:
    """Typos are a share of the clean figure."""
    judged = [ask(Set.IN_SCOPE, ("a",), ("a",)), ask(Set.IN_SCOPE, ("a",))]
    judged += [ask(Set.TYPOS, ("a",), ("a",)), *(ask(Set.TYPOS, ("a",)) for _ in range(3))]
    assert f.measure(judged)[f.TYPOS].value == pytest.approx(0.5)


def test_several_questions_need_every_topic() -> None:
    """Several questions need every topic."""
    judged = [
        ask(Set.MULTI, ("a", "b"), ("a", "b")),
        ask(Set.MULTI, ("a", "b"), ("b", "a")),
        ask(Set.MULTI, ("a", "b"), ("a",)),
    ]
    assert f.measure(judged)[f.MULTI].value == pytest.approx(2 / 3)
    assert [one.in_order for one in judged] == [True, False, False]


def test_follow_ups_and_slots() -> None:
    """Follow ups and slots."""
    slots = Question("on my iphone in berlin", Set.SLOTS, device="ios", place="de")
    judged = [
        ask(Set.FOLLOW_UP, ("a",), ("a",)),
        Judged(slots, Answer(device="ios", place="de")),
        Judged(slots, Answer(device="ios")),
    ]
    got = f.measure(judged)
    assert got[f.FOLLOW].value == 1
    assert got[f.SLOTS].value == pytest.approx(0.5)


def test_nothing_measured_breaks_no_floor() -> None:
    """Nothing measured breaks no floor."""
    got = f.measure([])
    assert got.holds
    assert all(figure.value is None and not figure.reached for figure in got.figures)


def test_a_broken_floor_is_told() -> None:
    """A broken floor is told."""
    got = f.measure([ask(Set.IN_SCOPE, ("a",), ("b",))])
    assert not got.holds
    assert not got[f.RIGHT].holds
    assert got[f.TYPOS].value is None
    with pytest.raises(KeyError):
        got["no such figure"]


def test_calibration_error() -> None:
    """Calibration error."""
    assert f.calibration_error([]) is None
    assert f.calibration_error([(1.0, True), (0.75, True)]) == pytest.approx(0.125)
    assert f.calibration_error([(0.8, True)] * 4 + [(0.8, False)]) == pytest.approx(0.0)
    off = f.measure([ask(Set.OFF_TOPIC, answered=("a",), score=0.6)])
    assert off[f.ERROR].value == pytest.approx(0.6)


def test_risk_curve() -> None:
    """Risk curve."""
    points = f.risk_curve([(0.9, True), (0.8, False), (0.8, True), (0.1, False)])
    assert [(p.limit, p.coverage) for p in points] == [(0.9, 0.25), (0.8, 0.75), (0.1, 1.0)]
    assert [p.risk for p in points] == pytest.approx([0, 1 / 3, 1 / 2])


def test_separation() -> None:
    """Separation."""
    assert f.separation([2, 3], [0, 1]) == 1
    assert f.separation([1, 1], [1]) == pytest.approx(0.5)
    assert f.separation([0, 2], [1]) == pytest.approx(0.5)
    assert f.separation([], [1]) is None


def test_quantile() -> None:
    """Quantile."""
    assert f.quantile([3, 1, 2, 4], 0.5) == 2
    assert f.quantile(list(range(1, 101)), 0.99) == 99
    assert f.quantile([7], 0.99) == 7


@given(st.text(min_size=1, max_size=60), st.integers(0, 5))
def test_typos_repeat_and_stay_near(text: str, seed: int) -> None:
    """Typos repeat and stay near."""
    typed = f.with_typos(text, seed)
    assert typed == f.with_typos(text, seed)
    assert abs(len(typed) - len(text)) <= 2


def test_two_typos_fall_on_two_words() -> None:
    """Two typos fall on two words."""
    text = "does linkedin train on my posts"
    for seed in range(50):
        pairs = zip(text.split(), f.with_typos(text, seed).split(), strict=False)
        assert sum(a != b for a, b in pairs) >= 1


def test_typo_questions_come_from_the_in_scope_ones() -> None:
    """Typo questions come from the in scope ones."""
    questions = [Question("turn it off", Set.IN_SCOPE, ("a",)), Question("hi", Set.OFF_TOPIC)]
    made = f.typo_questions(questions)
    assert [(one.set, one.topics) for one in made] == [(Set.TYPOS, ("a",))]
    assert made[0].text != "turn it off"
