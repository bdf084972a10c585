// The board of a grid: every cell on its axes, one progress line. Every text goes through textContent; the only HTML that is ever
// parsed is the wall.

import { ageing, focusedBeside, keepKeys, left, listen, make, progressBar, redraw, say, whenOnPage } from "../../pages/kit.js";
import { notice } from "../../pages/notice.js";
import { raise } from "../../pages/raise.js";
/** @import { Line, Model } from "../../pages/kit.js" */

/** @typedef {[symbol: string, words: string, tone: string]} Mark */
/** @typedef {{ name: string, row: number, column: number, prompt: number, settings: number, take: number }} Cell */
/**
 * Where the cells stand, what the letters of `marks` mean, and the texts that cells share, by number; nothing before there is a plan.
 * @typedef {{
 *   rows: string[], columns: string[], down: string, across: string, within: string[], cells: Cell[], prompts: string[],
 *   settings: string[], marks: Record<string, Mark>,
 * }} Places
 */
/**
 * How it goes: `marks` has one letter for each cell.
 * @typedef {{
 *   marks: string, status: string, credits: string, remaining: number | null, running: number, waiting: number, failed: number,
 *   settled: boolean, cancel_requested: boolean,
 * }} View
 */
/** @typedef {{ places: Partial<Places>, view: Partial<View>, problems: Record<string, string>, measured: Record<string, string>, done: boolean, notify: boolean }} Traits */
/** @typedef {{ kind: "wall", html: string } | { kind: "trouble", text: string } | { kind: "retried" }} Message */

const TICK = 1000; // ms between redraws of the clock
const HEAL_AFTER = 800; // ms a finished board may stay on the page before it asks for the wall itself
const PATIENCE = 4000; // ms without an answer before the board says that the kernel is busy
// A reloaded page, an Output widget, interact, Voila: nowhere there does the final output arrive.
const BY_KERNEL =
  "The running kernel shows these clips. To store them in a notebook's own output, run this cell again there (nothing is submitted twice).";

const TONES = /** @type {const} */ (["good", "bad", "busy"]); // of the parts of the bar
/** @type {Mark} */
const UNKNOWN = ["", "", "idle"]; // of a letter that a newer kernel says

export default ageing(board);

/**
 * @param {Model<Traits, Message>} model
 * @param {HTMLElement} el
 * @param {() => number} age
 * @param {() => string} rests
 */
function board(model, el, age, rests) {
  const ui = build(el);
  /** @type {HTMLButtonElement[]} */
  let chips = [];
  let drawn = ""; // the marks that are on the page
  /** @type {number | null} */
  let shown = null; // the number of the cell whose facts are told
  let asking = false; // whether Cancel all has been pressed and not yet confirmed
  /** @type {number | null} */
  let pressedAt = null; // when it was confirmed, until the kernel takes over
  /** @type {number | null} */
  let retryAt = null;
  let trouble = "";
  let resting = ""; // why, while its kernel is gone
  /** @type {"" | "asked" | "shown" | "refused"} */
  let healing = "";
  /** @type {(() => void) | null} */
  let stopHealing = null;

  let inSight = false;
  let isOpen = false; // whether this page has seen it unfinished
  const told = notice("seedance-board-button", () => inSight && document.visibilityState === "visible");
  ui.row.append(told.place);
  const tag = `seedance-${Date.now()}-${Math.random()}`;

  const layOut = () => {
    chips = lay(ui, model.get("places"));
    drawn = "";
    shown = null;
    chips.forEach((chip, index) => {
      chip.tabIndex = index ? -1 : 0;
      for (const sign of ["pointerenter", "focus", "click"]) chip.addEventListener(sign, () => tell(index));
    });
    draw();
  };

  const draw = () => {
    const view = model.get("view");
    const done = model.get("done");
    const { cells = [], marks: facts = {} } = model.get("places");
    const marks = view.marks || "";
    chips.forEach((chip, index) => {
      const mark = marks[index];
      if (mark === undefined || mark === drawn[index]) return;
      const [symbol, words, tone] = facts[mark] || UNKNOWN;
      chip.dataset.tone = tone;
      chip.textContent = symbol;
      chip.setAttribute("aria-label", `${cells[index]?.name}: ${words}`);
    });
    drawn = marks;
    if (view.cancel_requested || view.settled) pressedAt = null;
    if (retryAt !== null && !view.failed) retryAt = null;
    drawLegend(facts, marks);
    drawButtons(view, done);
    say(ui.status, resting && !view.settled ? "At rest, without a kernel" : capital(view.status || ""));
    say(ui.credits, view.credits || "");
    ui.board.dataset.active = String(!view.settled && !done && !resting);
    drawBar(ui, view, marks, facts);
    if (shown !== null) tell(shown);
    tick();
    if (done || view.settled) clearInterval(timer);
    if (done) heal();
    told.draw(Boolean(model.get("notify")) && !view.settled && !done);
  };

  const tellEnd = () => {
    const view = model.get("view");
    if (isOpen && view.settled) {
      told.draw(Boolean(model.get("notify")));
      told.tell(`Seedance: ${view.status}`, (model.get("places").prompts || [])[0] || "", tag);
    }
    isOpen = !view.settled;
    draw();
  };

  /**
   * @param {Record<string, Mark>} facts
   * @param {string} marks
   */
  const drawLegend = (facts, marks) => {
    /** @type {Map<string, number>} */
    const counts = new Map();
    for (const mark of marks) counts.set(mark, (counts.get(mark) || 0) + 1);
    const entries = Object.entries(facts).flatMap(([mark, [symbol, words, tone]]) => {
      const count = counts.get(mark);
      return count ? [{ symbol, tone, text: `${words} ${count}` }] : [];
    });
    redraw(ui.legend, entries, ({ symbol, tone, text }) => {
      const sign = make("span", { className: "seedance-board-sign", "aria-hidden": "true" }, symbol);
      sign.dataset.tone = tone;
      return make("li", "seedance-board-entry", sign, text);
    });
  };

  /**
   * @param {Partial<View>} view
   * @param {boolean} done
   */
  const drawButtons = (view, done) => {
    const over = done || Boolean(view.settled);
    const cancelling = pressedAt !== null || Boolean(view.cancel_requested);
    if (over || cancelling || resting) asking = false;
    const now = focusedBeside(ui.board);
    const focused = ui.board.contains(now) ? now : null;
    ui.cancel.hidden = over || asking;
    ui.cancel.disabled = cancelling || resting !== "";
    say(ui.cancel, cancelling ? "Cancelling…" : "Cancel all");
    ui.sure.hidden = !asking;
    const many = (view.running || 0) + (view.waiting || 0);
    say(ui.question, `Cancel ${many === 1 ? "the video" : `all ${many} videos`} still on the way?`);
    ui.retry.hidden = over || !view.failed;
    ui.retry.disabled = retryAt !== null || resting !== "";
    say(ui.retry, retryAt !== null ? "Trying again…" : `Retry failed (${view.failed})`);
    // A button that goes away or is disabled loses the keyboard's place on the page; the board keeps it.
    if (focused?.matches(":disabled") || focused?.getClientRects().length === 0) ui.board.focus({ preventScroll: true });
  };

  /** @param {number} index */
  const tell = (index) => {
    const { cells = [], marks = {}, prompts = [], settings = [] } = model.get("places");
    const cell = cells[index];
    if (!cell) return;
    shown = index;
    const [, words] = marks[(model.get("view").marks || "")[index] ?? ""] || UNKNOWN;
    const said = model.get("problems")[String(index)];
    say(ui.detailHead, cell.name);
    say(ui.detailSaid, capital(said || words));
    say(ui.detailPrompt, prompts[cell.prompt] || "");
    const measured = model.get("measured")[String(index)];
    say(ui.detailFacts, [settings[cell.settings], `take ${cell.take}`, measured].filter(Boolean).join(" · "));
    ui.detail.hidden = false;
  };

  const tick = () => {
    const view = model.get("view");
    const running = !view.settled && !model.get("done");
    const why = running ? rests() : "";
    if (Boolean(why) !== Boolean(resting)) {
      resting = why;
      if (why) pressedAt = retryAt = null; // nobody has heard it
      draw();
      return;
    }
    resting = why;
    const live = running && !resting;
    say(ui.clock, live && view.remaining != null ? left(view.remaining - age()) : "");
    /** @type {Line[]} */
    const lines = [];
    if (trouble) lines.push(["trouble", trouble]);
    const waits = [pressedAt, retryAt].some((at) => at !== null && performance.now() - at > PATIENCE);
    if (live && waits) lines.push(["trouble", "The kernel has not answered yet. If a cell is running, the stop button lets it through."]);
    if (resting) {
      lines.push([
        "trouble",
        `${resting} The videos go on at the service. Run this notebook's cells again to follow them: nothing is submitted twice.`,
      ]);
    }
    if (healing === "asked") lines.push(["note", "Fetching the clips…"]);
    if (healing === "shown") lines.push(["note", BY_KERNEL]);
    redraw(ui.lines, lines, ([kind, text]) => make("p", `seedance-board-line seedance-${kind}`, text));
  };

  // Finished and still on the page: this page was reloaded meanwhile and will never get the final output.
  const heal = () => {
    if (healing) return;
    stopHealing ??= whenOnPage(ui.board, HEAL_AFTER, () => {
      if (healing) return;
      healing = "asked";
      tick();
      model.send({ kind: "need_wall" });
    });
  };

  /** @param {Message} message */
  const receive = (message) => {
    if (message.kind === "wall" && healing !== "shown") {
      healing = "shown";
      raise(ui.stage, message.html);
      ui.scroll.hidden = ui.legend.hidden = ui.detail.hidden = true;
    } else if (message.kind === "trouble") {
      [pressedAt, retryAt, trouble] = [null, null, message.text];
      if (healing === "asked") healing = "refused";
    } else if (message.kind === "retried") retryAt = null;
    draw();
  };

  ui.cancel.addEventListener("click", () => {
    asking = true;
    draw();
    ui.no.focus({ preventScroll: true });
  });
  ui.no.addEventListener("click", () => {
    asking = false;
    draw();
    ui.cancel.focus({ preventScroll: true });
  });
  ui.yes.addEventListener("click", () => {
    if (pressedAt !== null) return;
    [pressedAt, asking, trouble] = [performance.now(), false, ""];
    draw();
    model.send({ kind: "cancel" });
  });
  ui.retry.addEventListener("click", () => {
    if (retryAt !== null) return;
    [retryAt, trouble] = [performance.now(), ""];
    draw();
    model.send({ kind: "retry" });
  });
  ui.sure.addEventListener("keydown", (event) => {
    if (event.key === "Escape") ui.no.click();
  });
  ui.table.addEventListener("keydown", (event) => {
    const from = chips.find((chip) => chip === focusedBeside(chip));
    const to = from && chips[next(chips, chips.indexOf(from), event.key)];
    if (!to) return;
    event.preventDefault();
    from.tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
  });

  const timer = setInterval(tick, TICK);
  const stopListening = listen(model, {
    "change:places": layOut,
    "change:view": tellEnd,
    "change:notify": draw,
    "change:problems": draw,
    "change:measured": draw,
    "change:done": draw,
    "msg:custom": receive,
  });
  const watcher = new IntersectionObserver((entries) => inSight = Boolean(entries.at(-1)?.isIntersecting));
  watcher.observe(ui.board);
  layOut();
  tellEnd();

  return () => {
    watcher.disconnect();
    clearInterval(timer);
    stopHealing?.();
    stopListening();
  };
}

/**
 * The number of the cell that an arrow key leads to: in reading order, or the nearest in the row above or below; -1 for other keys.
 * @param {Pick<Element, "getBoundingClientRect">[]} chips
 * @param {number} at
 * @param {string} key
 */
export function next(chips, at, key) {
  if (key === "ArrowRight") return Math.min(at + 1, chips.length - 1);
  if (key === "ArrowLeft") return Math.max(at - 1, 0);
  if (key === "Home") return 0;
  if (key === "End") return chips.length - 1;
  if (key !== "ArrowDown" && key !== "ArrowUp") return -1;
  const here = chips[at]?.getBoundingClientRect();
  if (!here) return -1;
  const down = key === "ArrowDown";
  let best = -1;
  let least = Infinity;
  chips.forEach((chip, index) => {
    const there = chip.getBoundingClientRect();
    const rise = down ? there.top - here.bottom : here.top - there.bottom;
    if (rise < -1) return;
    const far = rise * 1000 + Math.abs(there.left - here.left);
    if (far < least) [best, least] = [index, far];
  });
  return best < 0 ? at : best;
}

/**
 * The table of the axes; returns the chips in the order of the plan.
 * @param {ReturnType<typeof build>} ui
 * @param {Partial<Places>} places
 */
function lay(ui, places) {
  const { rows = [""], columns = [""], cells = [] } = places;
  /** @type {Map<string, HTMLButtonElement[]>} */
  const stands = new Map();
  const chips = cells.map(({ row, column }) => {
    const chip = make("button", "seedance-board-chip");
    stands.set(`${row} ${column}`, [...(stands.get(`${row} ${column}`) ?? []), chip]);
    return chip;
  });
  const head = make("tr");
  const axes = [places.down, places.across].filter(Boolean).join(" ↓   → ");
  head.append(make("td", "seedance-board-corner", axes));
  for (const text of columns) head.append(heading(text, "col"));
  const body = rows.map((text, row) => {
    const line = make("tr");
    line.append(heading(text, "row"));
    columns.forEach((_, column) => {
      const place = make("td", "seedance-board-place");
      place.append(...(stands.get(`${row} ${column}`) ?? []));
      line.append(place);
    });
    return line;
  });
  const top = make("thead");
  top.append(head);
  top.hidden = !places.across && !places.down;
  const all = make("tbody");
  all.append(...body);
  ui.table.replaceChildren(top, all);
  const within = (places.within || []).join(" × ");
  say(ui.within, within ? `in each place: ${within}` : "");
  return chips;
}

/**
 * @param {string} text
 * @param {"row" | "col"} scope
 */
function heading(text, scope) {
  const node = text ? make("th", { scope, className: "seedance-board-label" }, text) : make("td", "seedance-board-label");
  node.dir = "auto";
  node.title = text;
  return node;
}

/**
 * @param {ReturnType<typeof build>} ui
 * @param {Partial<View>} view
 * @param {string} marks
 * @param {Record<string, Mark>} facts
 */
function drawBar(ui, view, marks, facts) {
  const all = marks.length || 1;
  const counts = { good: 0, bad: 0, busy: 0 };
  for (const mark of marks) {
    const [, , tone] = facts[mark] || UNKNOWN;
    if (tone === "good" || tone === "bad" || tone === "busy") counts[tone] += 1;
  }
  ui.bar.hidden = Boolean(view.settled);
  for (const tone of TONES) ui.parts[tone].style.width = `${(100 * counts[tone]) / all}%`;
  ui.bar.setAttribute("aria-valuenow", String(Math.round((100 * (counts.good + counts.bad)) / all)));
}

/** @param {HTMLElement} el */
function build(el) {
  /** @param {typeof TONES[number]} tone */
  const part = (tone) => {
    const node = make("div", "seedance-board-part");
    node.dataset.tone = tone;
    return node;
  };
  const ui = {
    board: make("div", "seedance-board"),
    row: make("div", "seedance-board-row"),
    status: make("span", "seedance-board-status"),
    credits: make("span", "seedance-board-quiet"),
    clock: make("span", "seedance-board-quiet seedance-board-clock"),
    retry: make("button", "seedance-board-button"),
    cancel: make("button", "seedance-board-button", "Cancel all"),
    sure: make("span", "seedance-board-sure"),
    question: make("span"),
    yes: make("button", "seedance-board-button seedance-board-yes", "Cancel them"),
    no: make("button", "seedance-board-button", "Keep going"),
    bar: progressBar("seedance-board-bar"),
    lines: make("div", "seedance-board-lines"),
    scroll: make("div", "seedance-board-scroll"),
    table: make("table", "seedance-board-table"),
    within: make("div", "seedance-board-quiet seedance-board-within"),
    legend: make("ul", "seedance-board-legend"),
    detail: make("div", "seedance-board-detail"),
    detailHead: make("div", "seedance-board-name"),
    detailSaid: make("div"),
    detailPrompt: make("div", "seedance-board-quiet seedance-board-prompt"),
    detailFacts: make("div", "seedance-board-quiet"),
    stage: make("div"),
    parts: { good: part("good"), bad: part("bad"), busy: part("busy") },
  };
  ui.board.setAttribute("role", "group");
  ui.board.setAttribute("aria-label", "Video grid");
  ui.board.tabIndex = -1;
  keepKeys(ui.board);
  ui.status.setAttribute("role", "status");
  ui.status.setAttribute("aria-live", "polite");
  ui.sure.setAttribute("role", "group");
  ui.sure.setAttribute("aria-label", "Cancel all");
  ui.table.setAttribute("aria-label", "Cells of the grid");
  ui.legend.setAttribute("aria-label", "What the signs mean, and how many cells bear them");
  ui.detailPrompt.dir = "auto";
  ui.detail.hidden = true;
  ui.bar.append(...Object.values(ui.parts));
  ui.sure.append(ui.question, ui.yes, ui.no);
  ui.row.append(ui.status, ui.credits, ui.clock, ui.retry, ui.cancel, ui.sure);
  ui.scroll.append(ui.table);
  ui.detail.append(ui.detailHead, ui.detailSaid, ui.detailPrompt, ui.detailFacts);
  ui.board.append(ui.row, ui.bar, ui.lines, ui.scroll, ui.within, ui.legend, ui.detail, ui.stage);
  el.append(ui.board);
  return ui;
}

/** @param {string} text */
function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
