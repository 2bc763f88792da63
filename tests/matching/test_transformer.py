"""The encoder's sums, by ONNX Runtime and by NumPy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bot.matching import transformer
from bot.matching.encoder import Encoder
from bot.matching.transformer import Transformer

TEXTS = ["turn it off", "who", "how do i turn the training off on my phone", "turn it on", "who", ""]


@pytest.fixture(scope="module")
def fast() -> Encoder:
    """Return the encoder as it is with ONNX Runtime."""
    pytest.importorskip("bot.matching.graph", reason="ONNX Runtime has no build for this machine")
    return Encoder.load()


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Encoder:
    """Return the encoder as it is on a machine that ONNX Runtime has no build for."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "bot.matching.graph", raising=False)
    return Encoder.load()


def test_both_say_the_same(fast: Encoder, plain: Encoder) -> None:
    """Sums in eight bits and sums in single precision give vectors that nearly coincide, block by block."""
    eight, single = fast.encode(TEXTS), plain.encode(TEXTS)
    start = 0
    for size in plain.blocks:
        block = slice(start, start + size)
        assert (eight[:, block] * single[:, block]).sum(axis=1).min() > 0.985
        start += size
    assert not np.array_equal(eight, single), "both were the same sums"


def test_the_runtime_reports_to_nobody(fast: Encoder, tmp_path: Path) -> None:
    """Reading a sentence leaves neither the device's id nor anything to be sent, which ONNX Runtime would keep at home."""
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    told = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    reading = "from bot.matching.encoder import Encoder; Encoder.load().encode(['turn it off'])"
    subprocess.run([sys.executable, "-c", reading], env=told | home, check=True)
    assert [path.name for path in tmp_path.rglob("*")] == []


def test_company_does_not_change_a_vector_of_numpy(plain: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts of any length that are computed together, or apart, have the vectors that each has alone."""
    together = plain.encode(TEXTS)
    monkeypatch.setattr(transformer, "TOGETHER", 2)
    assert plain.encode(TEXTS) == pytest.approx(together, abs=1e-4)
    for text, row in zip(TEXTS, together, strict=True):
        assert plain.encode([text])[0] == pytest.approx(row, abs=1e-4)


def test_numpy_takes_over_where_the_runtime_is_missing(plain: Encoder) -> None:
    """Without ONNX Runtime the encoder is there all the same."""
    assert isinstance(plain._rows, Transformer)
