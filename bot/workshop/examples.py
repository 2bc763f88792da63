"""Show the right form beside what is wrong: an example for each kind of finding, or for its key."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.knowledge.finding import Finding


def example(finding: Finding) -> str:
    """Return lines in the right form, of the same kind as what is wrong; empty where none would help."""
    listed = _LISTED if finding.path == "checkup.yaml" or finding.path.startswith("letters/") else {}
    if found := listed.get(finding.code) or _BY_CODE.get(finding.code):
        return found
    meant = re.search(r'did you mean "([\w-]+)"', finding.remedy)
    keys = [part for part in (*finding.key.split("."), meant[1] if meant else "") if not part.isdigit()]
    return next((form for key in reversed(keys) if (form := listed.get(key) or _BY_KEY.get(key))), "")


_TEXT = "answer: |\n  LinkedIn says no. Private messages are not used."
_START = "title: Are private messages used?\nanswer: |\n  LinkedIn says no."
_ASKS = "asks:\n  - how do i switch off the ai thing\n  - where is the switch"
_STEPS = "steps:\n  ios:\n    - Open the app and tap your **profile photo**.\n    - Tap **Settings**."
_LIMITS = "limits: |\n  This does not undo training that has already happened."
_LINKS = 'links:\n  - {label: Open the setting, url: "https://www.linkedin.com/mypreferences/d/settings/data-for-ai-improvement"}'
_QUOTED = 'title: "LinkedIn: what it does"'
_FILE = "topics/opting-out/opt-out-phone.yaml"
_GROUNDS = (
    "grounds:\n  ask: Why you object, in your own words\n  hint: What is special about your situation?\n"
    "  thoughts:\n    - Your job or clients\n  warning: |\n    One sentence may not be enough.\n"
    "body: |\n  My grounds:\n\n  {grounds}"
)
_DEADLINE = "body: |\n  Please answer by {deadline}.\ndeadline: {months: 1, extended_months: 2}"
_FOLLOW_UP = "follow_up: follow-up-gdpr"

_BY_KEY: Mapping[str, str] = {
    "title": "title: Turn off AI training on your phone",
    "label": "label: Turn it off on a phone",
    "answer": _TEXT,
    "easy": "easy: |\n  There is a switch in the app. Turn it off.",
    "more": "more: |\n  - a list begins with a dash\n  - [a link](https://www.linkedin.com/help/linkedin/answer/a6278444)",
    "limits": _LIMITS,
    "steps": _STEPS,
    "places": "places:\n  gb:\n    answer: |\n      The same in other words, for the United Kingdom only.",
    "links": _LINKS,
    "url": "url: https://www.linkedin.com/legal/privacy-policy",
    "covers": "covers: [eu, eea, ch]",
    "apart": "apart: true",
    "letter": "letter: true",
    "related": "related: [past-training, objection-form]",
    "facts": "facts: [F-OPT-04, F-OPT-07]",
    "reviewed": "reviewed: 2026-11-23",
    "review_every": "review_every: 60",
    "asks": _ASKS,
    "statement": "statement: LinkedIn's Privacy Policy of 3 November 2025 names AI training.",
    "status": "status: sure",
    "confidence": "confidence: official",
    "held": 'held: "2024-09-18"',
    "where": "where: worldwide",
    "sources": "sources: [linkedin-help-a6278444]",
    "checked": "checked: 2026-11-23",
    "unused": "unused: told by another fact",
    "publisher": "publisher: LinkedIn",
    "date": "date: 2025-11-03",
    "kind": "kind: official",
    "copy": "copy: true",
    "in": "in: [eu, eea]",
    "regulator": 'regulator: {name: "the Information Commissioner", url: "https://ico.org.uk"}',
    "messages": "messages:\n  - i forgot my password",
    "double": "double:\n  - text: are my dms read and how do i opt out\n    topics: [private-messages, opt-out-overview]",
    "also": "- {text: phone opt out please, also: [opt-out-overview]}",
    "slots": "slots:\n  - {text: i live in munich, place: de}",
    "topics": "topics:\n  private-messages:\n    - do they read what i write to my boss",
    # Letters and the check-up.
    "controller": "controller: LinkedIn Ireland Unlimited Company",
    "controls": (
        "controls:\n  - id: ai-training\n    title: Switch off AI training\n"
        "    why: It stops the training of AI that creates content, from now on.\n"
        "    topic: opt-out-overview\n    facts: [F-OPT-01]"
    ),
    "why": "why: |\n  LinkedIn must then stop, unless it shows compelling grounds.",
    "topic": "topic: opt-out-overview",
    "not_in": "not_in: [us-ca]",
    "to": "to: controller",
    "send": 'send:\n  - {label: Objection form, url: "https://www.linkedin.com/help/linkedin/ask/TS-DPRO"}',
    "enclose": "enclose: |\n  You need to enclose nothing.",
    "grounds": _GROUNDS,
    "thoughts": "thoughts:\n  - Your job or clients\n  - People you write about",
    "warning": "warning: |\n  One sentence may not be enough.",
    "subject": "subject: Objection to the use of my data for training AI",
    "body": "body: |\n  To {controller}\n\n  I object to the use of my personal data.\n\n  [your name]",
    "deadline": _DEADLINE,
    "months": "deadline: {months: 1, extended_months: 2}",
    "days": "deadline: {days: 45, extended_days: 45}",
    "follow_up": _FOLLOW_UP,
    "order": "order: 10",
    "listed": "listed: false",
}

_BY_CODE: Mapping[str, str] = {
    # How YAML is written.
    "tab": "steps:\n  ios:\n    - two spaces for each step inwards, no tab",
    "indent": _ASKS,
    "missing-colon": "title: a colon and a space follow the key",
    "missing-space": "title: a space follows the colon",
    "missing-dash": _ASKS,
    "bullet": _ASKS,
    "dash": _ASKS,
    "list-start": _ASKS,
    "list-type": "related: [past-training, objection-form]",
    "colon-inside": _QUOTED,
    "special-start": 'title: "**Bold** at the start"',
    "cut-at-hash": 'title: "Off # really"',
    "open-quote": _QUOTED,
    "early-quote": "title: 'He said \"no\" to it'",
    "running-text": _TEXT,
    "block-head": _TEXT,
    "open-bracket": "related: [past-training, objection-form]",
    "brackets": "related: [past-training, objection-form]",
    "alias": 'title: "*starred* text"',
    "anchor": 'title: "&c. and so on"',
    "tag": 'title: "!important"',
    "odd-space": "title: an ordinary space follows the colon",
    "too-deep": _STEPS,
    "backslash": "title: 'C:\\Users'",
    "document-mark": _START,
    "second-document": _START,
    "directive": _START,
    "yaml": _START,
    "empty": _START,
    "key": _START,
    "invisible": "title: the text typed anew, without what was copied along",
    # What a file is called and where it stands.
    "topic-id": _FILE,
    "stray-file": _FILE,
    "duplicate-topic": _FILE,
    "unknown-group": "groups:\n  - id: opting-out\n    title: Opting out, step by step",
    "missing-limits": _LIMITS,
    "no-link": _LINKS,
    "link": "more: |\n  Read [the help page](https://www.linkedin.com/help/linkedin/answer/a6278444).",
    "wider-place": "in: [eu, eea]",
    "language": "other_language:\n  de: Ich antworte auf Englisch.",
    "related-self": "related: [past-training, objection-form]",
    "place-id": "gb, us-ca, eu or eea",
    "unknown-device": _STEPS,
    "unknown-fact": "facts: [F-OPT-04, F-OPT-07]",
    "unknown-source": "sources: [linkedin-privacy-policy-2025-11-03]",
    "unknown-topic": "related: [past-training, objection-form]",
    # What an editor would want to mend.
    "unused-fact": "unused: told by F-OPT-04",
    "unused-source": "sources: [linkedin-privacy-policy-2025-11-03]",
    "long-reply": "more: |\n  - what few people need, in few words",
    "long-label": "label: Turn it off on a phone",
    "same-label": "label: Turn it off on a phone",
    "like-title": "title: Turn off AI training on your phone\n# beside: Turn off AI training in a browser",
    "markup": "more: |\n  Tap **Settings** and read the [help page](https://www.linkedin.com/help/linkedin/answer/a6278444).",
    "hard-to-read": "It works from now on. It does not undo earlier training.",
    "american": "behaviour, colour, organise, licence",
    "like-ask": "- i drive a taxi and do all this on my phone, where is the switch",
    "duplicate-ask": "- i drive a taxi and do all this on my phone, where is the switch",
    "golden-learned": "- where do I say no if all I have is the app",
    "overdue": "reviewed: 2026-11-23",
    "future-review": "reviewed: 2026-11-23",
    "long-text": "answer: |\n  Two or three plain sentences. The rest goes below more: |",
    # Letters, the check-up, and the screens of both.
    "letter-id": "letters/objection-gdpr.yaml",
    "placeholder": "body: |\n  To {controller}\n\n  {date}",
    "blank": "body: |\n  [your name]\n  [your e-mail address]",
    "grounds": _GROUNDS,
    "deadline": _DEADLINE,
    "sent": "body: |\n  On {sent} I objected to the use of my data.\n# and in the letter before it\nfollow_up: follow-up-gdpr",
    "follow-up": _FOLLOW_UP,
    "recipient": (
        'controller: LinkedIn Ireland Unlimited Company\nregulator: {name: "the Information Commissioner", url: "https://ico.org.uk"}'
    ),
    "same-title": "title: Objection to AI training (Art. 21(1) GDPR)\n# beside: Objection to AI training (Art. 21(1) UK GDPR)",
    "duplicate-control": "- id: ads-uk\n- id: ads-europe",
    "too-many-controls": "places: [gb]",
}

_LISTED: Mapping[str, str] = {
    "places": "places: [eea, gb]",
    "topic": "topic: opt-out-overview",
    "unknown-topic": "topic: opt-out-overview",
}
"""What has another form in letters and the check-up than in topics, by code or key."""
