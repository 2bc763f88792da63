from __future__ import annotations

import asyncio
import errno
import resource
import subprocess
import sys

import structlog
from conftest import Clock
from structlog.testing import capture_logs

from bot.service.descriptors import TOLD_AGAIN, LoopFaults


def test_as_many_connections_are_opened_as_the_system_permits():
    """A process begins with a limit that is often far below what it may have."""
    told = (
        "import resource; _, hard = resource.getrlimit(resource.RLIMIT_NOFILE);"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard));"
        "from bot.service.descriptors import raise_limit; raise_limit();"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert int(done.stdout) == resource.getrlimit(resource.RLIMIT_NOFILE)[1]


async def test_where_no_connection_can_be_opened_the_log_says_so_once(clock: Clock):
    """The event loop tries again thousands of times a second; the log says once a minute what it means."""
    tell = LoopFaults(structlog.get_logger(), clock)
    loop = asyncio.get_running_loop()
    full: dict[str, object] = {"exception": OSError(errno.EMFILE, "Too many open files")}
    with capture_logs() as lines:
        for _ in range(1_000):
            tell(loop, full)
        assert len(lines) == 1
        assert "raise the limit" in lines[0]["event"]
        tell(loop, {"exception": ValueError()})
        assert [line["event"] for line in lines[1:]] == ["a task failed unseen"]
        clock.now = TOLD_AGAIN
        tell(loop, full)
        assert len(lines) == 3
