from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.workshop.writing import write_new, write_whole


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """When writing fails the old file is still there, and nothing is left beside it."""
    file = tmp_path / "a.yaml"
    file.write_text("old", encoding="utf-8")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(file, b"new")
    assert file.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_link_stays_a_link(tmp_path: Path):
    """The file behind a link is replaced, not the link."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a").write_text("old", encoding="utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "real" / "a")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "a").read_bytes() == b"new"


def test_a_pipe_is_written_to(tmp_path: Path):
    """What is no file, such as /dev/stdout, is written to and never replaced."""
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_whole(tmp_path / "pipe", b"new")
    assert os.read(reader, 10) == b"new"
    os.close(reader)
    assert (tmp_path / "pipe").is_fifo()


def test_a_new_file_gets_ordinary_permissions(tmp_path: Path):
    """A file that was not there can be read like any other; one that is there is never overwritten."""
    write_whole(tmp_path / "a", b"x")
    mask = os.umask(0)
    os.umask(mask)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o666 & ~mask
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "a", b"y")
    assert (tmp_path / "a").read_bytes() == b"x"
