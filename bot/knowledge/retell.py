"""Retell YAML's own errors in an editor's terms, with the line as it should stand."""

from __future__ import annotations

import re
from collections.abc import Callable

import yaml

from bot.knowledge.finding import Finding

_ENTRY = re.compile(r"""^(?P<lead>\s*(?:-\s+)*(?:(?:[A-Za-z_][\w-]*|"[^"]*"|'[^']*'):(?:\s+|$))?)(?P<value>.*)$""")
_QUOTED = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^']|'')*'""")
_SPECIAL = {
    "*": "Markdown stars", "&": "an ampersand", "!": "an exclamation mark", "%": "a percent sign", "@": "an @ sign",
    "`": "a backtick", "[": "a square bracket", "{": "a brace", "|": "a bar", ">": "a greater-than sign",
    "]": "a square bracket", "}": "a brace", ",": "a comma", "#": "a hash",
}  # fmt: skip

BULLET = r"(?:[*•‣◦▪·–—+]|\d+[.)])\s+"
"""What people begin the entries of a list with in other programs."""

_LISTS = frozenset(
    [
        "asks",
        "facts",
        "covers",
        "related",
        "links",
        "sources",
        "in",
        "people",
        "cities",
        "also",
        "codes",
        "careful",
        "traps",
        "words",
        "browsers",
        "phones",
        "makers",
        "trades",
        "messages",
        "topics",
        "groups",
        "desktop",
        "ios",
        "android",
        "mobile-web",
        "double",
        "followups",
        "slots",
        "courtesies",
        "beside_courtesies",
    ]
)
"""Keys that hold lists; a dash or bracket after any other is part of a text."""

_ODD_SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"

Told = tuple[int, int, str, str, str, str | None]
"""Line index, column index, code, what, remedy, and the line as it should stand (None: cannot say)."""


def quoted(text: str) -> str:
    """Return `text` as a YAML scalar in quotes that keeps every character."""
    if '"' not in text and "\\" not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"


def retell(path: str, lines: list[str], error: yaml.MarkedYAMLError | None) -> tuple[Finding, list[str] | None]:
    """Explain a YAML error.

    Returns the finding, and the lines with the error mended so that reading can go on (None where the
    meaning cannot be guessed).
    """
    mark = (error.problem_mark or error.context_mark) if error else None
    at = min(mark.line, len(lines) - 1) if mark else 0
    column = mark.column if mark else 0
    # YAML often notices an error a line or more after the one that a person has to change.
    start = error.context_mark.line if error and error.context_mark else at
    if error and (whole := _wide(lines, error, at, start)):
        (where, col, code, what, remedy, _), mended = whole
        return Finding(path, where + 1, col + 1, code, what, remedy, key=_key(lines[where])), mended
    candidates = dict.fromkeys([at, *range(at, max(start, at - 3) - 1, -1), start, *range(max(0, at - 1), at)])
    if error and "quoted scalar" in (error.context or ""):
        candidates = {start: None, **candidates}
    explained = (told for index in candidates if index < len(lines) and (told := _explain(lines, index)))
    if told := next(explained, None) or _misplaced(lines, at, start):
        where, col, code, what, remedy, line = told
        mended = None if line is None else [*lines[:where], line, *lines[where + 1 :]]
        return Finding(path, where + 1, col + 1, code, what, remedy, key=_key(lines[where])), mended
    what = "this line does not fit the lines above it"
    remedy = "compare its indentation (the spaces at its start) and its punctuation with theirs"
    if _line_above(lines, at) is None:
        what, remedy = (
            "this is no beginning of such a file",
            "begin it with a key and a colon, as the other files here do",
        )
    return Finding(path, at + 1, column + 1, "yaml", what, remedy, key=_key(lines[at])), None


def _wide(lines: list[str], error: yaml.MarkedYAMLError, at: int, start: int) -> tuple[Told, list[str] | None] | None:
    """Explain what several lines together do wrong; returns it with all lines mended."""
    for index in (at, at - 1, at - 2):
        if 0 <= index < len(lines) and (told := _block_head(lines, index, lines[index])):
            return told, [*lines[:index], told[5] or "", *lines[index + 1 :]]
    return (
        _unindented_text(lines, at)
        or _running_text(lines, at)
        or _long_quote(lines, error, at)
        or _brackets(lines, error, at, start)
        or _directive(lines, at)
    )


def _unindented_text(lines: list[str], at: int) -> tuple[Told, list[str]] | None:
    """A text under `answer: |` that begins at the margin."""
    for index in (at, at - 1, at - 2):
        head = _line_above(lines, index)
        if (
            not 0 < index < len(lines)
            or head is None
            or not (match := re.match(r"( *)([\w-]+):\s+[|>][-+]?\s*$", lines[head]))
        ):
            continue
        line = lines[index]
        if not line.strip() or _indent_of(line) > len(match[1]) or re.match(r"\s*[\w-]+:(\s|$)", line):
            continue
        indent = " " * (len(match[1]) + 2)
        end = index
        while (
            end < len(lines)
            and not re.match(r"\s*[\w-]+:(\s|$)", lines[end])
            and _indent_of(lines[end]) <= len(match[1])
        ):
            end += 1
        mended = [*lines[:index], *(indent + other.strip() for other in lines[index:end]), *lines[end:]]
        what = f"the text of {match[2]} begins here without being indented"
        remedy = f"begin each of its lines after {_spaces(len(indent))}: {line.strip()}"
        return (index, _indent_of(line), "indent", what, remedy, None), mended
    return None


def _running_text(lines: list[str], at: int) -> tuple[Told, list[str]] | None:
    """A text that runs over several lines without `|`, with a colon or hash in one of them."""
    for index in (at, at - 1):
        if not 0 < index < len(lines) or not lines[index].strip():
            continue
        indent = _indent_of(lines[index])
        head = _line_above(lines, index)
        texts = 0
        while (
            head is not None
            and _indent_of(lines[head]) == indent
            and not re.match(r"\s*([a-z_-]+:|-)(\s|$)", lines[head])
        ):
            texts += 1
            head = _line_above(lines, head)
        if head is None or _indent_of(lines[head]) >= indent:
            continue
        match = re.match(r"( *)([\w-]+):(?:\s+(?![|>\"'\[{&*!%@`])(\S.*))?\s*$", lines[head])
        if not match or (not match[3] and not texts) or re.match(r"\s*-(\s|$)", lines[index]):
            continue
        if match[3] and re.match(r"\s*[a-z_-]+:(\s|$)", lines[index]):
            continue
        mended = [*lines[:head], f"{match[1]}{match[2]}: |", *lines[head + 1 :]]
        what = "a text over several lines cannot hold a colon with a space after it, or a hash with one before it"
        remedy = f'write "{match[2]}: |" in line {head + 1} and the whole text below it, indented'
        return (index, indent, "running-text", what, remedy, None), mended
    return None


def _long_quote(lines: list[str], error: yaml.MarkedYAMLError, at: int) -> tuple[Told, list[str] | None] | None:
    """A quoted text over several lines that a quote inside it ends."""
    if "quoted scalar" in (error.context or ""):
        return None
    last = None
    try:
        for token in yaml.scan("\n".join(lines), Loader=yaml.SafeLoader):
            over_lines = token.start_mark.line != token.end_mark.line
            if isinstance(token, yaml.ScalarToken) and token.style in {'"', "'"} and over_lines:
                last = token if 0 <= at - token.end_mark.line <= 1 else last
    except yaml.YAMLError:
        pass
    if last is None:
        return None
    begin, end = last.start_mark.line, last.end_mark.line
    entry = _ENTRY.match(lines[begin])
    key = entry["lead"].strip() if entry else ""
    below = lines[begin + 1]
    if entry and re.match(r"\s*(-\s|[\w-]+:(\s|$))", below) and _indent_of(below) <= _indent_of(lines[begin]):
        value = entry["value"].rstrip()
        right = entry["lead"] + quoted(value if last.style == "'" else value[1:])
        what = f"the quote {last.style} that opens here is never closed"
        told = (begin, last.start_mark.column, "open-quote", what, f"write: {right.strip()}", None)
        return told, [*lines[:begin], right, *lines[begin + 1 :]]
    what = f"the quoted text that begins here ends early, at the next {last.style} in line {end + 1}"
    remedy = f"write {key} | in this line and the whole text below it, indented by two spaces and without the quotes around it"
    if not key.endswith(":"):
        remedy = "write the text on one line, in quotes that do not occur in it"
    mended = None
    if entry and at - begin <= _SHORT:
        mended = [*lines[:begin], entry["lead"] + '"…"', *([""] * (at - begin)), *lines[at + 1 :]]
    return (begin, last.start_mark.column, "early-quote", what, remedy, None), mended


_SHORT = 5
"""Lines that may be left out to read on; more would hide what else is wrong."""


def _brackets(
    lines: list[str], error: yaml.MarkedYAMLError, at: int, start: int
) -> tuple[Told, list[str] | None] | None:
    """Texts between braces or brackets that need quotes, or a comma that is missing between them."""
    if not (error.problem or "").startswith("expected ',' or") or start != at:
        return None
    line, mark = lines[at], error.context_mark
    column = mark.column if mark else 0
    if line[column : column + 1] + line.rstrip()[-1:] not in {"{}", "[]"}:
        return None
    what = "between these brackets a comma is missing, or a text that holds a colon, comma or quote needs quotes"
    example = '{label: "…", url: "https://…"}' if line[column] == "{" else '["…", "…"]'
    right = line[:column] + ("{}" if line[column] == "{" else "[]")
    at_column = error.problem_mark.column if error.problem_mark else column
    told = (at, at_column, "brackets", what, f"put each text in quotes, with commas between them: {example}", None)
    return told, [*lines[:at], right, *lines[at + 1 :]]


def _directive(lines: list[str], at: int) -> tuple[Told, list[str]] | None:
    """A line of dots that ends a document, or a dashed line with something after it."""
    for index in (at, at - 1):
        if 0 <= index < len(lines) and (match := re.match(r"(\.\.\.|---)(\s|$)", lines[index])):
            what = f"{match[1]} at the start of a line means something else to YAML"
            rest = lines[index][3:].strip()
            remedy = f"write: {rest}" if rest else "delete the line"
            return (index, 0, "document-mark", what, remedy, None), [*lines[:index], rest, *lines[index + 1 :]]
    return None


def _misplaced(lines: list[str], at: int, start: int) -> Told | None:
    """A line whose indentation or dash fits none of its neighbours."""
    for index in (at, at - 1):
        other = _line_above(lines, index)
        if other is None or not lines[index].strip() or re.match(r"\s*(-\s|[\w-]+:(\s|$))", lines[index]):
            continue
        if lines[other].lstrip().startswith("- ") and _indent_of(lines[other]) == _indent_of(lines[index]):
            right = f"{' ' * _indent_of(lines[index])}- {lines[index].strip()}"
            what, remedy = "a dash is missing before this line", f"write: {right.strip()}"
            return index, _indent_of(right), "missing-dash", what, remedy, right
    line = lines[at]
    above = _line_above(lines, at)
    if above is None or not line.strip():
        return None
    indent, item = _indent_of(line), line.lstrip().startswith("- ")
    for index in range(at, start, -1):
        if _indent_of(lines[index]) % 2 and lines[index].strip():
            should = _indent_of(lines[index]) + 1
            return _moved(lines, index, should)
    alike = [other for other in lines[start:at] if other.strip() and other.lstrip().startswith("- ") == item]
    same = [other for other in lines[start:at] if other.strip() and _indent_of(other) == indent]
    key = re.match(r"\s*([\w-]+):(\s|$)", line)
    if not item and key and same and same[-1].lstrip().startswith("- "):
        first = next(number for number in range(start, at) if lines[number] == same[0])
        if re.match(rf"\s*-\s+{re.escape(key[1])}:", same[0]):
            right = f"{' ' * indent}- {line.strip()}"
            return at, indent, "missing-dash", "a dash is missing before this line", f"write: {right.strip()}", right
        what = f"a key stands here, but line {first + 1} begins with a dash, which makes a list of these lines"
        return at, indent, "dash", what, f"take the dash away there: {same[0].strip()[2:].strip()}", None
    if key or item:
        should = next((_indent_of(other) for other in reversed(alike) if _indent_of(other) != indent), indent)
        return _moved(lines, at, should) if should != indent else None
    return _moved(lines, at, _indent_of(lines[above])) if _indent_of(lines[above]) != indent else None


def _moved(lines: list[str], index: int, should: int) -> Told:
    line = lines[index]
    what = f"this line begins after {_spaces(_indent_of(line))}, which fits none of the lines around it"
    right = " " * should + line.strip()
    return index, _indent_of(line), "indent", what, f"begin it after {_spaces(should)}: {line.strip()}", right


def _line_above(lines: list[str], index: int) -> int | None:
    """Return the nearest line above that is neither empty nor a comment."""
    return next(
        (
            number
            for number in range(min(index, len(lines)) - 1, -1, -1)
            if lines[number].strip() and not lines[number].lstrip().startswith("#")
        ),
        None,
    )


def _indent_of(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _key(line: str) -> str:
    match = re.match(r"\s*(?:-\s+)*([A-Za-z_][\w-]*):", line)
    return match[1][:_LONGEST_KEY] if match else ""


_LONGEST_KEY = 60


def _explain(lines: list[str], index: int) -> Told | None:
    line = lines[index]
    if not line.strip() or line.lstrip().startswith("#"):
        return None
    for rule in _RULES:
        if told := rule(lines, index, line):
            return told
    return None


def _tab(_lines: list[str], index: int, line: str) -> Told | None:
    indent = line[: len(line) - len(line.lstrip())]
    column = indent.find("\t")
    if column < 0:
        after = re.match(r"^\s*(?:-|[\w-]+:)(\s*\t\s*)", line)
        if not after:
            return None
        column = line.index("\t")
    right = line.replace("\t", "  ")
    return (
        index,
        column,
        "tab",
        "a tab stands where YAML allows only spaces",
        f"write it with spaces: {right.strip()}",
        right,
    )


def _odd_space(_lines: list[str], index: int, line: str) -> Told | None:
    match = re.match(rf"\s*(?:-\s*|[\w-]+:\s*)?[{_ODD_SPACES}]", line)
    if not match or not re.search(rf"[{_ODD_SPACES}]", match[0]):
        return None
    column = next(at for at, letter in enumerate(line) if re.match(f"[{_ODD_SPACES}]", letter))
    right = re.sub(rf"[{_ODD_SPACES}]", " ", match[0]) + line[match.end() :]
    what = f"a special space (U+{ord(line[column]):04X}) stands where YAML needs a plain one"
    return index, column, "odd-space", what, f"write it with plain spaces: {right.strip()}", right


def _bullet(lines: list[str], index: int, line: str) -> Told | None:
    match = re.match(rf"(\s*){BULLET}(\S.*)$", line)
    above = _line_above(lines, index)
    if not match or above is None or not re.match(r"\s*([\w-]+:\s*$|-\s)", lines[above]):
        return None
    right = f"{match[1]}- {match[2]}"
    what = "an entry of a list begins with a dash and a space, and with nothing else"
    return index, len(match[1]), "bullet", what, f"write: {right.strip()}", right


def _block_head(_lines: list[str], index: int, line: str) -> Told | None:
    match = re.match(r"(\s*(?:-\s+)?[\w-]+:\s+)([|>][|>+\-\d]*)\s*$", line)
    if not match or re.fullmatch(r"[|>][-+]?", match[2]):
        return None
    right = match[1] + "|"
    what = f"{match[2]} is no beginning of a text"
    return index, len(match[1]), "block-head", what, f"write: {right.strip()}", right


def _early_quote(lines: list[str], index: int, line: str) -> Told | None:
    entry = _ENTRY.match(line)
    if not entry or entry["value"][:1] not in {'"', "'"}:
        return None
    value = entry["value"].rstrip()
    mark = value[0]
    whole = _QUOTED.match(value)
    if whole and re.fullmatch(r"(\s+#.*|\s*)", value[whole.end() :]):
        return None
    inner = value[1:-1] if len(value) > 1 and value.endswith(mark) else value[1:]
    if whole:
        what, code = f"the quote {mark} ends early, before the end of the text", "early-quote"
        # `"He said "no" to it"` is wrapped in quotes; `"Yes" or "no"` only begins and ends with quoted words.
        wrapped = value.endswith(mark) and value[whole.end() - 2] == " "
        text = inner if wrapped or mark == "'" else value
    elif "\\" in value and value.endswith(mark):
        return None
    elif not _closes_later(lines, index, mark):
        what, code = f"the quote {mark} that opens here is never closed", "open-quote"
        text = value if mark == "'" else inner
    else:
        return None
    right = entry["lead"] + quoted(text)
    return index, entry.start("value"), code, what, f"write: {right.strip()}", right


def _closes_later(lines: list[str], index: int, mark: str) -> bool:
    return any(line.rstrip().endswith(mark) and line.count(mark) % 2 for line in lines[index + 1 : index + 20])


def _backslash(_lines: list[str], index: int, line: str) -> Told | None:
    entry = _ENTRY.match(line)
    if not entry or not re.match(r'"[^"]*\\[^"\\/abefnrtvxuUNLP_ 0]', entry["value"]):
        return None
    right = entry["lead"] + "'" + entry["value"].strip().strip('"').replace("'", "''") + "'"
    what = "a backslash inside double quotes means something else to YAML"
    return index, line.index("\\"), "backslash", what, f"use single quotes: {right.strip()}", right


def _half_character(_lines: list[str], index: int, line: str) -> Told | None:
    match = re.search(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}", line)
    if not match:
        return None
    right = re.sub(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}", "…", line)
    what = f"{match[0]} is only half a character"
    return index, match.start(), "backslash", what, "type the character itself in place of such escapes", right


def _special_start(_lines: list[str], index: int, line: str) -> Told | None:
    entry = _ENTRY.match(line)
    if not entry or not entry["lead"].strip():
        return None
    value = entry["value"].rstrip()
    first = value[:1]
    key = _key(line)
    if value.startswith("- ") and key in _LISTS:
        what = f"the list of {key} begins on the line of its key"
        right = entry["lead"] + f"[{quoted(value[2:].strip())}]"
        return index, entry.start("value"), "list-start", what, f"write: {right.strip()}", right
    if (value.startswith(("- ", "? ")) or value in {"-", "?"}) and ":" in entry["lead"]:
        right = entry["lead"] + quoted(value)
        what = f"a text that begins with {value[0]} and a space means something else to YAML"
        return index, entry.start("value"), "special-start", what, f"put the text in quotes: {right.strip()}", right
    if first not in _SPECIAL or re.fullmatch(r"[|>][-+]?\d?", value) or re.fullmatch(r"\[[^\]]*\]|\{[^}]*\}", value):
        return None
    if first in "[{" and not re.match(r"\[[^\]]*\]\s*\S|\{[^}]*\}\s*\S", value):
        close = "]" if first == "[" else "}"
        right = re.sub(r"\s*[\])}]$", "", line.rstrip()) + close
        if first == "[" and key and key not in _LISTS:
            right = entry["lead"] + quoted(value)
        return (
            index,
            entry.start("value"),
            "open-bracket",
            f"the {first} that opens here is never closed",
            f"write: {right.strip()}",
            right,
        )
    right = entry["lead"] + quoted(value)
    what = f"a text that begins with {_SPECIAL[first]} ({first}) means something else to YAML"
    return index, entry.start("value"), "special-start", what, f"put the text in quotes: {right.strip()}", right


def _colon_inside(_lines: list[str], index: int, line: str) -> Told | None:
    entry = _ENTRY.match(line)
    if not entry or not entry["lead"].strip():
        return None
    value = entry["value"].rstrip()
    if value[:1] in {'"', "'", "[", "{", "|", ">"}:
        return None
    inside = re.search(r":(\s|$)", value)
    if not inside:
        return None
    right = entry["lead"] + quoted(value)
    return (
        index, entry.start("value") + inside.start(), "colon-inside",
        "a colon followed by a space inside a text means something else to YAML",
        f"put the text in quotes: {right.strip()}", right,
    )  # fmt: skip


def _missing_colon(_lines: list[str], index: int, line: str) -> Told | None:
    sign = re.match(r"^(\s*)([a-z_]+)\s*[;=]\s+(\S.*)$", line) or re.match(r"^(\s*)([a-z_]+)\s+:(\S.*)$", line)
    if sign:
        right = f"{sign[1]}{sign[2]}: {sign[3]}"
        what = f'a colon and a space are needed right after "{sign[2]}"'
        return index, len(sign[1]) + len(sign[2]), "missing-colon", what, f"write: {right.strip()}", right
    glued = re.match(r"^(\s*)([A-Za-z_]\w*):(\S.*)$", line)
    if glued and "://" not in line.split(" ", maxsplit=1)[0]:
        right = f"{glued[1]}{glued[2]}: {glued[3]}"
        what = f'a space is missing after "{glued[2]}:"'
        return index, len(glued[1]) + len(glued[2]) + 1, "missing-space", what, f"write: {right.strip()}", right
    dash = re.match(r"^(\s*)-([A-Za-z].*)$", line)
    if dash:
        right = f"{dash[1]}- {dash[2]}"
        return (
            index,
            len(dash[1]),
            "missing-space",
            "a space is missing after the dash",
            f"write: {right.strip()}",
            right,
        )
    bare = re.match(r"^([a-z_]+)(\s+\S.*)?$", line)
    if bare:
        right = f"{bare[1]}: {(bare[2] or '').strip()}".rstrip()
        return index, len(bare[1]), "missing-colon", f'a colon is missing after "{bare[1]}"', f"write: {right}", right
    return None


def _indent(lines: list[str], index: int, line: str) -> Told | None:
    indent = len(line) - len(line.lstrip(" "))
    before = next(
        (other for other in reversed(lines[:index]) if other.strip() and not other.lstrip().startswith("#")), None
    )
    if before is None or indent == 0:
        if before is not None or indent == 0:
            return None
        right = line.lstrip()
        return index, 0, "indent", "the first line is indented", f"write it at the margin: {right}", right
    previous = len(before) - len(before.lstrip(" "))
    opens = before.rstrip().endswith((":", "|", ">"))
    if abs(indent - previous) not in {1, 3} and not (indent > previous and not opens):
        return None
    # A line belongs where its like stands: a list item under items, a key under keys.
    is_item = line.lstrip().startswith("- ")
    alike = [
        len(other) - len(other.lstrip(" "))
        for other in lines[:index]
        if other.strip()
        and (other.lstrip().startswith("- ") == is_item)
        and (is_item or re.match(r"\s*[\w-]+:", other))
    ]
    should = (
        min(alike, key=lambda column: abs(column - indent), default=previous) if is_item or ":" in line else previous
    )
    right = " " * (should if should != indent else previous) + line.lstrip()
    spaces = len(right) - len(right.lstrip())
    what = f"this line begins after {_spaces(indent)}, which fits none of the lines above"
    return index, indent, "indent", what, f"begin it after {_spaces(spaces)}: {right.strip()}", right


def _spaces(number: int) -> str:
    return {0: "no space", 1: "one space"}.get(number, f"{number} spaces")


_RULES: tuple[Callable[[list[str], int, str], Told | None], ...] = (
    _tab, _odd_space, _bullet, _block_head, _early_quote, _backslash, _half_character, _special_start, _colon_inside, _missing_colon, _indent,
)  # fmt: skip
