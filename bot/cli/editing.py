"""Check and mend the knowledge, write and review topics, draw and export what people see: the commands for editors."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.base import (
    FINDINGS,
    USAGE,
    app,
    console,
    line,
    number,
    progress,
    refused,
    relative,
    stop,
    the_dialogue,
    the_knowledge,
    the_settings,
)

if TYPE_CHECKING:
    from bot.knowledge.model import Knowledge
    from bot.workshop.reviewing import Reviewed


class Form(StrEnum):
    """How findings are printed."""

    LINES = "lines"
    GROUPED = "grouped"
    GITHUB = "github"


@app.command()
def check(
    folder: Annotated[
        Path | None, typer.Argument(help="The knowledge folder; BOT_KNOWLEDGE where left out.", show_default=False)
    ] = None,
    *,
    dates: Annotated[
        bool, typer.Option("--dates", help="Also report what depends on today's date: overdue reviews.")
    ] = False,
    fix: Annotated[
        bool,
        typer.Option("--fix", help="First mend what changes no meaning: white space, quotes, the order of keys."),
    ] = False,
    form: Annotated[
        Form | None,
        typer.Option(
            "--format", help="A line each, grouped by file (in a terminal), or annotations.", show_default=False
        ),
    ] = None,
) -> None:
    """Report errors and findings in the knowledge, with what to do about each."""
    from bot.service.clock import today
    from bot.workshop.check import check_folder
    from bot.workshop.listing import annotation, grouped

    shown = folder or the_settings().bot_knowledge
    root = relative(shown)
    if fix:
        _fix(shown, root)
    with progress("Checking") as tell:
        tell("all files", 0.0)
        found = check_folder(shown, today() if dates else None)
    form = form or (Form.GROUPED if sys.stdout.isatty() else Form.LINES)
    if form is Form.GROUPED:
        console().print(grouped(found, shown, root))
    else:
        for finding in found:
            typer.echo(annotation(finding, root) if form is Form.GITHUB else line(root, finding))
    errors = sum(finding.severity == "error" for finding in found)
    if found:
        typer.echo(f"{number(errors, 'error')}, {number(len(found) - errors, 'finding')}", err=True)
        raise typer.Exit(FINDINGS)
    if form is Form.GROUPED:
        typer.echo("No errors, no findings.")


def _fix(folder: Path, root: Path) -> None:
    from bot.workshop.fixing import fix_folder

    try:
        fixed = fix_folder(folder)
    except OSError as error:
        stop(f"{error.filename or folder} cannot be written ({error.strerror}); check its permissions.", USAGE)
    for one in fixed:
        told = "; ".join(one.done) if one.done else f"left alone, for it has an error ({one.error})"
        typer.echo(f"{root / one.path}: {told}", err=True)
    if not fixed:
        typer.echo("Nothing to mend without changing a meaning.", err=True)


@app.command()
def new(
    id: Annotated[str, typer.Argument(help="The id of the new topic, such as voice-messages.")],
    *,
    group: Annotated[
        str | None, typer.Option(help="The id of its group; asked for where left out.", show_default=False)
    ] = None,
    title: Annotated[str | None, typer.Option(help="Its title; asked for where left out.", show_default=False)] = None,
    facts: Annotated[
        str | None,
        typer.Option(
            help="Ids of the facts it rests on, with commas between them; asked for where left out.", show_default=False
        ),
    ] = None,
) -> None:
    """Write the file of a new topic, with everything but the words."""
    from bot.knowledge.finding import KnowledgeError
    from bot.knowledge.loader import read
    from bot.service.clock import today
    from bot.workshop.check import check_folder
    from bot.workshop.topic_file import (
        TopicFileError,
        checked_facts,
        checked_group,
        checked_id,
        checked_title,
        new_topic,
        write_topic,
    )

    folder = the_settings().bot_knowledge
    # Another topic may be half-written; what a new one needs is the groups, the facts and the ids that are taken.
    draft, errors = read(folder)
    if not draft.groups or not draft.facts:
        refused(folder, KnowledgeError(errors))
    groups = {group.id: group.title for group in draft.groups.form.groups}
    known = {fact.id: fact.statement for fact in draft.facts.form.facts}
    try:
        checked_id(id, draft.topic_ids)
        chosen = checked_group(group if group is not None else _asked_group(groups), groups)
        named = checked_title(title if title is not None else _asked("Title, as people would call it", "--title"))
        rests = checked_facts(_split(facts if facts is not None else _asked_facts(known)), known)
        path = write_topic(folder, chosen, id, new_topic(named, rests, today()))
    except TopicFileError as error:
        stop(str(error), USAGE)
    root = relative(folder)
    typer.echo(f"Wrote {relative(path)}. Left to write:")
    for finding in check_folder(folder):
        if finding.path == path.relative_to(folder).as_posix():
            typer.echo(f"  {line(root, finding)}")
    typer.echo("Until then the knowledge does not load. privacy-bot check tells what is missing.")


def _asked(question: str, option: str) -> str:
    if not sys.stdin.isatty():
        stop(f"There is no terminal to ask in; give {option}.", USAGE)
    return str(typer.prompt(question))


def _asked_group(groups: dict[str, str]) -> str:
    if sys.stdin.isatty():
        for place, (id, title) in enumerate(groups.items(), 1):
            typer.echo(f"{place:>3}. {id}: {title}")
    answer = _asked("Group (number or id)", "--group").strip()
    ids = list(groups)
    return ids[int(answer) - 1] if answer.isascii() and answer.isdigit() and 0 < int(answer) <= len(ids) else answer


def _asked_facts(known: dict[str, str]) -> str:
    """Ask for the facts; words in place of ids are looked up in the statements."""
    while True:
        answer = _asked("Facts (ids with commas between them, or words to search for)", "--facts")
        if _split(answer) and all(part in known for part in _split(answer)):
            return answer
        words = answer.lower().split()
        found = [id for id, statement in known.items() if words and all(word in statement.lower() for word in words)]
        for id in found[:12]:
            typer.echo(f"  {id}  {known[id][:100]}")
        if len(found) > 12:
            typer.echo(f"  … and {len(found) - 12} more; search with more words.")
        if not found:
            typer.echo("  No fact has such an id, or all of these words.")


def _split(text: str) -> list[str]:
    return [part for part in text.replace(",", " ").split() if part]


@app.command()
def review(
    ids: Annotated[
        list[str] | None,
        typer.Argument(help="Topics and letters to review; all that are overdue where left out.", show_default=False),
    ] = None,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Review every topic and letter, whether it is due or not.")
    ] = False,
) -> None:
    """Go through what is overdue: compare each topic and letter with its sources, and set the day of its review."""
    from bot.knowledge.finding import did_you_mean
    from bot.service.clock import today
    from bot.workshop.reviewing import by_due, due_line, overdue

    knowledge = the_knowledge(the_settings().bot_knowledge)
    every = by_due(knowledge)
    known = {str(one.id) for one in every}
    for id in ids or ():
        if id not in known:
            told = did_you_mean(id, known, "privacy-bot review --all lists all")
            stop(f'There is no topic or letter "{id}"; {told}', USAGE)
    day = today()
    if ids:
        # A topic and a letter may share an id; both are then meant.
        chosen = [one for id in dict.fromkeys(ids) for one in every if one.id == id]
    elif everything:
        chosen = every
    else:
        chosen = overdue(knowledge, day)
    if not chosen:
        first = every[0]
        typer.echo(f"Nothing is overdue. Next is {first.id}, on {first.form.due}.")
        return
    if sys.stdin.isatty() and sys.stdout.isatty():
        _reviewed(knowledge, chosen)
    else:
        for one in chosen:
            typer.echo(due_line(one, day))


def _reviewed(knowledge: Knowledge, chosen: list[Reviewed]) -> None:
    """Show one topic or letter after the other and set its date where the editor confirms."""
    from bot.service.clock import today
    from bot.workshop.reviewing import file_of, shown
    from bot.workshop.topic_file import TopicFileError, set_reviewed

    folder = the_settings().bot_knowledge
    done = 0
    for place, one in enumerate(chosen, 1):
        path = folder / file_of(one)
        console().rule(f"{place} of {len(chosen)}: {one.id}")
        console().print(shown(knowledge, one, today()))
        typer.echo(f"\nFile: {relative(path)}. Facts have a day of their own: checked, in facts.yaml.")
        answer = _choice("Compared with its sources, and still true?  [y]es, set the date  [s]kip  [q]uit", "ysq")
        if answer == "q":
            break
        if answer == "y":
            try:
                set_reviewed(path, today())
            except TopicFileError as error:
                typer.echo(str(error), err=True)
                continue
            done += 1
            typer.echo(f"reviewed: {today()}")
    typer.echo(f"{done} of {len(chosen)} reviewed.")


def _choice(question: str, letters: str) -> str:
    while True:
        try:
            answer = input(f"{question}: ").strip().lower()[:1]
        except (EOFError, KeyboardInterrupt):
            typer.echo()
            return "q"
        if answer and answer in letters:
            return answer
        typer.echo(f"Type one of {', '.join(letters)}.")


@app.command()
def suggest(
    file: Annotated[
        Path,
        typer.Argument(
            help="A question a line, or an export of the ledger in JSON lines; - reads what is piped in.",
            allow_dash=True,
        ),
    ],
) -> None:
    """Group what people asked and could not get, and propose to which topic each group belongs."""
    from bot.workshop.clusters import MOST, MessagesError, read_messages

    name = "the input" if str(file) == "-" else str(file)
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        messages = read_messages(raw.decode("utf-8", "replace"), name)
    except OSError as error:
        stop(f"{name} cannot be read ({error.strerror}); correct the path or its permissions.", USAGE)
    except MessagesError as error:
        stop(str(error), USAGE)
    dialogue = the_dialogue(the_settings())
    from bot.matching.encoder import Encoder
    from bot.workshop.clusters import clusters, listed

    with progress("Grouping") as tell:
        tell("likeness", 0.0)
        found = clusters(
            messages, dialogue.mind.matcher, Encoder.load(), lambda done, of: tell("nearest topics", done / of)
        )
    titles = {str(id): topic.title for id, topic in dialogue.knowledge.topics.items()}
    console().print(listed(found, titles))
    if len(messages) > MOST:
        typer.echo(f"Only the {MOST} most frequent of {len(messages)} different messages were grouped.", err=True)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="The folder to write; an earlier export in it is replaced.")] = Path(
        "var/export"
    ),
) -> None:
    """Write the whole knowledge as web pages without scripts, and as one sheet for printing."""
    from bot.service.clock import today
    from bot.workshop.export import INDEX, pages
    from bot.workshop.folder import FolderError, write_folder

    knowledge = the_knowledge(the_settings().bot_knowledge)
    with progress("Exporting") as tell:
        tell("pages", 0.0)
        files = pages(knowledge, today())
        tell("writing", 0.5)
        try:
            write_folder(folder, files)
        except FolderError as error:
            stop(str(error), USAGE)
    typer.echo(f"Wrote {number(len(files), 'page')}; open {folder / INDEX}.")


@app.command(hidden=True)
def picture(
    ids: Annotated[list[str] | None, typer.Argument(help="Topics and letters to draw.", show_default=False)] = None,
    *,
    changed: Annotated[
        str | None,
        typer.Option(metavar="REF", help="Draw the topics and letters that differ from a commit.", show_default=False),
    ] = None,
    into: Annotated[Path, typer.Option(help="The folder for these pictures.")] = Path("var/pictures"),
) -> None:
    """Draw the README's picture of an answer anew, or those of topics and letters, each also as plain text."""
    from bot.knowledge.finding import did_you_mean
    from bot.service.clock import today
    from bot.workshop.comparing import CompareError, changed_entries
    from bot.workshop.picture import FILE, picture, pictures

    settings = the_settings()
    if ids is None and changed is None:
        FILE.write_text(picture(the_dialogue(settings)), encoding="utf-8")
        typer.echo(f"Drew {FILE}.")
        return
    knowledge = the_knowledge(settings.bot_knowledge)
    try:
        wanted = [*(ids or ()), *(changed_entries(settings.bot_knowledge, changed) if changed else ())]
        known = {*map(str, knowledge.topics), *knowledge.letters}
        for id in wanted:
            if id not in known:
                stop(f'There is no topic or letter "{id}"; {did_you_mean(id, known, "correct the id")}', USAGE)
        into.mkdir(parents=True, exist_ok=True)
        count = 0
        for id in dict.fromkeys(wanted):
            for name, svg, text in pictures(knowledge, id, today()):
                (into / f"{name}.svg").write_text(svg, encoding="utf-8")
                (into / f"{name}.txt").write_text(text, encoding="utf-8")
                count += 1
    except CompareError as error:
        stop(str(error), USAGE)
    except OSError as error:
        stop(f"{into} cannot be written ({error.strerror}); name a folder that can.", USAGE)
    typer.echo(f"Drew {number(count, 'picture')} in {into}.")
