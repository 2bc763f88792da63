"""The command starts the preview where it is told to, and ends as it should."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT


@pytest.fixture
def command(folder: Path, tmp_path: Path) -> tuple[list[str], dict[str, str]]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("BOT_", "DISCORD_", "TELEGRAM_"))}
    environment = {"BOT_KNOWLEDGE": str(folder), "BOT_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)}
    return [sys.executable, "-m", "bot", "preview"], {**clean, **environment, "COLUMNS": "120"}


def test_taken_port_is_a_sentence(command: tuple[list[str], dict[str, str]], tmp_path: Path):
    """A port that is taken ends the command with one sentence and the code for bad usage."""
    line, environment = command
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [*line, "--port", str(port)], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"127.0.0.1:{port} is taken; choose another with --port.\n"


def test_a_signal_ends_it(command: tuple[list[str], dict[str, str]], tmp_path: Path):
    """The address is printed at once, and a signal ends the command well within five seconds, with no complaint."""
    line, environment = command
    with subprocess.Popen(
        [*line, "--port", "0"], env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        assert "is at http://127.0.0.1:" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=5) == 0
        assert process.stderr.read() == ""


def test_its_helper_ends_with_it(command: tuple[list[str], dict[str, str]], tmp_path: Path):
    """However the command ends, the process that it checks in ends too."""
    if not Path("/proc/self/task").exists():
        pytest.skip("children are looked up in /proc, which this system does not have")
    line, environment = command
    with subprocess.Popen(
        [*line, "--port", "0"], env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        process.stdout.readline()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while "--multiprocessing-fork" not in "".join(map(command_of, children.read_text().split())):
            time.sleep(0.02)
        process.kill()
        # The helper holds the pipe as well: it can be read to its end only when nobody is left.
        process.communicate(timeout=30)


def command_of(process: str) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except FileNotFoundError:
        return ""
