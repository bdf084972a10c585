// What the voting room is made of: elements and their names, nothing that acts.

import { make, offer } from "../../pages/kit.js";

export const SPEEDS = [0.25, 0.5, 1, 1.5, 2];
export const SOUNDS = ["off", "A", "B"];

let rooms = 0; // labels need ids that are unique on the page

/** @param {HTMLElement} el */
export function buildRoom(el) {
  const own = `seedance-ballot-${Date.now().toString(36)}-${(rooms += 1)}`;
  const ui = {
    room: make("section", { className: "seedance-ballot", tabIndex: -1, "aria-label": "Blind votes" }),
    status: make("p", { className: "seedance-ballot-status", role: "status" }),
    complaint: make("p", { className: "seedance-ballot-trouble", role: "alert" }),
    ...nameForm(own),
    ...head(),
    ...stage(),
    ...questions(own),
    ...resting(),
    ...transport(own),
    ...bottom(own),
    ...ending(),
  };
  ui.asked.before(ui.wait); // beside the question, whose buttons it explains
  ui.room.append(ui.head, ui.stage, ui.ask, ui.note, ui.name, ui.transport, ui.bottom, ui.rest, ui.end, ui.complaint, ui.status);
  el.append(ui.room);
  return ui;
}

/** @param {string} own what the ids of this room begin with */
function nameForm(own) {
  const id = `${own}-rater`;
  const input = make("input", {
    className: "seedance-ballot-input",
    id,
    maxLength: 60,
    required: true,
    autocomplete: "off",
    type: "text",
  });
  const label = make("label", { htmlFor: id }, "Your name here: this pseudonym, or another that says nothing of who you are");
  const start = button("Start voting", "seedance-ballot-primary");
  start.type = "submit";
  const form = make("form", "seedance-ballot-form", label, input, start);
  const stored = make("p", { className: "seedance-ballot-quiet", dir: "auto" });
  const name = make(
    "div",
    "seedance-ballot-name",
    make("p", "seedance-ballot-title", "Which clip is better?"),
    make(
      "p",
      "seedance-ballot-quiet",
      "You will see two clips side by side and not what they were made with. Which stands on which side is decided by coin; some pairs come twice.",
    ),
    form,
    stored,
  );
  name.hidden = true;
  return { name, form, input, stored, note: make("p", { className: "seedance-ballot-note", dir: "auto" }) };
}

function head() {
  const question = make("p", "seedance-ballot-title");
  const practice = make("p", "seedance-ballot-step", "Practice: it does not count");
  const steps = make("div", "seedance-ballot-steps");
  const asked = make("p", { className: "seedance-ballot-asked seedance-ballot-quiet", dir: "auto" });
  return { head: make("div", "seedance-ballot-head", question, practice, steps, asked), question, practice, steps, asked };
}

function stage() {
  const why = make("p", "seedance-ballot-why");
  const again = button("Try again", "seedance-ballot-small");
  const skip = button("Skip this pair", "seedance-ballot-small");
  const trouble = make("div", "seedance-ballot-trouble", why, make("div", "seedance-ballot-row", again, skip));
  trouble.hidden = true;
  // The status says it.
  const loading = make("p", { className: "seedance-ballot-loading", "aria-hidden": "true" }, "The clips are on their way…");
  const sides = ["A", "B"].map((side) => {
    const video = make("video", {
      className: "seedance-ballot-video",
      muted: true,
      playsInline: true,
      preload: "auto",
      disablePictureInPicture: true,
      "aria-label": `Clip ${side}`,
    });
    const label = make("span");
    const caption = make("figcaption", "seedance-ballot-label", make("span", "seedance-ballot-letter", side), label);
    return { video, label, caption, figure: make("figure", "seedance-ballot-clip", video, caption) };
  });
  const figures = sides.map(({ figure }) => figure);
  return { stage: make("div", "seedance-ballot-stage", ...figures, loading, trouble), sides, loading, trouble, why, again, skip };
}

/** @param {string} own */
function questions(own) {
  const wait = make("p", { className: "seedance-ballot-wait seedance-ballot-quiet", id: `${own}-wait` });
  const choices = {
    left: button("A is better", "seedance-ballot-choice", "A"),
    tie: button("Tie", "seedance-ballot-choice", "T"),
    "both bad": button("Both bad", "seedance-ballot-choice", "X"),
    right: button("B is better", "seedance-ballot-choice", "B"),
  };
  choices.left.setAttribute("aria-label", "A is better");
  choices.right.setAttribute("aria-label", "B is better");
  for (const choice of Object.values(choices)) choice.setAttribute("aria-describedby", wait.id);
  const said = make("p", "seedance-ballot-quiet");
  const next = button("Next pair", "seedance-ballot-primary", "Enter");
  return { ask: make("div", "seedance-ballot-ask", ...Object.values(choices), said, next), choices, wait, said, next };
}

/** @param {string} own */
function transport(own) {
  const playName = make("span", {}, "Play");
  const play = button(playName, "seedance-ballot-small", "Space");
  const replay = button("Replay", "seedance-ballot-small", "R");
  const enlarge = button("Enlarge", "seedance-ballot-small", "E");
  const position = make("input", {
    className: "seedance-ballot-position",
    type: "range",
    max: "1000",
    value: "0",
    "aria-label": "Position in both clips",
  });
  const time = make("span", "seedance-ballot-time");
  const speed = make("select", { id: `${own}-speed` });
  offer(speed, SPEEDS.map((value) => [String(value), `${value}×`]));
  speed.value = "1";
  const sound = make("select", { id: `${own}-sound` });
  offer(sound, SOUNDS.map((value) => [value, value]));
  const bar = make("div", { className: "seedance-ballot-transport", role: "group", "aria-label": "Both clips" });
  bar.append(play, replay, position, time, labelled("Speed", speed), labelled("Sound", sound), enlarge);
  return { transport: bar, play, playName, replay, enlarge, position, time, speed, sound };
}

/** @param {string} own */
function bottom(own) {
  const undo = button("Undo", "seedance-ballot-small", "U");
  const bar = make("progress", { className: "seedance-ballot-bar", max: 1, "aria-label": "Pairs judged" });
  const progress = make("span", "seedance-ballot-progress seedance-ballot-quiet");
  const id = `${own}-reveal`;
  const reveal = make("input", { type: "checkbox", id });
  const words = "after each vote, show what they were";
  const revealLabel = make("label", { className: "seedance-ballot-check", htmlFor: id }, reveal, words);
  const save = button("Save my votes", "seedance-ballot-small");
  const done = button("Done", "seedance-ballot-small");
  const all = make("div", "seedance-ballot-bottom", undo, bar, progress, revealLabel, save, done);
  return { bottom: all, undo, bar, progress, revealLabel, reveal, save, done };
}

function resting() {
  const rested = make("p", "seedance-ballot-title");
  const wake = button("Go on", "seedance-ballot-primary", "Enter");
  const rest = make(
    "div",
    "seedance-ballot-rest",
    rested,
    make("p", "seedance-ballot-quiet", "Rest your eyes; go on when you like."),
    wake,
  );
  rest.hidden = true;
  return { rest, rested, wake };
}

function ending() {
  const lines = make("div", "seedance-ballot-lines");
  const code = make("code", "seedance-ballot-code");
  const saveAtEnd = button("Save my votes", "seedance-ballot-primary");
  const goOn = button("Vote on", "seedance-ballot-small");
  const undoAtEnd = button("Undo the last pair", "seedance-ballot-small", "U");
  const withdraw = button("Withdraw my answers", "seedance-ballot-small");
  const row = make("div", "seedance-ballot-row", saveAtEnd, goOn, undoAtEnd, withdraw);
  const storedAtEnd = make("p", { className: "seedance-ballot-quiet", dir: "auto" });
  const sure = button("Withdraw them all", "seedance-ballot-small");
  const keep = button("Keep them", "seedance-ballot-small");
  const words = make("p", {}, "All your answers are deleted then, and nobody can bring them back.");
  const confirm = make("div", "seedance-ballot-trouble", words, make("div", "seedance-ballot-row", sure, keep));
  confirm.hidden = true;
  const end = make("div", "seedance-ballot-end", lines, code, row, confirm, storedAtEnd);
  end.hidden = true;
  return { end, lines, code, saveAtEnd, goOn, undoAtEnd, withdraw, confirm, sure, keep, storedAtEnd };
}

/**
 * @param {string | HTMLElement} name
 * @param {string} className
 * @param {string} [key] what can be pressed instead
 */
function button(name, className, key = "") {
  const node = make("button", `seedance-ballot-button ${className}`, typeof name === "string" ? make("span", {}, name) : name);
  if (key) {
    node.append(make("kbd", { className: "seedance-ballot-key", "aria-hidden": "true" }, key));
    node.setAttribute("aria-keyshortcuts", key);
  }
  return node;
}

/**
 * @param {string} text
 * @param {HTMLSelectElement} select
 */
function labelled(text, select) {
  return make("label", { className: "seedance-ballot-picker", htmlFor: select.id }, text, select);
}
