"""Several questions in one message."""

from __future__ import annotations

from bot.matching.engine import Engine


def test_each_question_is_answered_in_order(all_topics: Engine) -> None:
    """Two questions in one message get both topics, in the order of asking."""
    match = all_topics.match("how do i download a copy of my data? and how do i close my account?")
    assert [one.topic for one in match.topics] == ["download-data", "close-account"]


def test_a_part_that_points_back_belongs_to_the_part_before_it(all_topics: Engine) -> None:
    """What "that" means is taken from the question before it, so no second topic is made up."""
    alone = all_topics.explain("does that help?")
    assert alone.ranked[0].topic != "delete-posts"
    told = all_topics.explain("how do i delete my old posts? does that help?")
    assert [part.ranked[0].topic for part in told.parts] == ["delete-posts", "delete-posts"]
    assert [one.topic for one in told.match.topics] == ["delete-posts"]
