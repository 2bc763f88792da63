from __future__ import annotations

import sys

import pytest
from wire.soak import AFTERWARDS, soak


@pytest.mark.skipif(sys.platform != "linux", reason="processor time and memory are read from /proc")
async def test_a_short_soak_answers_everything_and_keeps_its_memory():
    """A hundred questions of many people are answered, and the memory is flat (`make soak` asks 50,000).

    So is what they do then: each kind of press and form comes up.
    """
    told: list[str] = []
    found = await soak(100, told.append)
    assert found.questions == 100
    assert found.is_flat, told
    assert all(found.pressed[kind] for kind, _, _ in AFTERWARDS), found.pressed
