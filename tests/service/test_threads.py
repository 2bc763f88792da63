from __future__ import annotations

import os

import pytest

from bot.service import threads


def test_serving_computes_in_one_thread_and_fitting_in_as_many_as_there_are(monkeypatch: pytest.MonkeyPatch):
    """Serving limits what nobody limited; a process that fits does not inherit that, but keeps what was set by hand."""
    for name in threads._VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setattr(threads, "_set_here", [])
    threads.one_thread()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
    assert os.environ["OMP_NUM_THREADS"] == "3"
    fitting = threads.environment_for_fitting()
    assert "OPENBLAS_NUM_THREADS" not in fitting
    assert fitting["OMP_NUM_THREADS"] == "3"
    for name in threads._set_here:
        monkeypatch.delenv(name)
