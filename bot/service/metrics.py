"""Count what the bot does, for Prometheus. No label names a person, and each has a bounded set of values."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from bot.dialogue.model import Kind, Reply
from bot.matching.model import Explanation, Match, Matcher

OTHER, NO_TOPIC, UNREACHED = "other", "none", "network"
"""Labels of a topic that the knowledge does not have, of a question that no topic answered, and of a call to a
platform that got no answer."""

STATES = ("ok", "degraded", "down")

_MATCH_BUCKETS = (0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5)
_REPLY_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0)
_WAIT_BUCKETS = (0.05, 0.25, 1.0, 3.0, 10.0, 30.0, 60.0, 120.0)


class Metrics:
    """Everything that is counted, in a registry of its own.

    `version` and `topics` are those of the knowledge that answers now. What is only known while the bot serves
    is handed over then (`parts`, `queues`).
    """

    def __init__(self, *, version: Callable[[], str], topics: Callable[[], Container[str]]) -> None:
        self._topics = topics
        # The day on which each series began would double their number.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.parts: Callable[[], Mapping[str, str]] = dict
        self.queues: dict[str, Callable[[], int]] = {}

        def counter(name: str, says: str, *labels: str) -> Counter:
            return Counter(name, says, labels, registry=self.registry)

        def histogram(name: str, says: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(name, says, labels, buckets=buckets, registry=self.registry)

        self._questions = counter("bot_questions", "Questions asked.", "platform", "band", "topic")
        self._errors = counter("bot_api_errors", "Errors of a platform's interface.", "platform", "code")
        self._reloads = counter("bot_reloads", "Readings of the changed knowledge.", "result")
        self._store_errors = counter("bot_store_errors", "Failures of the store.")
        self._match = histogram("bot_match_seconds", "Time to match a question.", _MATCH_BUCKETS)
        self._reply = histogram(
            "bot_reply_seconds", "From arrival to the answer's leaving.", _REPLY_BUCKETS, "platform"
        )
        self._wait = histogram("bot_rate_limit_wait_seconds", "Waiting for a rate limit.", _WAIT_BUCKETS, "platform")
        self.registry.register(_Now(version, self))

    def of(self, platform: str) -> PlatformMetrics:
        """Return what counts for one platform."""
        return PlatformMetrics(platform, self)

    def reloaded(self, result: str) -> None:
        """Count a reading of the knowledge: reloaded, refused, failed, learned or unlearned."""
        self._reloads.labels(result).inc()

    def store_failed(self) -> None:
        """Count a failure of the store."""
        self._store_errors.inc()

    def timed(self, matcher: Matcher, clock: Callable[[], float]) -> Matcher:
        """Return the matcher, and time each match. `clock` returns seconds that never run backwards."""
        return _Timed(matcher, clock, self._match)

    def exposition(self) -> bytes:
        """Return everything in Prometheus's text format."""
        return generate_latest(self.registry)


class PlatformMetrics:
    """Count what one platform reports (an Observer)."""

    def __init__(self, platform: str, metrics: Metrics) -> None:
        self._platform = platform
        self._questions = metrics._questions  # noqa: SLF001 - one class in two halves
        self._errors = metrics._errors  # noqa: SLF001
        self._topics = metrics._topics  # noqa: SLF001
        # Made at once, so that both are there before anything happened.
        self._reply = metrics._reply.labels(platform)  # noqa: SLF001
        self._wait = metrics._wait.labels(platform)  # noqa: SLF001

    def asked(self, reply: Reply) -> None:
        """Count a question; of several topics that answer it the first counts. A greeting is no question."""
        if reply.kind is Kind.COURTESY:
            return
        topic = reply.topics[0].topic if reply.topics else NO_TOPIC
        if topic != NO_TOPIC and topic not in self._topics():
            topic = OTHER
        self._questions.labels(self._platform, str(reply.band), topic).inc()

    def replied(self, seconds: float) -> None:
        """Count the time that an answer took."""
        self._reply.observe(seconds)

    def refused(self, status: int | None) -> None:
        """Count an error by its HTTP status."""
        code = UNREACHED if status is None else str(status) if 100 <= status <= 599 else OTHER
        self._errors.labels(self._platform, code).inc()

    def waited(self, seconds: float) -> None:
        """Count the time that something was held back."""
        self._wait.observe(seconds)


class _Timed:
    """A matcher that is timed."""

    def __init__(self, matcher: Matcher, clock: Callable[[], float], seconds: Histogram) -> None:
        self._matcher = matcher
        self._clock = clock
        self._seconds = seconds

    def match(self, text: str, *, after: str | None = None, apart: bool = False) -> Match:
        began = self._clock()
        try:
            return self._matcher.match(text, after=after, apart=apart)
        finally:
            self._seconds.observe(self._clock() - began)

    def explain(self, text: str, *, after: str | None = None, apart: bool = False) -> Explanation:
        return self._matcher.explain(text, after=after, apart=apart)


class _Now(Collector):
    """What is only known at the moment it is asked for."""

    def __init__(
        self,
        version: Callable[[], str],
        metrics: Metrics,
    ) -> None:
        self._version = version
        self._metrics = metrics

    def collect(self) -> Iterator[GaugeMetricFamily]:
        info = GaugeMetricFamily("bot_knowledge_info", "The knowledge that answers.", labels=["version"])
        info.add_metric([self._version()], 1)
        yield info
        queue = GaugeMetricFamily("bot_queue_length", "What waits to be answered or sent.", labels=["platform"])
        for platform, length in self._metrics.queues.items():
            queue.add_metric([platform], length())
        yield queue
        part = GaugeMetricFamily("bot_part_state", "1 for the state in which a part is.", labels=["part", "state"])
        for name, told in self._metrics.parts().items():
            # What stands behind the state is a sentence, as /readyz shows it.
            for state in STATES:
                part.add_metric([name, state], int(told.partition(":")[0] == state))
        yield part
