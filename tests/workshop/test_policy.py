from __future__ import annotations

from conftest import ROOT

from bot.knowledge.loader import load
from bot.workshop.policy import FILE, missing, page


def test_the_privacy_page_is_fresh():
    """PRIVACY.md is what the texts of /privacy give now (`make privacy`)."""
    assert (ROOT / FILE).read_text(encoding="utf-8") == page(load(ROOT / "knowledge").texts)


def test_it_names_all_that_is_kept():
    """Each row that /privacy can show stands on the page, and no other."""
    assert missing() == set()
