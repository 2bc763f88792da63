from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from bot.dialogue.model import Part, Section
from bot.dialogue.pages import paginate
from bot.knowledge.markup import Block, Items, Paragraph, Span

words = st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1, max_size=120)
lines = st.lists(st.builds(Span, words), min_size=1, max_size=3).map(tuple)
block_lists = st.lists(
    st.builds(Paragraph, lines)
    | st.builds(Items, st.lists(lines, min_size=1, max_size=6).map(tuple), st.none() | st.just(1)),
    min_size=1,
    max_size=4,
).map(tuple)
section_lists = st.lists(
    st.builds(Section, st.sampled_from(Part), block_lists, st.none() | st.text("abc ", min_size=1, max_size=20)),
    max_size=5,
)


def flat(block: Block) -> str:
    rows = (block.line,) if isinstance(block, Paragraph) else block.lines
    return "".join(span.text for row in rows for span in row)


def measure(sections: Sequence[Section]) -> int:
    return sum(
        len(section.heading or "") + sum(len(flat(block)) + 1 for block in section.blocks) for section in sections
    )


@given(section_lists, st.integers(60, 400))
def test_pages_fit_and_lose_nothing(sections: list[Section], budget: int):
    """No page is longer than its budget, and together the pages hold every character in order."""
    pages = paginate(sections, measure, budget)
    assert pages
    assert all(measure(page) <= budget for page in pages)
    before = "".join(flat(block) for section in sections for block in section.blocks)
    after = "".join(flat(block) for page in pages for section in page for block in section.blocks)
    assert after == before


def test_short_replies_are_one_page():
    """What fits stays as it is, sections and lists whole."""
    section = Section(Part.STEPS, (Items(((Span("a"),), (Span("b"),)), 1), Paragraph((Span("c"),))), "Steps")
    assert paginate([section], measure, 100) == ((section,),)


def test_numbering_goes_on_across_pages():
    """A list that is cut goes on counting on the next page."""
    items = Items(tuple((Span("x" * 30),) for _ in range(4)), 1)
    pages = paginate([Section(Part.STEPS, (items,), "S")], measure, 70)
    assert [page[0].blocks[0].start for page in pages] == [1, 3]
    assert [page[0].heading for page in pages] == ["S", None]


def test_long_paragraphs_are_cut_after_sentences():
    """A paragraph longer than a page is cut after a sentence where there is one, else between words."""
    text = "One sentence here. Another one follows it now. And a third"
    pages = paginate([Section(Part.ANSWER, (Paragraph((Span(text),)),))], measure, 50)
    assert flat(pages[0][0].blocks[0]) == "One sentence here. Another one follows it now. "
