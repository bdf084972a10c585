// The board of a grid: every cell on its axes, one progress line. Every text goes through textContent; the only HTML that is ever
// parsed is the wall, which our own kernel made for this notebook.

const TICK = 1000; // ms between redraws of the clock
const HEAL_AFTER = 800; // ms a finished board may stay on the page before it asks for the wall itself
const PATIENCE = 4000; // ms without an answer before the board says that the kernel is busy
const SILENCE = 180; // seconds without news after which the board doubts its kernel
// A reloaded page, an Output widget, interact, Voila: nowhere there does the final output arrive.
const BY_KERNEL =
  "The running kernel shows these clips. To store them in a notebook's own output, run this cell again there (nothing is submitted twice).";

export default () => {
  let received = performance.now(); // when the latest view came: the countdown starts there, by this machine's clock
  return {
    initialize({ model }) {
      model.on("change:view", () => {
        received = performance.now();
      });
    },
    render({ model, el }) {
      return board(model, el, () => (performance.now() - received) / 1000);
    },
  };
};

function board(model, el, age) {
  const ui = build(el);
  keepKeys();
  let chips = [];
  let drawn = ""; // the marks that are on the page
  let shown = null; // the number of the cell whose facts are told
  let asking = false; // whether Cancel all has been pressed and not yet confirmed
  let pressedAt = null; // when it was confirmed, until the kernel takes over
  let retryAt = null;
  let trouble = null;
  let healing = null; // null, "asked", "shown" or "refused"
  let healTimer = null;

  const layOut = () => {
    chips = lay(ui, model.get("places") || {});
    drawn = "";
    shown = null;
    chips.forEach((chip, index) => {
      chip.tabIndex = index ? -1 : 0;
      for (const sign of ["pointerenter", "focus", "click"]) chip.addEventListener(sign, () => tell(index));
    });
    draw();
  };

  const draw = () => {
    const view = model.get("view") || {};
    const done = model.get("done");
    const places = model.get("places") || {};
    const marks = view.marks || "";
    chips.forEach((chip, index) => {
      const mark = marks[index];
      if (mark === undefined || mark === drawn[index]) return;
      const [symbol, words, tone] = places.marks[mark] || ["", "", "idle"];
      chip.dataset.tone = tone;
      chip.textContent = symbol;
      chip.setAttribute("aria-label", `${places.cells[index].name}: ${words}`);
    });
    drawn = marks;
    if (view.cancel_requested || view.settled) pressedAt = null;
    if (retryAt !== null && !view.failed) retryAt = null;
    drawLegend(places, marks);
    drawButtons(view, done);
    say(ui.status, capital(view.status || ""));
    say(ui.credits, view.credits || "");
    ui.board.dataset.active = String(!view.settled && !done);
    drawBar(ui, view, marks, places.marks || {});
    if (shown !== null) tell(shown);
    tick();
    if (done || view.settled) clearInterval(timer);
    if (done) heal();
  };

  const drawLegend = (places, marks) => {
    const counts = new Map();
    for (const mark of marks) counts.set(mark, (counts.get(mark) || 0) + 1);
    const entries = Object.entries(places.marks || {}).filter(([mark]) => counts.has(mark));
    const key = JSON.stringify(entries.map(([mark]) => [mark, counts.get(mark)]));
    if (key === ui.legend.dataset.key) return;
    ui.legend.dataset.key = key;
    ui.legend.replaceChildren(
      ...entries.map(([mark, [symbol, words, tone]]) => {
        const entry = make("li", "seedance-board-entry");
        const sign = make("span", "seedance-board-sign", symbol);
        sign.dataset.tone = tone;
        sign.setAttribute("aria-hidden", "true");
        entry.append(sign, `${words} ${counts.get(mark)}`);
        return entry;
      }),
    );
  };

  const drawButtons = (view, done) => {
    const over = done || view.settled;
    const cancelling = pressedAt !== null || view.cancel_requested;
    if (over || cancelling) asking = false;
    const focused = ui.board.contains(document.activeElement) ? document.activeElement : null;
    ui.cancel.hidden = over || asking;
    ui.cancel.disabled = cancelling;
    say(ui.cancel, cancelling ? "Cancelling…" : "Cancel all");
    ui.sure.hidden = !asking;
    const many = (view.running || 0) + (view.waiting || 0);
    say(ui.question, `Cancel ${many === 1 ? "the video" : `all ${many} videos`} still on the way?`);
    ui.retry.hidden = over || !view.failed;
    ui.retry.disabled = retryAt !== null;
    say(ui.retry, retryAt !== null ? "Trying again…" : `Retry failed (${view.failed})`);
    // A button that goes away or is disabled loses the keyboard's place on the page; the board keeps it.
    if (focused && (focused.disabled || !focused.getClientRects().length)) ui.board.focus({ preventScroll: true });
  };

  const tell = (index) => {
    const places = model.get("places") || {};
    const cell = (places.cells || [])[index];
    if (!cell) return;
    shown = index;
    const mark = ((model.get("view") || {}).marks || "")[index];
    const words = (places.marks[mark] || ["", "", ""])[1];
    const said = (model.get("problems") || {})[String(index)];
    say(ui.detailHead, cell.name);
    say(ui.detailSaid, capital(said || words));
    say(ui.detailPrompt, places.prompts[cell.prompt] || "");
    say(ui.detailFacts, [places.settings[cell.settings], `take ${cell.take}`].filter(Boolean).join(" · "));
    ui.detail.hidden = false;
  };

  const tick = () => {
    const view = model.get("view") || {};
    const live = !view.settled && !model.get("done");
    say(ui.clock, live && view.remaining != null ? left(view.remaining - age()) : "");
    const lines = [];
    if (trouble) lines.push(["trouble", trouble]);
    const waits = [pressedAt, retryAt].some((at) => at !== null && performance.now() - at > PATIENCE);
    if (live && waits) lines.push(["trouble", "The kernel has not answered yet. If a cell is running, the stop button lets it through."]);
    if (live && age() > SILENCE)
      lines.push(["trouble", `No news from the kernel for ${words(age())}. If it was restarted, run this cell again: nothing is submitted twice.`]);
    if (healing === "asked") lines.push(["note", "Fetching the clips…"]);
    if (healing === "shown") lines.push(["note", BY_KERNEL]);
    const key = JSON.stringify(lines);
    if (key === ui.lines.dataset.key) return; // redrawing would take a selection away from the reader
    ui.lines.dataset.key = key;
    ui.lines.replaceChildren(...lines.map(([kind, text]) => make("p", `seedance-board-line seedance-${kind}`, text)));
  };

  // Finished and still on the page: this page was reloaded meanwhile and will never get the final output.
  const heal = () => {
    if (healing || healTimer) return;
    healTimer = setInterval(() => {
      if (!ui.board.isConnected) return;
      clearInterval(healTimer);
      if (healing) return;
      healing = "asked";
      tick();
      model.send({ kind: "need_wall" });
    }, HEAL_AFTER);
  };

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
    [pressedAt, asking, trouble] = [performance.now(), false, null];
    draw();
    model.send({ kind: "cancel" });
  });
  ui.retry.addEventListener("click", () => {
    if (retryAt !== null) return;
    [retryAt, trouble] = [performance.now(), null];
    draw();
    model.send({ kind: "retry" });
  });
  ui.sure.addEventListener("keydown", (event) => {
    if (event.key === "Escape") ui.no.click();
  });
  ui.table.addEventListener("keydown", (event) => {
    const at = chips.indexOf(document.activeElement);
    const to = at < 0 ? -1 : next(chips, at, event.key);
    if (to < 0) return;
    event.preventDefault();
    chips[at].tabIndex = -1;
    chips[to].tabIndex = 0;
    chips[to].focus();
  });

  const timer = setInterval(tick, TICK);
  model.on("change:places", layOut);
  model.on("change:view", draw);
  model.on("change:problems", draw);
  model.on("change:done", draw);
  model.on("msg:custom", receive);
  layOut();

  return () => {
    clearInterval(timer);
    clearInterval(healTimer);
    model.off("change:places", layOut);
    model.off("change:view", draw);
    model.off("change:problems", draw);
    model.off("change:done", draw);
    model.off("msg:custom", receive);
  };
}

// The cell that an arrow key leads to: in reading order, or the nearest in the row above or below.
function next(chips, at, key) {
  if (key === "ArrowRight") return Math.min(at + 1, chips.length - 1);
  if (key === "ArrowLeft") return Math.max(at - 1, 0);
  if (key === "Home") return 0;
  if (key === "End") return chips.length - 1;
  if (key !== "ArrowDown" && key !== "ArrowUp") return -1;
  const here = chips[at].getBoundingClientRect();
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

// The table of the axes; returns the chips in the order of the plan.
function lay(ui, places) {
  const { rows = [""], columns = [""], cells = [] } = places;
  const stands = new Map();
  const chips = cells.map((cell) => {
    const chip = make("button", "seedance-board-chip");
    chip.type = "button";
    const key = `${cell.row} ${cell.column}`;
    if (!stands.has(key)) stands.set(key, []);
    stands.get(key).push(chip);
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
      place.append(...(stands.get(`${row} ${column}`) || []));
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

function heading(text, scope) {
  const node = make(text ? "th" : "td", "seedance-board-label", text);
  if (text) node.scope = scope;
  node.dir = "auto";
  node.title = text;
  return node;
}

function drawBar(ui, view, marks, facts) {
  const all = marks.length || 1;
  const counts = { good: 0, bad: 0, busy: 0 };
  for (const mark of marks) {
    const tone = (facts[mark] || ["", "", ""])[2];
    if (tone in counts) counts[tone] += 1;
  }
  ui.bar.hidden = Boolean(view.settled);
  for (const tone of Object.keys(counts)) ui.parts[tone].style.width = `${(100 * counts[tone]) / all}%`;
  ui.bar.setAttribute("aria-valuenow", String(Math.round((100 * (counts.good + counts.bad)) / all)));
}

function build(el) {
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
    bar: make("div", "seedance-board-bar"),
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
    parts: {},
  };
  ui.board.setAttribute("role", "group");
  ui.board.setAttribute("aria-label", "Video grid");
  ui.board.tabIndex = -1;
  ui.board.dataset.lmSuppressShortcuts = "seedance";
  ui.status.setAttribute("role", "status");
  ui.status.setAttribute("aria-live", "polite");
  ui.sure.setAttribute("role", "group");
  ui.sure.setAttribute("aria-label", "Cancel all");
  ui.table.setAttribute("aria-label", "Cells of the grid");
  ui.legend.setAttribute("aria-label", "What the signs mean, and how many cells bear them");
  ui.bar.setAttribute("role", "progressbar");
  ui.bar.setAttribute("aria-label", "Progress");
  ui.bar.setAttribute("aria-valuemin", "0");
  ui.bar.setAttribute("aria-valuemax", "100");
  ui.detailPrompt.dir = "auto";
  ui.detail.hidden = true;
  for (const button of [ui.retry, ui.cancel, ui.yes, ui.no]) button.type = "button";
  for (const tone of ["good", "bad", "busy"]) {
    ui.parts[tone] = make("div", "seedance-board-part");
    ui.parts[tone].dataset.tone = tone;
    ui.bar.append(ui.parts[tone]);
  }
  ui.sure.append(ui.question, ui.yes, ui.no);
  ui.row.append(ui.status, ui.credits, ui.clock, ui.retry, ui.cancel, ui.sure);
  ui.scroll.append(ui.table);
  ui.detail.append(ui.detailHead, ui.detailSaid, ui.detailPrompt, ui.detailFacts);
  ui.board.append(ui.row, ui.bar, ui.lines, ui.scroll, ui.within, ui.legend, ui.detail, ui.stage);
  el.append(ui.board);
  return ui;
}

// Puts the wall on the page; scripts that come as HTML only run when they are made anew.
function raise(stage, html) {
  stage.innerHTML = html;
  for (const old of stage.querySelectorAll("script")) {
    const script = document.createElement("script");
    for (const { name, value } of old.attributes) script.setAttribute(name, value);
    script.textContent = old.textContent;
    old.replaceWith(script);
  }
}

// Learned from other jobs, so rounded to what that can be worth.
function left(seconds) {
  if (seconds < 1) return "longer than usual";
  const step = seconds >= 90 ? 10 : seconds >= 20 ? 5 : 1;
  return `about ${words(Math.ceil(seconds / step) * step)} left`;
}

function words(seconds) {
  const total = Math.max(0, Math.round(seconds));
  if (total < 60) return `${total} s`;
  if (total < 3600) return `${Math.floor(total / 60)} min` + (total % 60 ? ` ${total % 60} s` : "");
  const minutes = Math.round(total / 60);
  return `${Math.floor(minutes / 60)} h` + (minutes % 60 ? ` ${minutes % 60} min` : "");
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function make(tag, className = "", text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

// Only real changes: a live region announces what is written into it.
function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
