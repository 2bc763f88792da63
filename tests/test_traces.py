from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from traces import traces


def test_a_word_is_found_in_any_folder(tmp_path: Path):
    """A word that was written into a file, however deep, is found; one that was not is not."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c.db").write_bytes(b"\x00my nurse\xff")
    assert traces("nurse", [tmp_path]) == [str(tmp_path / "a" / "b" / "c.db")]
    assert traces("doctor", [tmp_path]) == []


@pytest.mark.skipif(sys.platform != "linux", reason="other systems show no descriptors as files")
def test_a_word_is_found_in_a_file_that_is_gone(tmp_path: Path):
    """A file that a process holds open is searched, also when no folder names it any more."""
    path = tmp_path / "gone"
    with path.open("wb", buffering=0) as file:
        file.write(b"my nurse")
        path.unlink()
        assert traces("nurse", [], os.getpid()) == [f"/proc/{os.getpid()}/fd/{file.fileno()}"]
    assert traces("nurse", [], os.getpid()) == []
