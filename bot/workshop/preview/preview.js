// The preview's page: what is chosen, what is shown, and how it stays where it is when a file is saved.

const $ = (id) => document.getElementById(id);
const CHATS = [$("discord-dark"), $("discord-light"), $("telegram")];

/** What the server last told by itself. */
let told = null;
/** The list of topics and screens, and the names of devices and places. */
let outline = { groups: [], choices: null };
/** The entry that is chosen, with device and place; `trail` are the views that led here, the last one is shown. */
const chosen = { entry: null, device: "", place: "", trail: [], path: "" };
/** Grows with every change of view, so that an answer that comes late is not shown. */
let turn = 0;
/** Whether something is drawn anew just now, and whether that has been overtaken meanwhile. */
let drawing = false;
let outdated = false;

// ---------------------------------------------------------------------------------------------- elements and data

function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== ""));
  return made;
}

async function asked(response) {
  const body = await response.json();
  if (!response.ok) throw new Error(body.refused ?? "The preview could not answer; look at its terminal.");
  return body;
}

const get = async (path) => asked(await fetch(path));
const post = async (path, body) =>
  asked(await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }));

/** Say something to people who listen to the page. */
function say(sentence) {
  $("live").textContent = "";
  setTimeout(() => { $("live").textContent = sentence; }, 50);
}

const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

// -------------------------------------------------------------------------------------------------- the topics

function drawOutline() {
  const focused = document.activeElement?.dataset?.entry;
  const wanted = $("search").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (entry) => wanted.every((word) => `${entry.title} ${entry.id}`.toLowerCase().includes(word));
  let hits = 0;
  const groups = outline.groups.map((group) => {
    const entries = group.entries.filter(fits);
    hits += entries.length;
    if (!entries.length) return null;
    return el("section", {}, el("h2", {}, group.title), el("ul", {}, entries.map((entry) => el("li", {}, entryButton(entry)))));
  });
  $("groups").replaceChildren(...groups.filter(Boolean));
  $("hits").textContent = wanted.length ? (hits ? `${count(hits, "entry").replace("entrys", "entries")}` : "Nothing has this name.") : "";
  rove();
  if (focused) entryElements().find((button) => button.dataset.entry === focused)?.focus({ preventScroll: true });
}

function entryButton(entry) {
  const notes = [
    entry.findings ? el("small", { class: "bad" }, count(entry.findings, "finding")) : null,
    entry.due ? el("small", { class: "near" }, "due") : null,
  ];
  const current = chosen.entry?.id === entry.id;
  const button = el("button", { type: "button", class: "entry", "data-entry": entry.id, "aria-current": current && "true", tabindex: "-1" },
    el("span", {}, entry.title), notes);
  button.addEventListener("click", () => choose(entry));
  return button;
}

const entryElements = () => [...$("groups").querySelectorAll(".entry")];

/** Leave one stop for the tab key in the list: the chosen entry, or the first. */
function rove(to = null) {
  const all = entryElements();
  const stop = to ?? all.find((button) => button.hasAttribute("aria-current")) ?? all[0];
  for (const button of all) button.tabIndex = button === stop ? 0 : -1;
  return stop;
}

function moveInList(event) {
  const all = entryElements();
  const at = all.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (to === undefined || at < 0) return;
  event.preventDefault();
  if (to < 0) $("search").focus();
  else rove(all[Math.min(to, all.length - 1)])?.focus();
}

const everyEntry = () => outline.groups.flatMap((group) => group.entries);

async function choose(entry) {
  chosen.entry = entry;
  chosen.path = entry.path;
  $("why").hidden = true;
  drawOutline();
  if (matchMedia("(max-width: 62rem)").matches) $("topics").open = false;
  await Promise.all([
    entry.code ? go({ kind: "show", code: entry.code }, true) : nothingToShow(entry),
    drawFile(true),
    drawRests(),
  ]);
}

function nothingToShow(entry) {
  turn += 1;
  chosen.trail = [];
  $("subject").textContent = entry.title;
  for (const chat of CHATS) chat.replaceChildren(el("p", {}, "This file is not loaded yet, so there is no answer to show."));
  keepInAddress();
}

// --------------------------------------------------------------------------------------------------- the answer

const shown = () => chosen.trail.at(-1) ?? null;
const fitting = () => ({ ...(chosen.device && { device: chosen.device }), ...(chosen.place && { place: chosen.place }) });

function fetched(view) {
  if (view.kind === "show") return post("/api/show", { code: view.code, ...fitting() });
  if (view.kind === "press") return post("/api/press", { code: view.code, quoted: view.quoted });
  if (view.kind === "submit") return post("/api/submit", { code: view.code, text: view.text });
  return post("/api/ask", { question: view.question });
}

/** Show a view; `fresh` begins another trail. */
async function go(view, fresh = false, focus = null) {
  const mine = ++turn;
  try {
    const answer = await fetched(view);
    if (mine !== turn) return;
    chosen.trail = fresh ? [view] : [...chosen.trail, view];
    drawAnswer(view, answer);
    if (focus) {
      focus.focus({ preventScroll: true });
      // What was pressed may have stood far below what it led to.
      if (focus.getBoundingClientRect().top < 60) focus.scrollIntoView({ block: "start" });
    }
    say(`Shown: ${answer.message.title || "a reply without a title"}.`);
  } catch (error) {
    if (mine === turn) say(error.message);
  }
}

/** Show the last view once more, where the eyes and the focus are. */
async function again() {
  const view = shown();
  if (!view) return;
  const mine = turn;
  const answer = await fetched(view);
  // Whatever was chosen meanwhile is newer, and comes by itself.
  if (mine === turn && view === shown()) drawAnswer(view, answer, true);
}

function drawAnswer(view, answer, staying = false) {
  const message = answer.message;
  view.reached = answer.code;
  view.quote = message.quote;
  view.label ??= view.kind === "ask" ? `“${view.question}”` : message.title;
  const kept = document.activeElement?.closest(".chat");
  const key = kept && (document.activeElement.dataset.code ?? document.activeElement.dataset.key ?? document.activeElement.href);
  const label = kept && document.activeElement.textContent;
  const opened = new Set([...document.querySelectorAll(".select[open] summary")].map((summary) => summary.closest(".chat").id));
  for (const chat of CHATS) drawChat(chat, view, message, staying && opened.has(chat.id));
  if (kept) focusAgain(kept, key, label);
  $("subject").textContent = chosen.entry && view.kind !== "ask" ? chosen.entry.title : message.title || "A reply without a title";
  document.title = `${$("subject").textContent} · Preview`;
  $("trail").textContent = chosen.trail.length > 1 ? chosen.trail.map((step) => step.label).join(" › ") : "";
  $("back").disabled = $("first").disabled = chosen.trail.length < 2;
  drawPages(message.pages);
  drawPrompt(message.prompt, staying);
  if (view.kind === "ask") {
    [chosen.device, chosen.place] = [answer.device ?? "", answer.place ?? ""];
    drawChoices();
    drawWhy(answer);
  }
  keepInAddress();
}

function drawChat(chat, view, message, open) {
  const discord = chat.id !== "telegram";
  const inside = el("div", { class: discord ? "inside" : "message" });
  inside.innerHTML = message[discord ? "discord" : "telegram"];
  const name = outline.choices?.bot ?? "The bot";
  const parts = [];
  if (view.kind === "ask") {
    parts.push(discord
      ? el("div", { class: "person" }, el("div", {}, el("p", { class: "name" }, "You"), el("p", {}, view.question)))
      : el("p", { class: "person" }, view.question));
  }
  if (discord) {
    const said = el("div", {}, el("p", { class: "name" }, name, el("span", { class: "app" }, "APP")), inside);
    parts.push(el("div", { class: "from" }, said));
  } else {
    parts.push(inside);
  }
  chat.replaceChildren(...parts);
  if (open) for (const select of chat.querySelectorAll(".select")) select.open = true;
}

function focusAgain(chat, key, label) {
  const all = [...chat.querySelectorAll("button, a, summary")];
  const same = all.find((one) => (one.dataset.code ?? one.dataset.key ?? one.href) === key) ?? all.find((one) => one.textContent === label);
  (same ?? chat).focus({ preventScroll: true });
}

function drawPages(pages) {
  for (const old of document.querySelectorAll(".pages")) old.remove();
  for (const chat of CHATS) {
    const number = pages[chat.id === "telegram" ? "Telegram" : "Discord"];
    chat.after(el("p", { class: "pages" }, number === 1 ? "One message, one page" : `One message, ${number} pages`));
  }
}

function drawPrompt(prompt, staying) {
  const box = $("prompt");
  const typed = staying ? box.querySelector("textarea")?.value : "";
  box.hidden = !prompt;
  if (!prompt) return box.replaceChildren();
  const field = el("textarea", { id: "words", maxlength: prompt.most * 2, required: true, placeholder: prompt.hint });
  field.value = typed ?? "";
  const form = el("form", {},
    el("h3", { id: "prompt-title" }, prompt.title),
    el("p", { class: "soft" }, `Discord shows this as a form; on Telegram people reply to the message. At most ${prompt.most} characters; nothing of it is kept.`),
    el("label", { for: "words" }, prompt.label), field, el("button", { type: "submit" }, "Send"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go({ kind: "submit", code: prompt.code, text: field.value, label: prompt.title }, false, CHATS[0]);
  });
  const focused = box.contains(document.activeElement);
  box.replaceChildren(form);
  if (focused) field.focus({ preventScroll: true });
}

function pressed(event) {
  const button = event.target.closest("button");
  if (!button) return;
  const chat = button.closest(".chat");
  if (button.dataset.copy !== undefined) {
    navigator.clipboard.writeText(button.dataset.copy).then(() => say("Copied."), () => say("The browser does not let the page copy."));
  } else if (button.dataset.code) {
    // The words that the message quotes are all that a platform could hand back with the press.
    go({ kind: "press", code: button.dataset.code, quoted: shown()?.quote ?? "", label: button.textContent }, false, chat);
  }
}

function back(all) {
  if (chosen.trail.length < 2) return;
  const kept = all ? chosen.trail.slice(0, 1) : chosen.trail.slice(0, -1);
  const view = kept.pop();
  chosen.trail = kept;
  go(view, false, $("subject"));
}

function refit() {
  const view = shown();
  if (!view) return;
  const code = view.kind === "press" || view.kind === "ask" ? view.reached : view.code;
  go({ kind: "show", code: code || chosen.entry?.code }, true);
}

function drawChoices() {
  const choices = outline.choices;
  if (!choices) return;
  const devices = [{ id: "", name: "not named" }, ...choices.devices];
  if ($("devices").childElementCount !== devices.length) {
    $("devices").replaceChildren(...devices.map((device) => {
      const input = el("input", { type: "radio", name: "device", value: device.id });
      input.addEventListener("change", () => { chosen.device = device.id; refit(); });
      return el("label", {}, input, device.name);
    }));
  }
  for (const input of $("devices").querySelectorAll("input")) input.checked = input.value === chosen.device;
  const own = new Set(chosen.differs ?? []);
  const option = (place) => el("option", { value: place.id, selected: place.id === chosen.place }, place.name);
  const groups = [el("option", { value: "" }, "not named")];
  const special = choices.places.filter((place) => own.has(place.id));
  if (special.length) groups.push(el("optgroup", { label: "The answer differs in" }, special.map(option)));
  groups.push(el("optgroup", { label: special.length ? "Elsewhere" : "Places" }, choices.places.filter((place) => !own.has(place.id)).map(option)));
  $("place").replaceChildren(...groups);
  $("place").value = chosen.place;
}

// ------------------------------------------------------------------------------------------- trying a question

function drawWhy(answer) {
  const { why } = answer;
  const colour = { sure: "good", near: "near", choices: "near", none: "bad" }[answer.band] ?? "";
  const facts = [
    ["Band", el("span", { class: `band ${colour}` }, answer.band)],
    ["Device", answer.device ?? "none named"],
    ["Place", answer.place ?? "none named"],
    ["Language", answer.language],
    ["Took", `${answer.milliseconds} ms`],
  ];
  if (answer.exact) facts.push(["Matched", `the very words of an ask, title or label of ${answer.exact}`]);
  if (why) {
    facts.push(["Is it ours", `${why.gate} (answered from ${why.answer}, offered from ${why.offer})`], ["Read as", why.read]);
    if (why.repaired.length) facts.push(["Repaired", why.repaired.join(", ")]);
    if (why.words.length) facts.push(["Spoke for it", why.words.join(", ")]);
    if (why.parts.length) facts.push(["Parts", why.parts.join("; ")]);
  }
  if (answer.before) {
    const { same, was, now } = answer.before;
    facts.push(["Your edits", same ? "changed nothing here since the preview started" : el("strong", { class: "near" }, `moved it: ${was} → ${now}`)]);
  }
  const parts = [el("h3", { id: "why-title" }, `Why “${answer.question}” is answered so`), el("dl", {}, facts.flatMap(([term, text]) => [el("dt", {}, term), el("dd", {}, text)]))];
  if (why?.ranked.length) parts.push(el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Ranked topics" }, ranking(why.ranked)));
  $("why").replaceChildren(...parts);
  $("why").hidden = false;
}

function ranking(ranked) {
  const head = el("thead", {}, el("tr", {}, ["Topic", "Chance", "Nearest ask"].map((name) => el("th", { scope: "col" }, name))));
  const rows = ranked.map((one) => el("tr", {},
    el("td", {}, one.title, el("br"), el("span", { class: "soft" }, one.id)),
    el("td", { class: "number" }, el("meter", { value: one.score, max: 1, "aria-label": `chance of ${one.id}` }), one.score.toFixed(2)),
    el("td", {}, one.ask ? `${one.ask} (${one.likeness})` : "")));
  return el("table", {}, el("caption", {}, "Topics by the chance that they are right"), head, el("tbody", {}, rows));
}

async function ask(question) {
  await go({ kind: "ask", question }, true, $("subject"));
  const view = shown();
  if (view?.kind !== "ask") return;
  const id = /^v1:[a-z]+:([a-z0-9-]+):/.exec(view.reached ?? "")?.[1];
  const entry = everyEntry().find((one) => one.id === id);
  chosen.entry = entry ?? null;
  chosen.path = entry?.path ?? "";
  drawOutline();
  await Promise.all([drawFile(true), drawRests()]);
}

// ---------------------------------------------------------------------------------- the file, and what it rests on

async function drawFile(fresh = false, line = 0) {
  const path = chosen.path;
  const box = $("file");
  if (!path) {
    $("file-title").textContent = "File";
    $("file-note").textContent = "No topic is shown, so no file is.";
    return box.replaceChildren();
  }
  let found;
  try {
    found = await get(`/api/file?path=${encodeURIComponent(path)}`);
  } catch (error) {
    $("file-title").textContent = path;
    $("file-note").textContent = error.message;
    return box.replaceChildren();
  }
  if (path !== chosen.path) return;
  const scroll = fresh ? 0 : box.scrollTop;
  const lines = found.lines.map((text) => el("li", {}, text || " "));
  for (const finding of found.findings) {
    const at = lines[Math.min(Math.max(finding.line, 1), lines.length) - 1];
    at.classList.add(finding.severity === "error" ? "error" : "warned");
    at.append(findingNote(finding));
  }
  box.replaceChildren(el("ol", {}, lines));
  $("file-title").textContent = path;
  $("file-note").textContent = found.findings.length ? `${count(found.findings.length, "finding")} here` : told?.checking ? "Checking …" : "No findings here.";
  const first = found.findings.find((finding) => finding.severity === "error") ?? found.findings[0];
  const target = line || (fresh || first?.severity === "error" ? first?.line : 0);
  box.scrollTop = target ? Math.max(0, lines[Math.min(target, lines.length) - 1].offsetTop - 60) : scroll;
}

function findingNote(finding) {
  const error = finding.severity === "error";
  const note = el("div", { class: `finding ${error ? "error" : ""}` },
    el("strong", { class: error ? "bad" : "near" }, error ? "Error" : "Finding"), ` ${finding.what}`,
    el("br"), el("strong", {}, "Do: "), finding.remedy);
  if (finding.example) note.append(el("br"), el("span", { class: "soft" }, "The right form, for example:"), el("pre", {}, finding.example));
  return note;
}

async function drawRests() {
  const entry = chosen.entry;
  const box = $("rests");
  chosen.differs = [];
  if (!entry?.code || /^(texts|groups)/.test(entry.path)) {
    box.replaceChildren(el("p", { class: "soft" }, "Topics, letters and the check-up name their facts and sources here."));
    return drawChoices();
  }
  let found;
  try {
    found = await get(`/api/about?path=${encodeURIComponent(entry.path)}`);
  } catch (error) {
    return box.replaceChildren(el("p", {}, error.message));
  }
  if (entry !== chosen.entry) return;
  chosen.differs = found.differs.places;
  const facts = found.facts.map((fact) => el("div", { class: "fact" },
    el("p", {}, el("strong", {}, fact.id), " ", el("span", { class: { sure: "good", contested: "near" }[fact.status] ?? "bad" }, fact.status),
      el("span", { class: "soft" }, ` · checked ${fact.checked}`)),
    el("p", {}, fact.statement),
    el("ul", {}, fact.sources.map((source) => el("li", {}, source.url
      ? el("a", { href: source.url, target: "_blank", rel: "noopener noreferrer" }, source.name) : source.name)))));
  box.replaceChildren(
    el("p", { class: found.due ? "near" : "soft" }, found.review),
    found.asks ? el("p", { class: "soft" }, `${count(found.asks, "ask")}. Steps for: ${found.differs.devices.join(", ") || "no device"}. Differs in: ${found.differs.places.join(", ") || "no place"}.`) : "",
    ...facts);
  drawChoices();
}

// ------------------------------------------------------------------------------------------ what comes by itself

function drawTold() {
  const errors = told.errors;
  const parts = [];
  if (errors.length) parts.push(`${count(errors.length, "error")}: the last good knowledge goes on answering`);
  else if (!told.loaded) parts.push("Loading …");
  else parts.push("Everything is loaded");
  if (told.checking) parts.push("checking …");
  else parts.push(told.findings ? count(told.findings, "finding") : "no findings");
  $("summary").textContent = parts.join(" · ");
  $("summary").className = errors.length ? "bad" : "";
  drawErrors(errors, told.fault);
  drawWork();
  drawMoved(told.moved);
}

function drawErrors(errors, fault) {
  const box = $("errors");
  const wanted = JSON.stringify([errors, fault]);
  if (box.dataset.shown === wanted) return;
  box.dataset.shown = wanted;
  box.hidden = !errors.length && !fault;
  const list = errors.map((error) => {
    const jump = error.path === "." ? null : el("button", { type: "button", class: "jump" }, `${error.path}, line ${error.line}`);
    jump?.addEventListener("click", () => { chosen.path = error.path; drawFile(true, error.line).then(() => { $("file").scrollIntoView({ block: "center" }); $("file").focus({ preventScroll: true }); }); });
    return el("li", {}, jump, el("strong", {}, error.what), ` Do: ${error.remedy}`);
  });
  const head = errors.length ? `${count(errors.length, "error")} in what was saved. ${told.loaded ? "Below you see the last good answer." : "Mend it, and the answers appear."}` : fault;
  box.replaceChildren(el("strong", { class: "bad" }, head), el("ul", {}, list));
  if (!box.hidden) say(errors.length ? `${head} ${errors[0].text}` : head);
}

function drawWork() {
  const bars = [["learning", "Learning the new phrasings", told.learning], ["moving", "Comparing the golden questions", told.moving]];
  for (const [id, title, work] of bars) {
    const old = $(id);
    if (!work) old?.parentElement.remove();
    else if (old) old.value = work.share;
    else {
      $("work").append(el("label", {}, `${title} `, el("progress", { id, max: 1, value: work.share })));
      say(`${title} …`);
    }
  }
  $("compare").disabled = Boolean(told.moving) || !told.loaded;
}

function drawMoved(moved) {
  const box = $("moved");
  const wanted = JSON.stringify(moved);
  if (box.dataset.shown === wanted) return;
  box.dataset.shown = wanted;
  if (!moved) return box.replaceChildren();
  const colour = { better: "good", worse: "bad" };
  const list = moved.moves.map((move) => el("li", { class: "move" },
    el("strong", { class: colour[move.change] ?? "" }, move.change), ` “${move.question}”`, el("br"),
    el("span", { class: "soft" }, `${move.before} → ${move.after} (expected: ${move.expected})`)));
  box.replaceChildren(
    el("p", {}, el("strong", {}, moved.sentence)),
    el("ul", {}, list),
    moved.more ? el("p", { class: "soft" }, `… and ${moved.more} more; privacy-bot test --html FILE lists them all.`) : "",
    ...(moved.figures ?? []).map((figure) => el("p", { class: "soft" }, figure)));
  say(moved.sentence);
}

async function drawAll() {
  const top = scrollY;
  try {
    outline = await get("/api/outline");
    if (chosen.entry) chosen.entry = everyEntry().find((entry) => entry.id === chosen.entry.id) ?? chosen.entry;
    drawOutline();
    if (!chosen.entry && !shown()) await begin();
    else {
      if (!shown() && chosen.entry?.code) await go({ kind: "show", code: chosen.entry.code }, true);
      else await again();
      await Promise.all([drawFile(), drawRests()]);
    }
  } catch (error) {
    say(error.message);
  }
  scrollTo({ top, behavior: "instant" });
}

/** Show what is told at once, and draw the rest anew as often as it takes, never twice at the same time. */
async function hear(state) {
  const before = told;
  told = state;
  drawTold();
  const changed = !before || before.serial !== state.serial || before.findings !== state.findings || before.checking !== state.checking
    || JSON.stringify(before.errors) !== JSON.stringify(state.errors);
  if (!changed) return;
  outdated = true;
  if (drawing) return;
  drawing = true;
  while (outdated) {
    outdated = false;
    await drawAll();
  }
  drawing = false;
  if (before && before.serial !== state.serial && !state.errors.length) say("The saved change is shown.");
}

// ----------------------------------------------------------------------------------------------- the address, keys

function keepInAddress() {
  const view = shown();
  const kept = { entry: chosen.entry?.id ?? "", device: chosen.device, place: chosen.place, code: view?.kind === "press" ? view.code : "" };
  const query = new URLSearchParams(Object.entries(kept).filter(([, value]) => value));
  history.replaceState(null, "", `#${query}`);
}

/** Choose what the address names, else the first topic. */
async function begin() {
  const query = new URLSearchParams(location.hash.slice(1));
  chosen.device = query.get("device") ?? "";
  chosen.place = query.get("place") ?? "";
  const code = query.get("code");
  const all = everyEntry();
  const entry = all.find((one) => one.id === query.get("entry")) ?? all.find((one) => one.code) ?? all[0];
  drawChoices();
  if (!entry) return;
  await choose(entry);
  if (code) await go({ kind: "press", code, quoted: "" });
}

const typing = (target) => target.closest("input:not([type=radio]), textarea, select");

addEventListener("keydown", (event) => {
  if (event.key === "/" && !typing(event.target) && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    $("topics").open = true;
    $("search").focus();
  }
});
$("search").addEventListener("input", drawOutline);
$("search").addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") { event.preventDefault(); entryElements()[0]?.focus(); rove(document.activeElement.closest(".entry")); }
  if (event.key === "Enter") entryElements()[0]?.click();
  if (event.key === "Escape") { event.preventDefault(); $("search").value = ""; drawOutline(); $("subject").focus(); }
});
$("groups").addEventListener("keydown", moveInList);
for (const chat of CHATS) chat.addEventListener("click", pressed);
$("back").addEventListener("click", () => back(false));
$("first").addEventListener("click", () => back(true));
$("place").addEventListener("change", () => { chosen.place = $("place").value; refit(); });
$("compare").addEventListener("click", () => post("/api/compare", {}).catch((error) => say(error.message)));
$("try").addEventListener("submit", (event) => {
  event.preventDefault();
  if ($("question").value.trim()) ask($("question").value);
});
matchMedia("(max-width: 62rem)").addEventListener("change", (event) => { $("topics").open = !event.matches; });
if (matchMedia("(max-width: 62rem)").matches) $("topics").open = false;

const events = new EventSource("/api/events");
events.addEventListener("message", (event) => hear(JSON.parse(event.data)));
events.addEventListener("error", () => {
  $("summary").textContent = "The preview has ended or is starting again; this page waits for it.";
  $("summary").className = "bad";
});
