from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dialogue.state import MAX_BRANCH, MAX_BYTES, MAX_MARKS, MAX_PACKED, MAX_STEP, Action, State, check_of, decode
from bot.knowledge.model import Device

places = st.none() | st.from_regex(r"\A([a-z]{2}|eea|[a-z]{2}-[a-z0-9]{1,3})\Z")
checks = st.just("") | st.lists(st.text(max_size=5)).map(check_of)
states = st.builds(
    State,
    action=st.sampled_from(Action),
    topic=st.from_regex(r"\A[a-z0-9-]{0,40}\Z"),
    device=st.none() | st.sampled_from(Device),
    place=places,
    step=st.integers(0, MAX_STEP),
    marks=st.integers(0, MAX_MARKS),
    check=checks,
    branch=st.integers(0, MAX_BRANCH),
)


@given(states)
def test_a_state_survives_its_button(state: State):
    """Every state fits 64 ASCII bytes, its packed part 15, and is read back as it was."""
    code = state.encode()
    assert code.isascii()
    assert len(code) <= MAX_BYTES
    assert len(code.rsplit(":", 1)[1]) <= MAX_PACKED
    assert decode(code) == state


@given(st.text(max_size=80))
def test_foreign_ids_are_nobodys(code: str):
    """Any other text is no state, and never a fault."""
    state = decode(code)
    assert state is None or decode(state.encode()) == state


@pytest.mark.parametrize(
    "code",
    [
        "",
        "v1",
        "v2:show:data-used:",
        "v1:nope:data-used:",
        "v1:show:Data:",
        "v1:show:x:1",
        "v1:show:x:zzzzzzzzzzzzzzz",
        "v1:show:x:00é",
        "v1:show:x:\n",
    ],
)
def test_old_and_broken_ids_are_refused(code: str):
    """Ids of other versions, unknown actions and damaged states are told from ours."""
    assert decode(code) is None


@pytest.mark.parametrize(
    "state",
    [
        State(Action.SHOW, "a" * 41),
        State(Action.SHOW, "Ab"),
        State(Action.SHOW, step=64),
        State(Action.SHOW, marks=-1),
        State(Action.SHOW, branch=256),
    ],
)
def test_what_does_not_fit_is_not_sent(state: State):
    """A state that would break the limit is refused when the button is made."""
    with pytest.raises(ValueError, match=r"does not fit|out of range"):
        state.encode()


@given(st.lists(st.text(max_size=20), max_size=5))
def test_the_check_follows_the_list(texts: list[str]):
    """The two check characters are the same for the same list."""
    assert check_of(texts) == check_of(list(texts))
    assert len(check_of(texts)) == 2
