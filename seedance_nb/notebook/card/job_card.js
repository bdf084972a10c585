// The card of one job. Every text goes through textContent: nothing here ever parses HTML.

import {
  ageing,
  clamp,
  copyText,
  focusedBeside,
  keepKeys,
  later,
  left,
  listen,
  make,
  progressBar,
  redraw,
  say,
  whenOnPage,
  words,
} from "../../pages/kit.js";
import { notice } from "../../pages/notice.js";
/** @import { Buffers, Line, Model } from "../../pages/kit.js" */

/**
 * What `card_view` says of a job; all of it may be missing in a card that was never drawn.
 * @typedef {{
 *   prompt: string, settings: string, heading: boolean, status: string, status_words: string, settled: boolean, has_video: boolean,
 *   request_id: string | null, key: string, elapsed: number | null, running: number | null, remaining: number | null,
 *   expected: number | null, last_contact_ago: number | null, facts: string, simulated: boolean, reused: boolean,
 *   failed_checks: number, trouble: string | null, note: string | null, warnings: string[], remarks: string[], error: string | null,
 *   can_cancel: boolean, cancel_requested: boolean,
 * }} View
 */
/** @typedef {{ picture: string, name: string, role: string }} Reference what the video goes by; `picture` is small, or empty */
/** @typedef {{ view: Partial<View>, receipt: string, done: boolean, notify: boolean, references: Reference[] }} Traits */
/** @typedef {{ kind: "video" } | { kind: "no_video" | "cancel_failed", text: string }} Message */

const TICK = 1000; // ms between redraws of the clock
const HEAL_AFTER = 800; // ms a finished card may stay on the page before it asks for the clip itself
const CANCEL_PATIENCE = 4000; // ms without an answer before the card says that the kernel is busy
// A reloaded page, an Output widget, interact, Voila: nowhere there does the final output arrive.
const BY_KERNEL =
  "The running kernel shows this video. To store it in a notebook's own output, run this cell again there (nothing is submitted twice).";

export default ageing(card);

/**
 * @param {Model<Traits, Message>} model
 * @param {HTMLElement} el
 * @param {() => number} age
 * @param {() => string} rests
 */
function card(model, el, age, rests) {
  const ui = build(el);
  drawReferences(ui.references, model.get("references") || []);
  /** @type {number | null} */
  let pressedAt = null; // when Cancel was pressed, until the kernel takes over
  let acknowledged = false;
  let cancelTrouble = "";
  /** @type {"" | "asked" | "refused" | "playing"} */
  let healing = "";
  let refusal = "";
  let resting = ""; // why, while its kernel is gone
  let restedAt = 0; // the age of the view then: the clock stands still
  let url = "";
  /** @type {(() => void) | null} */
  let stopHealing = null;

  let shown = false; // whether it is in sight on the page
  let isOpen = false; // whether this page has seen it unfinished
  const told = notice("seedance-button seedance-copy", () => shown && document.visibilityState === "visible");
  ui.known.before(told.place);

  const draw = () => {
    const view = model.get("view");
    const done = model.get("done");
    if (pressedAt !== null) {
      if (view.cancel_requested) acknowledged = true;
      else if (acknowledged || view.settled) [pressedAt, acknowledged] = [null, false]; // not confirmed: may be pressed again
    }
    ui.card.dataset.state = resting && !view.settled ? "resting" : view.status || "submitting";
    ui.card.dataset.active = String(!view.settled && !done && !resting);
    ui.card.setAttribute("aria-label", `Video job: ${clamp(view.prompt || "", 120)}`);
    ui.heading.hidden = !(view.heading || isAlone());
    // Where cards stand together, that place has one status line for all of them.
    if (view.heading) { for (const name of ["role", "aria-live"]) ui.status.removeAttribute(name); }
    say(ui.prompt, view.prompt || "");
    say(ui.settings, view.settings || "");
    say(ui.status, resting && !view.settled ? "at rest, without a kernel" : view.status_words || "");
    ui.badge.hidden = !view.simulated;
    drawCancel(view, done);
    drawFacts(view);
    tick();
    if (view.settled || done) clearInterval(timer);
    if (done) heal();
    told.draw(Boolean(model.get("notify")) && !view.settled && !done);
  };

  const tellEnd = () => {
    const view = model.get("view");
    if (isOpen && view.settled) {
      told.draw(Boolean(model.get("notify")));
      told.tell(`Seedance: ${view.status_words}`, clamp(view.prompt || "", 120), view.key || "");
    }
    isOpen = !view.settled;
    draw();
  };

  /**
   * @param {Partial<View>} view
   * @param {boolean} done
   */
  const drawCancel = (view, done) => {
    const waiting = pressedAt !== null || Boolean(view.cancel_requested);
    const disabled = waiting || resting !== "";
    const hide = done || view.settled || !(view.can_cancel || waiting);
    const hadFocus = ui.cancel.contains(focusedBeside(ui.cancel));
    ui.cancel.hidden = hide;
    ui.cancel.disabled = disabled;
    say(ui.cancel, waiting ? "Cancelling…" : "Cancel");
    // A disabled button loses the keyboard's place on the page; the card keeps it.
    if (hadFocus && (hide || disabled)) ui.card.focus({ preventScroll: true });
  };

  /** @param {Partial<View>} view */
  const drawFacts = (view) => {
    const id = view.request_id || view.key || "";
    say(ui.idKind, view.request_id ? "request" : "job");
    say(ui.id, id);
    ui.copy.setAttribute("aria-label", view.request_id ? "Copy the request id" : "Copy the job id");
    say(ui.known, view.facts || "");
  };

  /** @param {Partial<View>} view */
  const drawLines = (view) => {
    /** @type {Line[]} */
    const lines = [];
    if (view.failed_checks) {
      const many = view.failed_checks === 1 ? "The last check failed" : `${view.failed_checks} checks in a row failed`;
      lines.push(["trouble", view.trouble ? `${many}: ${view.trouble}` : `${many}.`]);
    } else if (view.trouble) lines.push(["trouble", view.trouble]);
    if (view.note) lines.push(["note", view.note]);
    for (const warning of view.warnings || []) lines.push(["warning", warning]);
    for (const remark of view.remarks || []) lines.push(["remark", remark]);
    if (view.error) lines.push(["error", view.error]);
    if (cancelTrouble) lines.push(["trouble", cancelTrouble]);
    if (!resting && pressedAt !== null && !acknowledged && performance.now() - pressedAt > CANCEL_PATIENCE) {
      lines.push(["trouble", "The kernel has not answered yet. If a cell is running, the stop button lets the cancel through."]);
    }
    if (resting && !view.settled) {
      const name = view.request_id || view.key;
      lines.push([
        "trouble",
        `${resting} The job goes on at the service. Run this notebook's cells again to follow it, or %load_ext seedance_nb and %seedance attach ${name}: nothing is submitted twice.`,
      ]);
    }
    if (healing === "asked") lines.push(["note", "Fetching the video…"]);
    if (refusal) lines.push(["error", refusal]);
    redraw(ui.lines, lines, ([kind, text]) => make("p", `seedance-line seedance-${kind}`, text));
  };

  const tick = () => {
    const view = model.get("view");
    const running = !view.settled && !model.get("done");
    const why = running ? rests() : "";
    if (Boolean(why) !== Boolean(resting)) {
      [resting, restedAt] = [why, age()];
      if (why) [pressedAt, acknowledged] = [null, false]; // nobody has heard it
      draw();
      return;
    }
    resting = why;
    const live = running && !resting;
    const more = live ? age() : resting ? restedAt : 0;
    const clock = [];
    if (view.elapsed != null && !(view.reused && view.settled)) clock.push(words(view.elapsed + more));
    if (live && view.remaining != null) clock.push(left(view.remaining - more));
    say(ui.clock, clock.join(" · "));
    drawBar(ui, view, live, more);
    const seen = live && view.last_contact_ago != null ? `checked ${words(view.last_contact_ago + more)} ago` : "";
    say(ui.seen, seen);
    drawLines(view);
  };

  // Inside an Output widget and in marimo there is no receipt, and a card that has to stay takes its place.
  const isAlone = () =>
    healing !== "" || !model.get("receipt") || Boolean(el.closest(".widget-output, .jupyter-widget-output, .jupyter-widgets-output-area"));

  // Finished and still on the page: the final output does not come here.
  const heal = () => {
    if (healing) return;
    stopHealing ??= whenOnPage(ui.card, HEAL_AFTER, () => {
      if (healing) return;
      const receipt = model.get("receipt");
      if (receipt) { for (const old of document.querySelectorAll(`.seedance-receipt-${receipt}`)) old.setAttribute("hidden", ""); }
      healing = model.get("view").has_video ? "asked" : "refused";
      draw();
      if (healing === "asked") model.send({ kind: "need_video" });
    });
  };

  /** @param {Buffers} buffers */
  const play = (buffers) => {
    if (healing === "playing" || !buffers.length) return;
    healing = "playing";
    url = URL.createObjectURL(new Blob(buffers, { type: "video/mp4" }));
    const video = make("video", "seedance-video");
    video.controls = video.loop = video.muted = true;
    video.preload = "metadata";
    video.title = clamp(model.get("view").prompt || "", 280);
    video.src = url;
    ui.stage.replaceChildren(video, make("p", "seedance-line seedance-note", BY_KERNEL));
    tick();
  };

  /**
   * @param {Message} message
   * @param {Buffers} buffers
   */
  const receive = (message, buffers) => {
    if (message.kind === "video") play(buffers);
    else if (message.kind === "no_video" && healing !== "playing") [healing, refusal] = ["refused", message.text];
    else if (message.kind === "cancel_failed") [pressedAt, cancelTrouble] = [null, message.text];
    else return;
    draw();
  };

  ui.cancel.addEventListener("click", () => {
    if (pressedAt !== null) return;
    [pressedAt, acknowledged, cancelTrouble] = [performance.now(), false, ""];
    draw();
    model.send({ kind: "cancel" });
  });
  ui.copy.addEventListener("click", async () => {
    const copied = await copyText(ui.id.textContent, ui.id);
    say(ui.copy, copied ? "Copied" : "Press Ctrl+C");
    copyAgain.start();
  });
  const copyAgain = later(2000, () => say(ui.copy, "Copy"));

  // A card that nobody can see needs no news; the kernel sends them when it comes back into view.
  const page = `${Date.now()}-${Math.random()}`;
  /** @param {boolean} shown */
  const tellShown = (shown) => model.send({ kind: "in_view", page, shown });
  const watcher = new IntersectionObserver((entries) => {
    ui.heading.hidden = !(model.get("view").heading || isAlone());
    shown = Boolean(entries.at(-1)?.isIntersecting);
    tellShown(shown);
  });
  watcher.observe(ui.card);

  const timer = setInterval(tick, TICK);
  const stopListening = listen(model, { "change:view": tellEnd, "change:done": draw, "change:notify": draw, "msg:custom": receive });
  tellEnd();

  return () => {
    watcher.disconnect();
    if (!model.get("done")) tellShown(false);
    clearInterval(timer);
    stopHealing?.();
    copyAgain.stop();
    stopListening();
    if (url) URL.revokeObjectURL(url);
  };
}

/**
 * What the video goes by, in its order.
 * @param {HTMLElement} place
 * @param {Reference[]} references
 */
function drawReferences(place, references) {
  place.hidden = !references.length;
  place.replaceChildren(...references.map(({ picture, name, role }, index) => {
    const words = references.length > 1 ? `${index + 1} · ${role}` : role;
    const shown = picture
      ? make("img", { className: "seedance-reference", src: picture, alt: name })
      : make("span", "seedance-reference", name);
    return make("figure", { title: name }, shown, make("figcaption", "", words));
  }));
}

/** @param {HTMLElement} el */
function build(el) {
  const ui = {
    card: make("div", "seedance-card"),
    heading: make("div", "seedance-heading"),
    prompt: make("div", "seedance-prompt"),
    settings: make("div", "seedance-quiet"),
    status: make("span", "seedance-status"),
    badge: make("span", "seedance-badge", "simulated"),
    clock: make("span", "seedance-clock"),
    cancel: make("button", "seedance-button seedance-cancel", "Cancel"),
    bar: progressBar("seedance-bar"),
    fill: make("div", "seedance-fill"),
    references: make("div", "seedance-references"),
    lines: make("div", "seedance-lines"),
    idKind: make("span"),
    id: make("code", "seedance-id"),
    copy: make("button", "seedance-button seedance-copy", "Copy"),
    known: make("span"),
    seen: make("span"),
    stage: make("div", "seedance-stage"),
  };
  ui.card.setAttribute("role", "group");
  ui.card.tabIndex = -1;
  keepKeys(ui.card);
  ui.prompt.dir = "auto";
  ui.status.setAttribute("role", "status");
  ui.status.setAttribute("aria-live", "polite");
  const dot = make("span", "seedance-dot");
  dot.setAttribute("aria-hidden", "true");
  ui.heading.append(ui.prompt, ui.settings);
  const row = make("div", "seedance-row");
  row.append(dot, ui.status, ui.badge, ui.clock, ui.cancel);
  ui.bar.append(ui.fill);
  const id = make("span", "seedance-fact");
  id.append(ui.idKind, " ", ui.id, " ", ui.copy);
  ui.known.className = ui.seen.className = "seedance-fact";
  const facts = make("div", "seedance-facts");
  facts.append(id, ui.known, ui.seen);
  ui.card.append(ui.heading, row, ui.bar, ui.references, ui.lines, ui.stage, facts);
  el.append(ui.card);
  return ui;
}

/**
 * @param {ReturnType<typeof build>} ui
 * @param {Partial<View>} view
 * @param {boolean} live
 * @param {number} more seconds since that view
 */
function drawBar(ui, view, live, more) {
  ui.bar.hidden = !live;
  const [expected, running] = [view.expected, view.running];
  const known = live && expected && running != null;
  ui.bar.classList.toggle("seedance-indeterminate", live && !known);
  if (!known) {
    ui.bar.removeAttribute("aria-valuenow");
    ui.fill.style.width = "";
    return;
  }
  const percent = 100 * eased((running + more) / expected);
  ui.fill.style.width = `${percent.toFixed(1)}%`;
  ui.bar.setAttribute("aria-valuenow", String(Math.round(percent)));
}

/**
 * Straight up to 70 %, then ever slower towards 97 %: an expectation is no promise, and only the end is the end.
 * @param {number} fraction of the expected time
 */
export function eased(fraction) {
  return fraction <= 0.7 ? Math.max(0, fraction) : 0.7 + 0.27 * (1 - Math.exp(-(fraction - 0.7) / 0.27));
}
