"""Draw the README's pictures: an answer as Discord and as Telegram show it."""

from __future__ import annotations

import base64
import sys
import tempfile
import time
from pathlib import Path

from driving import ROOT, Page, browser, serving

ANSWER, SIMPLER = "#entry=private-messages", "In simpler words"
"""The answer of the pictures, and the button that makes it short enough for them."""

PICTURES = {"#discord-dark": "discord.png", "#telegram": "telegram.png"}

_WIDTH, _HEIGHT = 532, 1200
"""A window with one pane a row, each about as wide as a message may be."""

_SETTLE = 0.5
"""Seconds after which nothing moves any more."""


def main() -> None:
    """Show an answer of the project's own knowledge, and take a picture of both platforms."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        serving(ROOT / "knowledge", ROOT / "var" / "cache") as base,
        browser(Path(scratch), _WIDTH, _HEIGHT) as driver,
    ):
        page = Page(driver, base, ROOT / "knowledge")
        page.narrow(_WIDTH, _HEIGHT)
        page.scheme("light")
        # A bar beside the page would be away while the picture is taken, and everything a little wider.
        driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
        page.open(ANSWER)
        page.press("#telegram", SIMPLER)
        page.run("document.activeElement.blur(); document.querySelector('header').hidden = true; scrollTo(0, 0)")
        time.sleep(_SETTLE)
        for selector, name in PICTURES.items():
            box = page.run("return document.querySelector(arguments[0]).getBoundingClientRect().toJSON()", selector)
            # Whole points only: half of one would be a pale line at the edge.
            clip = {**{key: int(box[key]) for key in ("x", "y", "width", "height")}, "scale": 1.5}
            shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
            (ROOT / "docs" / name).write_bytes(base64.b64decode(shot["data"]))
            sys.stdout.write(f"Drew docs/{name}.\n")


if __name__ == "__main__":
    main()
