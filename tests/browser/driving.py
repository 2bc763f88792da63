"""Drive a real browser, the system's own Chromium, against a preview of a copy of the knowledge."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 60.0
"""Seconds that anything may take on a machine that does other work as well."""

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Page:
    """A browser on a preview, and the folder whose files a test edits."""

    driver: webdriver.Chrome
    base: str
    folder: Path

    def open(self, address: str = "") -> None:
        # The same page with another hash would not be loaded anew.
        self.driver.get("about:blank")
        self.driver.get(f"{self.base}{address}")
        self.until(lambda: "Everything is loaded" in self.text("#summary") and self.text("#telegram .key"))

    def text(self, selector: str) -> str:
        """Return what is to be read, a moment in one piece: elements may be replaced at any time."""
        return str(self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector))

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def button(self, pane: str, label: str) -> WebElement:
        keys = self.driver.find_elements(By.CSS_SELECTOR, f"{pane} button, {pane} a")
        return next(key for key in keys if label in key.text)

    def press(self, pane: str, label: str) -> None:
        """Press a button with the mouse, and wait until something else is shown."""
        before = self.text(pane)
        self.click(self.button(pane, label))
        self.until(lambda: self.text(pane) != before)

    def click(self, element: WebElement) -> None:
        """Click where a person would have scrolled to: what only touches the window's edge is under the header."""
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def keys(self, *keys: str) -> None:
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def tab(self, times: int = 1) -> None:
        for _ in range(times):
            self.keys(Keys.TAB)

    def focused(self, script: str = "textContent") -> str:
        return str(self.run(f"return document.activeElement.{script} ?? ''")).strip()

    def until(self, holds: Callable[[], object], patience: float = PATIENCE) -> None:
        end = time.monotonic() + patience
        while not holds():
            assert time.monotonic() < end, f"in vain: {self.text('body')[:600]}"
            time.sleep(0.05)

    def edit(self, path: str, change: Callable[[str], str]) -> None:
        file = self.folder / path
        before = file.read_text(encoding="utf-8")
        after = change(before)
        assert after != before, f"{path} has changed; edit the test with it"
        file.write_text(after, encoding="utf-8")

    def narrow(self, width: int, height: int = 900) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def scheme(self, name: str) -> None:
        features = [{"name": "prefers-color-scheme", "value": name}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def complaints(self) -> list[str]:
        """Return what the browser's console holds: faults of scripts, and what the page's policy forbade."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def hosts(self) -> set[str]:
        """Return the hosts that the browser asked for anything."""
        found: set[str] = set()
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] in {"Network.requestWillBeSent", "Network.webSocketCreated"}:
                params = message["params"]
                address = urlsplit(params["request"]["url"] if "request" in params else params["url"])
                found |= {address.netloc} if address.scheme not in {"data", "about", "blob"} else set()
        return found


@contextmanager
def browser(profile: Path, width: int = 1600, height: int = 1200) -> Iterator[webdriver.Chrome]:
    """Start Chromium with a profile of its own, and end it."""
    options = Options()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (*_FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


@contextmanager
def serving(folder: Path, cache: Path) -> Iterator[str]:
    """Start `privacy-bot preview` on a free port and return its address."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("BOT_", "DISCORD_", "TELEGRAM_"))}
    environment = {**clean, "BOT_KNOWLEDGE": str(folder), "BOT_CACHE": str(cache), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "preview", "--port", "0"], cwd=cache, env=environment, stdout=subprocess.PIPE, text=True
    )  # fmt: skip
    assert process.stdout
    try:
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, f"the preview printed: {line!r}"
        yield found[0]
    finally:
        process.terminate()
        process.wait(timeout=10)
        process.stdout.close()
