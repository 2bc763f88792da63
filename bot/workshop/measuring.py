"""Put golden questions, or those of a file, to the bot and collect what is right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from bot.dialogue.dialogue import Dialogue
from bot.knowledge.finding import did_you_mean
from bot.knowledge.questions import Questions
from bot.workshop.asking import answered
from bot.workshop.figures import Answer, Judged, Question, Set, typo_questions

Progress = Callable[[int, int], None]

_FAULTS_SHOWN = 40


class FileError(Exception):
    """Refuse a file of questions, in one sentence for each line that does not fit."""


def golden(questions: Questions) -> list[Question]:
    """Return the golden questions as figures take them, in-scope ones with typos once more."""
    found: list[Question] = []
    for set, table in ((Set.IN_SCOPE, questions.topics), (Set.PUBLIC, questions.short)):
        found += [
            Question(item.text, set, (id,), frozenset(item.also)) for id, items in table.items() for item in items
        ]
    found += typo_questions(found)
    found += [Question(text, Set.OFF_TOPIC, kind=kind) for kind, texts in questions.offtopic.items() for text in texts]
    found += [Question(item.text, Set.MULTI, tuple(item.topics)) for item in questions.double]
    found += [Question(item.text, Set.SLOTS, device=item.device, place=item.place) for item in questions.slots]
    return found


def ask_all(dialogue: Dialogue, questions: Iterable[Question], progress: Progress | None = None) -> list[Judged]:
    """Ask each question on its own and return it with its answer."""
    listed = list(questions)
    judged: list[Judged] = []
    for number, question in enumerate(listed, 1):
        judged.append(Judged(question, _answer(dialogue, question.text)))
        if progress:
            progress(number, len(listed))
    return judged


def ask_followups(dialogue: Dialogue, questions: Questions) -> Iterator[Judged]:
    """Ask each pair as a conversation of its own; what counts is the second answer."""
    for number, pair in enumerate(questions.followups):
        _answer(dialogue, pair.first, number)
        yield Judged(Question(pair.second, Set.FOLLOW_UP, (pair.topic,)), _answer(dialogue, pair.second, number))


def read_tsv(path: Path, topics: Collection[str], kinds: Collection[str] = ()) -> list[Question]:
    """Return the questions of a file `question<TAB>topic<TAB>also_ok`; an empty topic means that nothing may be answered.

    A first line `question…` or `message…` is a heading; after `message<TAB>kind` the second column names a kind of
    off-topic message. `kinds` are the known ones, for remedies. Raises FileError with every line that does not fit,
    or that names a topic that is none of `topics`.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise FileError(f"{path} cannot be read ({error.strerror}); correct the path or its permissions.") from error
    except UnicodeDecodeError as error:
        raise FileError(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8.") from error
    found: list[Question] = []
    faults: list[str] = []
    by_kind = False
    # Only line feeds end a line: other separators belong to what people typed.
    for number, line in enumerate(text.split("\n"), 1):
        row = line.rstrip("\t\r").split("\t")
        heads = [head.strip().lower() for head in row]
        if number == 1 and heads[0] in {"question", "message"}:
            by_kind = heads[1:] == ["kind"]
        elif row != [""]:
            try:
                found.append(_message(row) if by_kind else _question(row, topics, kinds))
            except FileError as error:
                faults.append(f"{path}:{number}: {error}")
    if faults:
        raise FileError("\n".join([*faults[:_FAULTS_SHOWN], *_more(len(faults) - _FAULTS_SHOWN)]))
    if not found:
        raise FileError(f"{path} holds no question; write one a line: question, tab, topic.")
    return found + typo_questions(found)


def unknown_kinds(questions: Iterable[Question], kinds: Collection[str]) -> list[str]:
    """Return a sentence for each kind of off-topic message that the knowledge does not have."""
    counts = Counter(one.kind for one in questions if one.kind and one.kind not in kinds)
    known = f"the knowledge has {', '.join(sorted(kinds))}" if kinds else "the knowledge has none"
    return [
        f'The kind "{kind}" ({count}×) is not known; {did_you_mean(kind, kinds, known)} It is measured as one of its own.'
        for kind, count in sorted(counts.items())
    ]


def _more(count: int) -> list[str]:
    return [f"… and {count} more lines that do not fit."] if count > 0 else []


def _message(row: list[str]) -> Question:
    if len(row) > 2:
        raise FileError(f"there are {len(row)} columns; write message and kind, with a tab between them.")
    message, kind = (part.strip() for part in (*row, "")[:2])
    if not message:
        raise FileError("the message is empty; write it before the first tab.")
    return Question(message, Set.OFF_TOPIC, kind=kind)


def _question(row: list[str], topics: Collection[str], kinds: Collection[str]) -> Question:
    if len(row) > 3:
        raise FileError(f"there are {len(row)} columns; write question, topic and also_ok, with tabs between them.")
    question, topic, also = (part.strip() for part in (*row, "", "")[:3])
    others = [other.strip() for other in also.split(",") if other.strip()]
    if len(row) == 1 and (words := question.split()) and len(words) > 1 and words[-1] in topics:
        raise FileError(f"there is no tab; write one between the question and {words[-1]}.")
    if not question:
        raise FileError("the question is empty; write it before the first tab.")
    if topic in kinds and topic not in topics:
        raise FileError(
            f'"{topic}" is a kind of off-topic message; leave the topic empty, or begin the file with message, tab, kind.'
        )
    for id in filter(None, (topic, *others)):
        if id not in topics:
            raise FileError(f'the topic "{id}" is not known; {did_you_mean(id, topics, "correct the id")}')
    return Question(question, Set.IN_SCOPE, (topic,), frozenset(others)) if topic else Question(question, Set.OFF_TOPIC)


def _answer(dialogue: Dialogue, text: str, conversation: int | None = None) -> Answer:
    done = answered(dialogue, text, conversation)
    reply = done.reply
    topics = tuple((item.topic, item.score) for item in reply.topics)
    return Answer(topics, reply.offered, reply.device, reply.place, done.milliseconds)
