from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]
FIELDS = ["question", "band", "topics", "offered", "device", "place", "language", "ms"]


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache that `make test` has filled; without one, a folder of the tests' own."""
    ready = ROOT / "var" / "cache"
    return ready if any(ready.glob("heads-*.npz")) else tmp_path_factory.mktemp("cache")


@pytest.fixture
def run(tmp_path: Path, cache: Path) -> Run:
    def run(*arguments: str, stdin: bytes | None = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
        clean = {
            key: value for key, value in os.environ.items() if not key.startswith(("BOT_", "DISCORD_", "TELEGRAM_"))
        }
        return subprocess.run(
            [sys.executable, "-m", "bot", *arguments], input=stdin, capture_output=True, cwd=tmp_path, timeout=300, check=False,
            env={**clean, "PYTHONPATH": str(ROOT), "BOT_CACHE": str(cache), "COLUMNS": "120", **environment},
        )  # fmt: skip

    return run


def test_bare_prints_the_help(run: Run):
    """Without a command the help is printed, and nothing is wrong."""
    done = run()
    assert done.returncode == 0
    assert b"ask" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("ask",),
        ("ask", "x", "--stdin"),
        ("ask", "x", "--dialogue"),
        ("ask", "--stdin", "--why"),
        ("run", "--what"),
    ],
)
def test_bad_usage_ends_with_2(run: Run, arguments: tuple[str, ...]):
    """Unknown commands and options that do not go together end with 2 and a sentence."""
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr.strip()
    assert done.stdout == b""


def test_ask_answers_in_words(run: Run):
    """`ask` prints an answer with its sources and the day of the check."""
    done = run("ask", "are my private messages used for ai training?")
    assert done.returncode == 0, done.stderr
    assert b"Sources checked on" in done.stdout


def test_ask_json_has_the_contracts_fields(run: Run):
    """`ask --json` prints one line with just the fields of the contract."""
    done = run("ask", "--json", "i'm in munich on an iphone, how do i turn it off")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(b"\n") == 1
    answer = json.loads(done.stdout)
    assert list(answer) == FIELDS
    assert (answer["device"], answer["place"], answer["language"]) == ("ios", "de", "en")
    assert answer["topics"][0]["id"] in {"opt-out-phone", "opt-out-overview"}
    assert 0 < answer["topics"][0]["score"] <= 1


def test_ask_why_explains(run: Run):
    """`ask --why` adds the ranking, the nearest asks and what the gate said."""
    done = run("ask", "does opting out undo what they already took from me", "--why")
    assert done.returncode == 0, done.stderr
    assert b"is it ours" in done.stdout
    assert b"nearest ask" in done.stdout


def test_stdin_answers_a_line_each(run: Run):
    """`ask --stdin` answers each line in order, also empty ones and stray bytes."""
    done = run("ask", "--json", "--stdin", stdin="are my dms read?\n\nüß\xff\r\nwhat's the weather".encode("latin-1"))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert [line["question"] for line in lines][:2] == ["are my dms read?", ""]
    assert lines[0]["topics"][0]["id"] == "private-messages"
    assert (lines[3]["band"], lines[3]["topics"], lines[3]["offered"]) == ("none", [], [])


def test_dialogue_lines_are_one_conversation(run: Run):
    """With `--dialogue` an empty line is answered by an empty line and begins another conversation."""
    lines = b"how do i switch ai training off on my phone\non android\n\non android\n"
    done = run("ask", "--stdin", "--dialogue", stdin=lines)
    out = done.stdout.decode().split("\n")
    assert done.returncode == 0, done.stderr
    first, second, empty, fresh = out[:4]
    assert json.loads(second)["topics"][0]["id"] == json.loads(first)["topics"][0]["id"]
    assert empty == ""
    assert json.loads(fresh)["topics"] != json.loads(second)["topics"]


def test_a_reader_that_goes_away_is_no_fault(cache: Path, tmp_path: Path):
    """`… | head -1` ends without a traceback."""
    command = f"{sys.executable} -m bot ask --stdin | head -n 1"
    questions = "are my dms read?\n" * 3000
    done = subprocess.run(
        ["sh", "-c", command], input=questions.encode(), capture_output=True, cwd=tmp_path, timeout=300, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "BOT_CACHE": str(cache)},
    )  # fmt: skip
    assert b"Traceback" not in done.stderr
    assert done.stdout.count(b"\n") == 1


def test_run_without_token_and_terminal_ends_with_2(run: Run):
    """With no token and no terminal there is nothing to do, which is said."""
    done = run("run")
    assert done.returncode == 2
    assert b"No platform has a token" in done.stderr


def test_a_bad_setting_ends_with_2(run: Run):
    """A bad variable stops the start with its sentence."""
    done = run("run", BOT_LOG="xml")
    assert done.returncode == 2
    assert done.stderr.startswith(b"BOT_LOG is set wrongly")
    assert done.stderr.count(b"\n") == 1


def test_chat_reads_until_the_end_of_input(run: Run):
    """`chat` answers lines and numbers and ends with the input."""
    done = run("chat", stdin=b"are my dms read?\n1\n/privacy\n")
    assert done.returncode == 0, done.stderr
    assert b"Goodbye" in done.stdout


def test_check_is_silent_on_a_clean_folder(run: Run):
    """The project's own knowledge has no errors and no findings."""
    done = run("check")
    assert (done.returncode, done.stdout) == (0, b""), done.stdout.decode()[:2000]


def test_check_names_each_fault(run: Run, real_folder: Path):
    """A broken folder ends with 1 and a line `path:line:column: what; remedy` a fault."""
    topic = next(iter(sorted(real_folder.glob("topics/*/opt-out-phone.yaml"))))
    topic.write_text(topic.read_text().replace("title:", "ttile:", 1))
    done = run("check", str(real_folder))
    assert done.returncode == 1
    line = next(line for line in done.stdout.decode().splitlines() if "ttile" in line)
    shown = topic.relative_to(real_folder.parent)
    assert line == f'{shown}:1:1: unknown key "ttile"; did you mean "title"?'


def test_a_broken_knowledge_stops_the_start(run: Run, real_folder: Path):
    """A knowledge with errors is not loaded; every error is told, and the exit code is 1."""
    topic = next(iter(sorted(real_folder.glob("topics/*/opt-out-phone.yaml"))))
    topic.write_text("title: **x**\n")
    done = run("ask", "x", BOT_KNOWLEDGE=str(real_folder))
    assert done.returncode == 1
    assert b"1:8: a text that begins with" in done.stderr
    assert b"was not loaded" in done.stderr


@pytest.mark.parametrize(("arguments", "code"), [("run", 2), ("chat", 2), ("ask --stdin", 0)])
def test_a_closed_input_is_no_traceback(run: Run, cache: Path, tmp_path: Path, arguments: str, code: int):
    """Started without any input (`<&-`), a command says so or has nothing to do."""
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m bot {arguments} <&-"], capture_output=True, cwd=tmp_path, timeout=300, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "BOT_CACHE": str(cache)},
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
@pytest.mark.parametrize("arguments", ["ask hello", "ask --json hello", "check nowhere"])
def test_a_full_disk_is_one_sentence(cache: Path, tmp_path: Path, arguments: str):
    """What cannot be written is told without a traceback."""
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m bot {arguments} >/dev/full"], capture_output=True, cwd=tmp_path, timeout=300, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "BOT_CACHE": str(cache)},
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert b"Traceback" not in done.stderr
    assert b"cannot be written" in done.stderr


def test_bytes_that_are_no_text_are_replaced(run: Run):
    """A question from a shell in another encoding is answered, and its JSON can be written anywhere."""
    done = run("ask", "--json", os.fsdecode(b"caf\xe9 dms"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["question"] == "caf\ufffd dms"


def test_lines_come_out_before_the_next_goes_in(cache: Path, tmp_path: Path):
    """Each answer is flushed at once, so that a program can talk with the command."""
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "ask", "--stdin", "--dialogue"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "BOT_CACHE": str(cache)},
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        for question in ("are my dms read?", "", "a\x0bb", "x"):
            process.stdin.write(question.encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline().decode().removesuffix("\n")
            assert (json.loads(line)["question"] if line else line) == question
        process.stdin.close()
        assert process.wait(30) == 0


def test_another_folder_is_one_line(run: Run, tmp_path: Path):
    """`check` on a folder or file of something else says that, once."""
    (tmp_path / "notes.md").write_text("x")
    (tmp_path / "other").mkdir()
    for folder, what in (("notes.md", "a file, not a folder"), ("other", "no knowledge folder"), ("nowhere", "exist")):
        done = run("check", folder)
        assert done.returncode == 1
        assert done.stdout.decode().startswith(f"{folder}:1:1: ")
        assert what in done.stdout.decode()
        assert done.stderr == b"1 error, 0 findings\n"


def test_a_cache_that_cannot_be_written_is_told_before_the_work(run: Run, tmp_path: Path):
    """Nobody waits a minute for a result that has no place."""
    (tmp_path / "file").write_text("x")
    begin = time.monotonic()
    done = run("fit", "--cache", "file")
    assert done.returncode == 2
    assert b"BOT_CACHE: file cannot be written" in done.stderr
    assert time.monotonic() - begin < 20


@pytest.mark.parametrize("weights", [None, b"another file"])
@pytest.mark.parametrize("command", ["fit", "test", "eval", "ask", "chat"])
def test_a_damaged_encoder_is_one_sentence(run: Run, tmp_path: Path, cache: Path, command: str, weights: bytes | None):
    """Where a file of the encoder is missing or another one, it is named with the remedy; it is bad usage."""
    shutil.copytree(ROOT / "bot", tmp_path / "bot", ignore=shutil.ignore_patterns("encoder.npz", "__pycache__"))
    if weights:
        (tmp_path / "bot" / "matching" / "encoder.npz").write_bytes(weights)
    (tmp_path / "questions.tsv").write_text("are my dms read\n")
    arguments = (command, *{"eval": ("questions.tsv",), "ask": ("are my dms read",)}.get(command, ()))
    heads = tmp_path / "empty" if command == "fit" else cache
    places = {"PYTHONPATH": str(tmp_path), "BOT_KNOWLEDGE": str(ROOT / "knowledge"), "BOT_CACHE": str(heads)}
    done = run(*arguments, **places)
    assert done.returncode == 2
    assert b"encoder.npz: " in done.stderr
    assert b"git checkout -- bot/matching" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_misspelt_variable_is_told(run: Run):
    """A variable that nobody reads is named with the one that was meant."""
    done = run("run", BOT_KNOWLEGE="x")
    assert b"did you mean BOT_KNOWLEDGE?" in done.stderr


def test_a_signal_stops_the_fitting_with_the_start(tmp_path: Path):
    """SIGTERM while the matcher is fitted ends at once, with 0, and leaves no process behind."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "BOT_CACHE": str(tmp_path / "cache"),
        "TELEGRAM_TOKEN": "1:abc",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "run"], cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (tmp_path / "cache").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.terminate()
    assert process.wait(5) == 0
    time.sleep(0.5)
    assert list((tmp_path / "cache").glob("*.npz")) == []


def test_health_without_a_bot_ends_with_1(run: Run):
    """`health` tells that nobody answers."""
    done = run("health", BOT_HTTP="127.0.0.1:9")
    assert done.returncode == 1
    assert b"No bot answers" in done.stdout


def test_serving_loads_no_fitting_library():
    """Answering a question imports neither the fitting module nor scipy, discord or telegram."""
    code = (
        "import sys, bot.app, bot.workshop.asking, bot.platforms.terminal.adapter\n"
        "assert not {'scipy', 'bot.matching.fit', 'discord', 'telegram'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_no_inner_package_names_a_platform_library():
    """The platform libraries are imported only inside their own packages."""
    guilty = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "bot").rglob("*.py")
        for name in ("discord", "telegram")
        if re.search(rf"^\s*(?:import|from) {name}\b", path.read_text(encoding="utf-8"), re.MULTILINE)
        and f"platforms/{name}/" not in path.as_posix()
    ]
    assert guilty == []
