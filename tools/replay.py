"""Replay the build stage of the Dockerfile in a clean folder, on machines without a Docker engine.

    python tools/replay.py [folder]

Each COPY and RUN of the first stage is done as written, with /app and /build below the folder. RUN has to be in the
form of a list, so that there is no shell to imitate. Ends with the code of the first step that fails.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_FOLDERS = ("/app", "/build")


def steps(dockerfile: str) -> Iterator[tuple[str, str]]:
    """Yield the instructions of the first stage: name and arguments, continued lines joined."""
    stage = 0
    for line in re.sub(r"\\\n", " ", dockerfile).splitlines():
        name, _, rest = line.strip().partition(" ")
        if not name or name.startswith("#"):
            continue
        stage += name == "FROM"
        if stage == 1 and name != "FROM":
            yield name, rest.strip()


def replay(folder: Path, dockerfile: str) -> int:
    """Do every step below `folder`; returns the exit code of the first that fails, 0 where none does."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PIP_INDEX_URL") if name in os.environ}
    here = folder
    for name, rest in steps(dockerfile):
        sys.stdout.write(f"{name} {rest}\n")
        sys.stdout.flush()
        if name == "WORKDIR":
            here = _inside(folder, rest)
            here.mkdir(parents=True, exist_ok=True)
        elif name == "ENV":
            environment.update(part.split("=", 1) for part in shlex.split(rest))
        elif name == "COPY":
            _copy(rest.split(), here, folder)
        elif name == "RUN":
            command = [_placed(folder, word) for word in json.loads(rest)]
            if command[0] == "python":
                command[0] = sys.executable
            if code := subprocess.run(command, cwd=here, env=environment, check=False).returncode:  # noqa: S603 - the project's own steps
                return code
    return 0


def _copy(words: list[str], here: Path, folder: Path) -> None:
    *sources, target = words
    into = _inside(folder, target) if target.startswith("/") else here / target
    for source in sources:
        origin = ROOT / source
        if origin.is_dir():
            shutil.copytree(origin, into, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", ".schema"))
        else:
            place = into / origin.name if target.endswith("/") or into.is_dir() else into
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(origin, place)


def _inside(folder: Path, path: str) -> Path:
    return folder / path.lstrip("/")


def _placed(folder: Path, word: str) -> str:
    return f"{folder}{word}" if word.startswith(_FOLDERS) else word


def main() -> int:
    """Replay in the folder of the command line, or in one that is removed afterwards."""
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    if len(sys.argv) > 1:
        return replay(Path(sys.argv[1]).resolve(), dockerfile)
    with tempfile.TemporaryDirectory() as folder:
        return replay(Path(folder), dockerfile)


if __name__ == "__main__":
    sys.exit(main())
