from __future__ import annotations

import sys

import pytest
from wire.soak import soak


@pytest.mark.skipif(sys.platform != "linux", reason="processor time and memory are read from /proc")
async def test_a_short_soak_answers_everything_and_keeps_its_memory():
    """Two hundred questions of many people are answered, and the memory is flat (`make soak` asks 50,000)."""
    told: list[str] = []
    found = await soak(200, told.append)
    assert found.questions == 200
    assert found.is_flat, told
