from __future__ import annotations

import json
import re
from pathlib import Path

import aiohttp
import pytest
from conftest import ROOT, FakeMatcher
from prometheus_client.parser import text_string_to_metric_families
from test_health import free_port

from bot.dialogue.model import Kind, Reply
from bot.matching.model import Band, Ranked
from bot.service.health import HealthServer
from bot.service.metrics import Metrics

NAMES = {
    "bot_questions_total", "bot_match_seconds", "bot_reply_seconds", "bot_api_errors_total",
    "bot_rate_limit_wait_seconds", "bot_reloads_total", "bot_knowledge_info", "bot_store_errors_total",
    "bot_queue_length", "bot_part_state",
}  # fmt: skip


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(version=lambda: "abc123", topics=lambda: {"opt-out-phone", "private-messages"})


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def answered(*topics: str, band: Band = Band.SURE) -> Reply:
    return Reply(Kind.ANSWER, "A title", band=band, topics=tuple(Ranked(topic, 0.9) for topic in topics))


def test_a_question_counts_under_its_platform_band_and_topic(metrics: Metrics):
    """Of several topics the first counts; a refusal counts under none, and a greeting is no question."""
    observer = metrics.of("telegram")
    observer.asked(answered("private-messages", "opt-out-phone"))
    observer.asked(Reply(Kind.NONE, "Sorry", band=Band.NONE))
    observer.asked(Reply(Kind.COURTESY, "Hello!"))
    assert value(metrics, "bot_questions_total", platform="telegram", band="sure", topic="private-messages") == 1
    assert value(metrics, "bot_questions_total", platform="telegram", band="none", topic="none") == 1
    assert metrics.exposition().count(b"bot_questions_total{") == 2


def test_labels_are_bounded(metrics: Metrics):
    """Whatever topic or status comes, it adds no more than one series."""
    observer = metrics.of("discord")
    for number in range(50):
        observer.asked(answered(f"made-up-{number}"))
        observer.refused(10_000 + number)
    observer.refused(None)
    observer.refused(429)
    assert value(metrics, "bot_questions_total", platform="discord", band="sure", topic="other") == 50
    codes = {"other": 50, "network": 1, "429": 1}
    assert {code: value(metrics, "bot_api_errors_total", platform="discord", code=code) for code in codes} == codes


def test_matches_are_timed(metrics: Metrics, matcher: FakeMatcher):
    """The matcher answers as before, and each match counts with the time that it took."""
    times = iter([1.0, 1.25])
    timed = metrics.timed(matcher, lambda: next(times))
    assert timed.match("are my dms read").band is Band.NONE
    assert value(metrics, "bot_match_seconds_count") == 1
    assert value(metrics, "bot_match_seconds_sum") == 0.25


def test_what_holds_now_is_told_when_it_is_asked_for(metrics: Metrics):
    """Knowledge, queues and parts are those of the moment; the sentence behind a part's state is left out."""
    metrics.queues["telegram"] = lambda: 7
    metrics.parts = lambda: {"knowledge": "ok", "reload": "degraded: topics/x.yaml:1:1: what somebody wrote"}
    assert value(metrics, "bot_knowledge_info", version="abc123") == 1
    assert value(metrics, "bot_queue_length", platform="telegram") == 7
    assert value(metrics, "bot_part_state", part="reload", state="degraded") == 1
    assert value(metrics, "bot_part_state", part="reload", state="ok") == 0
    assert b"what somebody wrote" not in metrics.exposition()


async def test_prometheus_reads_them_beside_the_health(metrics: Metrics):
    """/metrics is served in Prometheus's own format, with every name that is promised."""
    observer = metrics.of("telegram")
    observer.asked(answered("opt-out-phone"))
    observer.refused(502)
    observer.replied(0.1)
    observer.waited(0.0)
    metrics.reloaded("refused")
    metrics.store_failed()
    metrics.queues["telegram"] = lambda: 0
    metrics.parts = lambda: {"knowledge": "ok"}
    port = free_port()
    server = HealthServer("127.0.0.1", port, metrics.parts, metrics.exposition)
    await server.start()
    try:
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as response:
            assert response.status == 200
            assert response.content_type == "text/plain"
            text = await response.text()
    finally:
        await server.stop()
    found = {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}
    assert {re.sub("_(count|sum|bucket)$", "", name) for name in found} == NAMES


def _named(path: Path) -> set[str]:
    return set(re.findall(r"\bbot_[a-z_]+", path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", ["deploy/grafana/privacy-bot.json", "deploy/prometheus/alerts.yml"])
def test_dashboard_and_alerts_name_metrics_that_exist(path: str):
    """Every metric in them is one of ours, with the endings of histograms."""
    named = _named(ROOT / path)
    assert named
    assert {re.sub("_(count|sum|bucket)$", "", name) for name in named} <= NAMES


def test_the_dashboard_shows_every_metric():
    """What is counted can be seen."""
    dashboard = json.loads((ROOT / "deploy/grafana/privacy-bot.json").read_text(encoding="utf-8"))
    shown = {re.sub("_(count|sum|bucket)$", "", name) for name in _named(ROOT / "deploy/grafana/privacy-bot.json")}
    assert shown == NAMES
    places = [tuple(panel["gridPos"][key] for key in "xy") for panel in dashboard["panels"]]
    assert len(places) == len(set(places))
