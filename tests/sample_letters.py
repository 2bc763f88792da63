"""Letters for tests: an objection with grounds, its follow-up, a complaint, and a request without a deadline."""

from __future__ import annotations

OBJECTION = """\
title: Objection (Article 21)
label: Object to AI training
places: [eea, ch]
why: It tells LinkedIn to stop. It must then show compelling grounds or stop.
to: controller
send:
  - {label: Open the objection form, url: "https://www.linkedin.com/help/linkedin/ask/TS-DPRO"}
enclose: Enclose nothing. Send a copy of your ID only if they ask for it.
grounds:
  ask: Why does it concern you?
  hint: What in your situation speaks against it
  thoughts:
    - What do you post about?
    - Who could be harmed?
  warning: A bare sentence may not suffice.
subject: "Objection of {date}"
body: |
  {controller}
  {date}

  I object to the use of my data for AI training. My grounds are:

  {grounds}

  Please answer by {deadline}.

  [your name]
  [address of your profile]
deadline: {months: 1, extended_months: 2}
follow_up: reminder
facts: [F-OPT-01]
reviewed: 2026-11-01
review_every: 60
order: 1
"""

REMINDER = """\
title: Reminder
label: Remind them
places: [eea, ch]
why: It asks again and says that the time is over.
to: controller
subject: My letter of {sent}
body: |
  {controller}

  I wrote to you on {sent} and have no answer.

  [your name]
deadline: {days: 14}
follow_up: complaint
listed: false
facts: [F-OPT-01]
reviewed: 2026-11-01
"""

COMPLAINT = """\
title: Complaint to the authority (Article 77)
label: Complain to the authority
places: [eea, ch]
why: The authority looks into it. It costs nothing.
to: authority
subject: Complaint about LinkedIn
body: |
  {authority}

  I complain about {controller}.

  [your name]
facts: [F-DATA-01]
reviewed: 2026-11-01
order: 2
"""

CALIFORNIA = """\
title: Request to know (California)
label: Ask what they hold
places: [us-ca]
why: It asks what LinkedIn holds about you.
to: controller
subject: Request to know
body: |
  {controller}

  Tell me what you hold about me.

  [your name]
deadline: {days: 45, extended_days: 45}
facts: [F-DATA-01]
reviewed: 2026-11-01
"""

LETTERS: dict[str, str | None] = {
    "letters/objection.yaml": OBJECTION,
    "letters/reminder.yaml": REMINDER,
    "letters/complaint.yaml": COMPLAINT,
    "letters/know.yaml": CALIFORNIA,
}
