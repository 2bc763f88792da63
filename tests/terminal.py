"""Run a command of the console as a person does, in a terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PATIENCE = 120.0

Answer = str | Callable[[str], str]
"""What is typed, or what finds it out from all that is shown by then."""


def in_terminal(
    arguments: Sequence[str], cwd: Path, environment: Mapping[str, str], answers: Sequence[tuple[str, Answer]] = ()
) -> tuple[str, int]:
    """Return what a command shows and its exit code; types each answer after its question has come."""
    left = list(answers)
    terminal, other = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", *arguments], stdin=other, stdout=other, stderr=other, cwd=cwd,
        env=dict(environment), start_new_session=True,
    )  # fmt: skip
    os.close(other)
    shown, seen, deadline = b"", 0, time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                chunk = os.read(terminal, 65536)
            except OSError:
                break
            if not chunk:
                break
            shown += chunk
        while left and left[0][0].encode() in shown[seen:]:
            question, answer = left.pop(0)
            seen = shown.index(question.encode(), seen) + len(question)
            text = answer if isinstance(answer, str) else answer(shown.decode("utf-8", "replace"))
            os.write(terminal, text.encode())
    else:
        process.kill()
    os.close(terminal)
    return shown.decode("utf-8", "replace").replace("\r\n", "\n"), process.wait()
