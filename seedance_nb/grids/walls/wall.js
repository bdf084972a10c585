// The wall: makes one instrument out of plain players. Everything that works only with this script is made by this script.
// Videos are moved, never made anew: a new element would decode its bytes again and lose its place.

import { keepKeys, later, make, offer } from "../../pages/kit.js";
import { nearest } from "./nearest.js";
import { makeTransport, SPEEDS } from "./transport.js";
/** @import { Transport } from "./transport.js" */

/**
 * What stands in `data-wall`: an axis has its values' words, and the three places have the number of an axis each.
 * Of each measure it has what it said of the cells, in their order; null where there is no number.
 * @typedef {{
 *   axes: { title: string, labels: string[] }[], measures: { title: string, values: (number | null)[] }[],
 * } & Record<Place, number | null>} Facts
 */
/** @typedef {{ measure: number, way: 1 | -1 }} Sort upwards or downwards */
/** @typedef {"rows" | "columns" | "pages"} Place */
/**
 * One cell: `at` are its values on the axes.
 * @typedef {{
 *   figure: HTMLElement, number: number, at: number[], media: HTMLElement, video: HTMLVideoElement | null, prompt: string,
 *   compareButton?: HTMLButtonElement,
 * }} Tile
 */
/** @typedef {Tile & { video: HTMLVideoElement }} Playable a cell with a clip */
/** @typedef {HTMLElement & { sdWall?: Transport | true }} Root */

/** @type {[key: string, does: string][]} */
const HELP = [
  ["Space or k", "play or pause"],
  [", and .", "one frame back, one frame on"],
  ["← → ↑ ↓", "to the next cell"],
  ["Shift + ← →", "one second back, one second on"],
  ["[ and ]", "slower, faster"],
  ["l", "loop"],
  ["m", "sound of the chosen cell"],
  ["f", "clips of different length: by seconds, or stretched to one length"],
  ["Enter", "enlarge the cell"],
  ["x", "choose the cell for comparing; the second opens the comparison"],
  ["s", "comparison: side by side, or split by a slider (← → move it)"],
  ["?", "this help"],
  ["Esc", "close, or take back the filter"],
];
const ICONS = {
  play: "M4 2.5v11l9-5.5z",
  pause: "M3.5 2.5h3v11h-3zM9.5 2.5h3v11h-3z",
  back: "M11.5 3v10L4.5 8z",
  on: "M4.5 3v10l7-5z",
  muted: "M2 6h2.5L8 3v10L4.5 10H2zM10 6l4 4M14 6l-4 4",
  sound: "M2 6h2.5L8 3v10L4.5 10H2zM10.5 5.5a4 4 0 0 1 0 5M12.5 3.5a7 7 0 0 1 0 9",
  loop: "M3 8a5 5 0 0 1 9-3V3M13 8a5 5 0 0 1-9 3v2M12 5H9.5M4 11h2.5",
  enlarge: "M9 3h4v4M7 13H3V9M13 3L9 7M3 13l4-4",
  compare: "M2.5 3.5h4.5v9H2.5zM9 3.5h4.5v9H9z",
};
const STRIP = 14; // pictures of the filmstrip
const MOST_AT_ONCE = 16; // clips that play at a time whether in sight or not

/** @param {keyof typeof ICONS} name */
function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", ["muted", "sound", "loop", "enlarge", "compare"].includes(name) ? "sdw-line" : "sdw-solid");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * Moves without reloading; where the browser can, without even a pause.
 * @param {Node} node
 * @param {Node & { moveBefore?: (node: Node, before: Node | null) => void }} parent
 * @param {Node | null} [before]
 */
function move(node, parent, before = null) {
  if (node.parentNode === parent && node.nextSibling === before) return;
  if (parent.moveBefore && node.isConnected && parent.isConnected) parent.moveBefore(node, before);
  else parent.insertBefore(node, before);
}

/**
 * What must be there: the wall's own markup.
 * @param {ParentNode} within
 * @param {string} selector
 */
function part(within, selector) {
  const [found] = parts(within, selector);
  if (!found) throw new Error(`This wall is damaged: ${selector} is missing.`);
  return found;
}

/**
 * @param {ParentNode} within
 * @param {string} selector
 * @returns {NodeListOf<HTMLElement>}
 */
function parts(within, selector) {
  return within.querySelectorAll(selector);
}

/**
 * @param {HTMLElement} figure
 * @returns {Tile}
 */
function tileOf(figure) {
  return {
    figure,
    number: Number(figure.dataset.n),
    at: figure.dataset.at ? figure.dataset.at.split(",").map(Number) : [],
    media: part(figure, ".sdw-media"),
    video: figure.querySelector("video"),
    prompt: figure.querySelector(".sdw-prompt")?.getAttribute("data-prompt") ?? "",
  };
}

/**
 * @param {Tile | undefined} tile
 * @returns {tile is Playable}
 */
function hasVideo(tile) {
  return Boolean(tile?.video);
}

/** @param {Root} root */
function wire(root) {
  // What was stripped in a notebook that is not trusted stays a wall of plain players.
  if (root.sdWall || !root.dataset.wall) return;
  root.sdWall = true;
  keepKeys(root);

  /** @type {Facts} */
  const facts = JSON.parse(root.dataset.wall);
  const stage = part(root, ".sdw-stage");
  const heading = root.querySelector(".sdw-title")?.textContent || "Comparison of clips";
  const tiles = [...parts(root, ".sdw-tile")].map(tileOf).sort((a, b) => a.number - b.number);
  const byNumber = new Map(tiles.map((tile) => [tile.number, tile]));
  /**
   * @type {Record<Place, number | null> & {
   *   page: number | null, hidden: Map<number, Set<number>>, filter: { word: string, keep: Set<number> } | null, current: Tile | undefined,
   *   sort: Sort | null, chosen: Playable[], view: "one" | "side" | "split" | null, panes: Playable[], muted: boolean,
   * }}
   */
  const state = {
    rows: facts.rows,
    columns: facts.columns,
    pages: facts.pages,
    page: null, // a value of the axis of pages
    hidden: new Map(facts.axes.map((_, axis) => [axis, new Set()])),
    filter: null,
    sort: null,
    current: tiles.find(hasVideo) ?? tiles[0],
    chosen: [],
    view: null,
    panes: [],
    muted: true,
  };
  /**
   * @param {number | null} axis
   * @param {number | null | undefined} value
   */
  const wordOf = (axis, value) => (axis !== null && facts.axes[axis]?.labels[value ?? NaN]) || "";
  /** @param {Tile} tile */
  const labelOf = (tile) => tile.at.map((value, axis) => wordOf(axis, value)).join(" · ") || `cell ${tile.number + 1}`;

  // -- made once -------------------------------------------------------------------------------------------------------

  const say = make("div", { role: "status", className: "sdw-hidden" });
  /**
   * @param {string} name
   * @param {Node | string} content
   * @param {() => void} press
   */
  const button = (name, content, press) =>
    make("button", { className: "sdw-button", "aria-label": name, title: name, onclick: press }, content);
  const playButton = button("Play", icon("play"), () => transport.toggle());
  const loopButton = button("Loop", icon("loop"), () => transport.setLoop(!transport.loop));
  const soundButton = button("Sound", icon("muted"), () => setMuted(!state.muted));
  const scrub = make("input", {
    type: "range",
    className: "sdw-scrub",
    min: "0",
    max: "1",
    step: "any",
    value: "0",
    "aria-label": "Position",
  });
  const film = make("canvas", { className: "sdw-film", width: STRIP * 48, height: 27, "aria-hidden": "true" });
  const time = make("span", { className: "sdw-time", "aria-hidden": "true" }, "0.00 s");
  /** @type {[value: string, text: string][]} */
  const speeds = SPEEDS.map((speed) => [String(speed), `${speed}×`]);
  const speedMenu = select("Speed", speeds, (value) => transport.setSpeed(Number(value)));
  const mappingMenu = select(
    "Clips of different length",
    [["seconds", "by seconds"], ["fraction", "stretched to one length"]],
    (value) => transport.setMapping(value === "fraction" ? "fraction" : "seconds"),
  );
  const bar = make(
    "div",
    { className: "sdw-bar", role: "group", "aria-label": "Playback of all clips" },
    playButton,
    button("One frame back", icon("back"), () => step(-1)),
    button("One frame on", icon("on"), () => step(1)),
    make("div", { className: "sdw-strip" }, film, scrub),
    time,
    speedMenu,
    loopButton,
    soundButton,
    mappingMenu,
    button("Help on keys", "?", () => help.showModal()),
  );
  const tabs = make("div", { className: "sdw-tabs", role: "tablist" });
  const chip = make("button", { className: "sdw-chip", hidden: true, onclick: () => clearFilter() });
  const menu = make("details", { className: "sdw-menu" }, make("summary", {}, "Layout"));
  /** @type {[value: string, text: string][]} */
  const sorts = facts.measures.flatMap(({ title, values }, i) =>
    values.some((value) => value !== null) ? [[`${i} 1`, `${title}, least first`], [`${i} -1`, `${title}, most first`]] : []
  );
  const sortMenu = select("Sort by a measure", [["", "sort by…"], ...sorts], (value) => {
    const [measure, way] = value.split(" ").map(Number);
    state.sort = value === "" ? null : { measure: measure ?? 0, way: way === -1 ? -1 : 1 };
    layOut();
    say.textContent = sorts.find(([name]) => name === value)?.[1] ?? "in their places";
  });
  const park = make("div", { hidden: true });
  const dialogHead = make("div", { className: "sdw-dialog-head" });
  const splitRange = make("input", {
    type: "range",
    min: "0",
    max: "100",
    value: "50",
    step: "1",
    className: "sdw-split-range",
    "aria-label": "Split position",
  });
  const theatre = make("div", { className: "sdw-theatre" });
  const dialogBar = make("div", { className: "sdw-dialog-bar" });
  const dialog = make("dialog", { className: "sdw-dialog", "aria-label": "Enlarged clips" }, dialogHead, theatre, splitRange, dialogBar);
  const help = make(
    "dialog",
    { className: "sdw-dialog sdw-help", "aria-label": "Keys of the wall" },
    make("h2", {}, "Keys"),
    make(
      "dl",
      {},
      ...HELP.flatMap(([key, does]) => {
        const keys = key.split(/( and | or )/).map((part) => (/^ /.test(part) ? part : make("kbd", {}, part)));
        return [make("dt", {}, ...keys), make("dd", {}, does)];
      }),
    ),
    make(
      "p",
      {},
      "They work while the wall has the focus. Click a clip to enlarge it, Shift-click two to compare them, click an underlined word of a prompt to keep the cells that differ by it alone.",
    ),
    make("button", { className: "sdw-button", onclick: () => help.close() }, "Close"),
  );

  /**
   * @param {string} name
   * @param {[value: string, text: string][]} options
   * @param {(value: string) => void} change
   */
  function select(name, options, change) {
    const element = make("select", { className: "sdw-select", "aria-label": name, title: name, onchange: () => change(element.value) });
    offer(element, options);
    return element;
  }

  const transport = makeTransport({ alive: () => root.isConnected, changed: () => show() });
  root.sdWall = transport;

  // -- tiles -----------------------------------------------------------------------------------------------------------

  for (const tile of tiles) {
    const { figure, media } = tile;
    const twin = byNumber.get(Number(figure.dataset.same ?? "NaN"))?.video;
    if (twin) {
      // The same clip in another cell: the document holds its bytes once, the page may play them twice.
      tile.video = make("video", { src: twin.getAttribute("src") ?? "", width: twin.width, height: twin.height, title: twin.title });
      tile.video.style.cssText = twin.style.cssText;
      media.replaceChildren(tile.video);
    }
    const label = part(figure, ".sdw-label strong");
    if (tile.at.length) label.replaceChildren(...label.querySelectorAll(".sdw-part")); // the style separates those that are shown
    figure.tabIndex = -1;
    figure.setAttribute("aria-label", labelOf(tile));
    if (hasVideo(tile)) {
      const { video } = tile;
      video.controls = false;
      video.muted = true;
      video.loop = false;
      video.preload = "auto";
      video.setAttribute("playsinline", "");
      tile.compareButton = button(`Compare ${labelOf(tile)}`, icon("compare"), () => choose(tile));
      tile.compareButton.setAttribute("aria-pressed", "false");
      const enlargeButton = button(`Enlarge ${labelOf(tile)}`, icon("enlarge"), () => open([tile]));
      media.append(make("div", { className: "sdw-tools" }, tile.compareButton, enlargeButton));
      // What the file's own facts promise, kept while the video is shown elsewhere: the wall must not jump.
      media.style.aspectRatio = `${video.width || 16} / ${video.height || 9}`;
    }
    for (const word of parts(figure, ".sdw-word")) {
      const alike = new Set((word.dataset.alike ?? "").split(" ").filter(Boolean).map(Number));
      const press = make("button", { className: "sdw-word", title: "Keep the cells that differ by this alone" }, word.textContent);
      press.onclick = () => setFilter(tile, word.textContent, alike);
      word.replaceWith(press);
    }
    figure.addEventListener("focusin", () => setCurrent(tile));
    figure.addEventListener("click", (event) => {
      if (!(event.target instanceof Element) || event.target.closest("button, a, summary")) return;
      figure.focus({ preventScroll: true });
      if (!hasVideo(tile) || !media.contains(event.target)) return;
      if (event.shiftKey) choose(tile);
      else open([tile]);
    });
    figure.addEventListener("mousedown", (event) => {
      if (event.shiftKey) event.preventDefault(); // or the text between two clicks is selected
    });
  }

  /** @param {Tile | undefined} tile */
  function setCurrent(tile) {
    if (!tile) return;
    const before = state.current;
    state.current = tile;
    for (const one of tiles) {
      const is = one === tile;
      one.figure.tabIndex = is ? 0 : -1;
      one.figure.classList.toggle("sdw-current", is);
      for (const inner of parts(one.figure, "button, a")) inner.tabIndex = is ? 0 : -1;
    }
    setMuted(state.muted);
    if (before !== tile) drawFilmSoon();
  }

  /** @param {boolean} muted */
  function setMuted(muted) {
    state.muted = muted;
    const heard = state.view ? state.panes[0] : state.current;
    for (const tile of tiles) if (tile.video) tile.video.muted = muted || tile !== heard;
    soundButton.setAttribute("aria-pressed", String(!muted));
    soundButton.replaceChildren(icon(muted ? "muted" : "sound"));
  }

  // -- layout ----------------------------------------------------------------------------------------------------------

  /** @param {Tile} tile */
  const isKept = (tile) =>
    (!state.filter || state.filter.keep.has(tile.number)) && tile.at.every((value, axis) => !state.hidden.get(axis)?.has(value));
  /**
   * The value of a cell on an axis.
   * @param {Tile} tile
   * @param {number | null} axis
   */
  const valueOf = (tile, axis) => (axis === null ? null : tile.at[axis] ?? null);
  /**
   * The values of cells on an axis, in its order.
   * @param {number | null} axis
   * @param {Tile[]} among
   */
  const valuesOf = (axis, among) =>
    axis === null ? [null] : [...new Set(among.map((tile) => valueOf(tile, axis)))].sort((a, b) => (a ?? 0) - (b ?? 0));
  /** @type {Tile[]} */
  let shown = [];
  /** @type {Record<Place, number | null>} the axes as they lie now */
  let placed = { rows: state.rows, columns: state.columns, pages: state.pages };
  /**
   * Compares cells by what a measure said of them; those without a number come last.
   * @param {Sort} sort
   * @returns {(one: Tile, other: Tile) => number}
   */
  const bySize = ({ measure, way }) => (one, other) => {
    const a = facts.measures[measure]?.values[one.number] ?? null;
    const b = facts.measures[measure]?.values[other.number] ?? null;
    if (a === null || b === null) return (a === null ? 1 : 0) - (b === null ? 1 : 0) || one.number - other.number;
    return way * (a - b) || one.number - other.number;
  };

  function layOut() {
    const focused = document.activeElement instanceof HTMLElement && root.contains(document.activeElement) ? document.activeElement : null;
    const kept = tiles.filter(isKept);
    // What is sorted is one line from first to last.
    const { rows, columns, pages: pagesBy } = state;
    placed = state.sort ? { rows: null, columns: null, pages: null } : { rows, columns, pages: pagesBy };
    const pages = valuesOf(placed.pages, kept);
    if (!pages.includes(state.page)) state.page = pages[0] ?? null;
    shown = kept.filter((tile) => placed.pages === null || valueOf(tile, placed.pages) === state.page);

    if (state.sort) shown.sort(bySize(state.sort));

    const grid = make("div", { className: "sdw-grid" });
    const old = [...stage.children];
    stage.append(grid);
    const across = placed.columns === null ? [null] : valuesOf(placed.columns, shown);
    const down = valuesOf(placed.rows, shown);
    const matrix = placed.columns !== null && placed.rows !== null;
    grid.classList.toggle("sdw-matrix", matrix);
    grid.style.gridTemplateColumns = matrix ? `minmax(60px, max-content) repeat(${across.length}, minmax(120px, 1fr))` : "";
    if (matrix) {
      grid.append(make("div", { className: "sdw-corner" }));
      for (const value of across) grid.append(make("div", { className: "sdw-column" }, wordOf(placed.columns, value)));
    }
    for (const level of down) {
      if (placed.rows !== null) grid.append(make("div", { className: "sdw-row" }, wordOf(placed.rows, level)));
      const line = matrix ? grid : grid.appendChild(make("div", { className: "sdw-flow" }));
      for (const value of across) {
        const inside = shown.filter((tile) =>
          (level === null || valueOf(tile, placed.rows) === level) && (value === null || valueOf(tile, placed.columns) === value)
        );
        const cell = matrix ? line.appendChild(make("div", { className: inside.length > 1 ? "sdw-cell sdw-group" : "sdw-cell" })) : line;
        for (const tile of inside) move(tile.figure, cell);
      }
    }
    for (const tile of tiles) if (!shown.includes(tile)) move(tile.figure, park);
    for (const node of old) node.remove();
    const told = new Set([matrix || placed.rows !== null ? placed.rows : null, matrix ? placed.columns : null, placed.pages]);
    for (const tile of tiles) {
      let any = false;
      for (const word of parts(tile.figure, ".sdw-part")) {
        word.hidden = told.has(Number(word.dataset.axis));
        word.classList.toggle("sdw-later", any && !word.hidden);
        any ||= !word.hidden;
      }
      if (tile.at.length) part(tile.figure, ".sdw-label").hidden = !any;
    }
    if (!shown.length) grid.append(make("p", {}, "No cell is left: show more values, or take the filter back."));
    drawTabs(pages);
    if (!state.current || !shown.includes(state.current)) setCurrent(shown.find(hasVideo) ?? shown[0]);
    if (focused && !focused.isConnected) state.current?.figure.focus({ preventScroll: true });
    else if (focused && document.activeElement !== focused) focused.focus({ preventScroll: true });
    drive();
  }

  // A computer decodes so many clips at a time: of more, those in sight play.
  const inSight = new Set();
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) inSight.add(entry.target);
      else inSight.delete(entry.target);
    }
    if (!state.view && shown.length > MOST_AT_ONCE) drive(true);
  });
  for (const tile of tiles) if (tile.video) watcher.observe(tile.media);

  function drive(gently = false) {
    const all = shown.length <= MOST_AT_ONCE;
    const active = state.view ? state.panes : shown.filter(hasVideo).filter((tile) => all || inSight.has(tile.media));
    transport.use(active.map((tile) => tile.video), gently);
  }

  /** @param {(number | null)[]} pages */
  function drawTabs(pages) {
    const axis = placed.pages === null || pages.length === 0 ? null : facts.axes[placed.pages];
    tabs.hidden = !axis;
    if (!axis) {
      stage.removeAttribute("role");
      stage.removeAttribute("aria-label");
      return;
    }
    tabs.setAttribute("aria-label", axis.title);
    stage.setAttribute("role", "tabpanel");
    stage.setAttribute("aria-label", `${axis.title}: ${wordOf(placed.pages, state.page)}`);
    const had = tabs.contains(document.activeElement);
    tabs.replaceChildren(
      ...pages.map((value) =>
        make(
          "button",
          {
            role: "tab",
            className: "sdw-tab",
            tabIndex: value === state.page ? 0 : -1,
            "aria-selected": String(value === state.page),
            onclick: () => {
              state.page = value;
              layOut();
            },
          },
          wordOf(placed.pages, value),
        )
      ),
    );
    if (had) part(tabs, '[aria-selected="true"]').focus();
  }

  function drawMenu() {
    /** @type {[place: Place, title: string][]} */
    const places = [
      ["rows", "Rows"],
      ["columns", "Columns"],
      ["pages", "Pages"],
    ];
    /** @type {[value: string, text: string][]} */
    const options = [["", "none"], ...facts.axes.map(({ title }, i) => /** @type {[string, string]} */ ([String(i), title]))];
    /** @type {Map<Place, HTMLSelectElement>} */
    const menus = new Map();
    const drawPlaces = () => menus.forEach((element, place) => element.value = String(state[place] ?? ""));
    for (const [place, title] of places) {
      const choose = (/** @type {string} */ value) => {
        const axis = value === "" ? null : Number(value);
        // An axis has one place: what stood there before takes the place that became free.
        for (const [other] of places) if (other !== place && axis !== null && state[other] === axis) state[other] = state[place];
        state[place] = axis;
        drawPlaces();
        layOut();
      };
      menus.set(place, select(title, options, choose));
    }
    drawPlaces();
    const fields = facts.axes.map((axis, i) =>
      make(
        "fieldset",
        {},
        make("legend", {}, axis.title),
        ...axis.labels.map((label, value) => {
          const box = make("input", {
            type: "checkbox",
            checked: true,
            onchange: () => {
              if (box.checked) state.hidden.get(i)?.delete(value);
              else state.hidden.get(i)?.add(value);
              layOut();
            },
          });
          return make("label", {}, box, ` ${label}`);
        }),
      )
    );
    menu.append(
      make(
        "div",
        { className: "sdw-menu-body" },
        make(
          "div",
          { className: "sdw-places" },
          ...places.map(([place, title]) => make("label", {}, `${title} `, menus.get(place) ?? null)),
        ),
        ...fields,
      ),
    );
  }

  /**
   * @param {Tile} tile
   * @param {string} word
   * @param {Set<number>} alike the numbers of the cells that differ by it alone
   */
  function setFilter(tile, word, alike) {
    const keep = new Set([...alike, ...tiles.filter((one) => one.prompt === tile.prompt).map((one) => one.number)]);
    state.filter = { word, keep };
    chip.textContent = `only “${word}” varies: ${keep.size} of ${tiles.length} cells ×`;
    chip.setAttribute("aria-label", `Only “${word}” varies: ${keep.size} of ${tiles.length} cells. Show all`);
    chip.hidden = false;
    setCurrent(tile);
    layOut();
    say.textContent = `${keep.size} of ${tiles.length} cells differ by “${word}” alone`;
  }

  function clearFilter() {
    state.filter = null;
    chip.hidden = true;
    layOut();
    state.current?.figure.focus({ preventScroll: true });
    say.textContent = "all cells";
  }

  // -- enlarged --------------------------------------------------------------------------------------------------------

  /** @param {Tile | undefined} tile */
  function choose(tile) {
    if (!hasVideo(tile)) return;
    state.chosen = state.chosen.includes(tile) ? state.chosen.filter((one) => one !== tile) : [...state.chosen, tile].slice(-2);
    drawChosen();
    const [first, second] = state.chosen;
    say.textContent = !first ? "none chosen" : second ? "" : `${labelOf(first)} chosen; choose a second one to compare`;
    if (second) open(state.chosen, "side");
  }

  function drawChosen() {
    for (const tile of tiles) {
      const isChosen = state.chosen.some((one) => one === tile);
      tile.figure.classList.toggle("sdw-chosen", isChosen);
      tile.compareButton?.setAttribute("aria-pressed", String(isChosen));
    }
  }

  /**
   * @param {(Tile | undefined)[]} asked
   * @param {"one" | "side"} [view]
   */
  function open(asked, view = "one") {
    const panes = asked.filter(hasVideo);
    if (panes.length !== asked.length) return;
    for (const tile of state.panes) if (!panes.includes(tile)) move(tile.video, tile.media, tile.media.firstChild);
    state.panes = panes;
    state.view = view;
    drawDialog();
    if (!dialog.open) top.style.minHeight = `${top.offsetHeight}px`; // nothing below it jumps while the bar is away
    move(bar, dialogBar);
    if (!dialog.open) dialog.showModal();
    for (const [i, tile] of panes.entries()) move(tile.video, screens()[i] ?? theatre);
    setCurrent(panes[0]);
    drive();
    say.textContent = `${panes.map(labelOf).join(" beside ")} enlarged`;
    playButton.focus({ preventScroll: true });
  }

  const screens = () => parts(theatre, ".sdw-screen");

  function drawDialog() {
    const two = state.panes.length === 2;
    theatre.className = `sdw-theatre sdw-${state.view}`;
    const video = state.panes[0]?.video;
    dialog.style.setProperty("--sdw-ratio", ((video?.width || 16) / (video?.height || 9)).toFixed(4));
    while (theatre.children.length < state.panes.length) {
      theatre.append(
        make("div", { className: "sdw-pane" }, make("div", { className: "sdw-screen" }), make("div", { className: "sdw-pane-label" })),
      );
    }
    while (theatre.children.length > state.panes.length) theatre.lastElementChild?.remove();
    for (const [i, tile] of state.panes.entries()) {
      const receipt = tile.figure.querySelector(".sdw-receipt")?.textContent ?? "";
      parts(theatre, ".sdw-pane-label")[i]?.replaceChildren(
        make("strong", {}, (two ? `${"AB"[i]}: ` : "") + labelOf(tile)),
        make("div", { dir: "auto" }, tile.prompt),
        make("div", { className: "sdw-quiet" }, receipt),
      );
    }
    splitRange.hidden = state.view !== "split";
    setSplit(Number(splitRange.value));
    dialogHead.replaceChildren(
      make("strong", {}, two ? "Compared" : "Enlarged"),
      make("span", { className: "sdw-spring" }),
      ...(two
        ? [make("button", { className: "sdw-button", onclick: () => flip() }, state.view === "split" ? "Side by side" : "Split")]
        : [button("Previous cell", icon("back"), () => walk(-1, 0)), button("Next cell", icon("on"), () => walk(1, 0))]),
      make("button", { className: "sdw-button", onclick: () => shut() }, "Close"),
    );
  }

  function flip() {
    if (state.panes.length !== 2) return;
    state.view = state.view === "split" ? "side" : "split";
    const had = dialogHead.contains(document.activeElement);
    drawDialog();
    if (had) part(dialogHead, "button").focus();
  }

  /** @param {number} share percent from the left */
  function setSplit(share) {
    splitRange.value = String(Math.max(0, Math.min(100, share)));
    theatre.style.setProperty("--sdw-split", `${splitRange.value}%`);
    splitRange.setAttribute("aria-valuetext", `${Math.round(Number(splitRange.value))} % from the left`);
  }

  splitRange.addEventListener("input", () => setSplit(Number(splitRange.value)));
  /** @param {PointerEvent} event */
  const drag = (event) => {
    if (state.view !== "split" || (event.type === "pointermove" && !event.buttons)) return;
    if (event.target instanceof Element && event.target.closest(".sdw-pane-label")) return;
    const box = theatre.getBoundingClientRect();
    setSplit((100 * (event.clientX - box.left)) / box.width);
    event.preventDefault();
  };
  theatre.addEventListener("pointerdown", (event) => {
    if (state.view === "split") theatre.setPointerCapture(event.pointerId);
    drag(event);
  });
  theatre.addEventListener("pointermove", drag);
  // The browser tells of the end of a dialog a moment later; keys pressed meanwhile must find the wall in order already.
  function shut() {
    if (!state.view) return;
    const [first] = state.panes;
    for (const tile of state.panes) move(tile.video, tile.media, tile.media.firstChild);
    move(bar, top, top.firstChild);
    top.style.minHeight = "";
    state.panes = [];
    state.view = null;
    state.chosen = [];
    drawChosen();
    drive();
    dialog.close();
    first?.figure.focus({ preventScroll: true });
  }
  dialog.addEventListener("close", shut);
  for (const box of [dialog, help]) {
    box.addEventListener("click", (event) => {
      if (event.target === box) box.close(); // beside it
    });
  }

  /**
   * To the next cell in this direction, as they lie on the screen.
   * @param {number} right
   * @param {number} down
   */
  function walk(right, down) {
    const { current } = state;
    if (!current) return;
    const others = shown.filter((tile) => tile !== current && (!state.view || tile.video));
    const found = nearest(current.figure.getBoundingClientRect(), others.map(({ figure }) => figure.getBoundingClientRect()), right, down);
    // At the end of a line, on to the next one, as when reading.
    const order = shown.filter((tile) => !state.view || tile.video);
    const next = others[found] ?? (right ? order[order.indexOf(current) + right] : null);
    if (!next) return;
    if (state.view) open([next]);
    else {
      setCurrent(next);
      next.figure.focus();
    }
  }

  // -- transport -------------------------------------------------------------------------------------------------------

  let saidAt = 0;
  /** @type {boolean | null} */
  let wasPlaying = null;

  function show() {
    const { at, total, playing } = transport;
    if (scrub.max !== String(total)) scrub.max = String(total);
    if (!scrubbing) scrub.value = String(at);
    const text = `${at.toFixed(2)} / ${total.toFixed(2)} s`;
    if (time.textContent !== text) time.textContent = text;
    const now = performance.now();
    if (now - saidAt > 250 || !playing) {
      saidAt = now;
      scrub.setAttribute("aria-valuetext", `${at.toFixed(1)} of ${total.toFixed(1)} seconds`);
    }
    loopButton.setAttribute("aria-pressed", String(transport.loop));
    speedMenu.value = String(transport.speed);
    mappingMenu.value = transport.mapping;
    if (playing !== wasPlaying) {
      wasPlaying = playing;
      playButton.replaceChildren(icon(playing ? "pause" : "play"));
      playButton.setAttribute("aria-label", playing ? "Pause" : "Play");
      playButton.title = playing ? "Pause" : "Play";
      root.classList.toggle("sdw-playing", playing);
      if (!playing) drawFilmSoon();
    }
  }

  let scrubbing = false;
  scrub.addEventListener("input", () => {
    scrubbing = true;
    transport.seek(Number(scrub.value));
  });
  scrub.addEventListener("change", () => {
    scrubbing = false;
  });

  const fps = () => Number(state.current?.figure.dataset.fps) || 24;
  /** @param {1 | -1} direction */
  const step = (direction) => transport.step(direction, fps());
  /** @param {1 | -1} by */
  const faster = (by) => {
    const speed = SPEEDS[SPEEDS.indexOf(transport.speed) + by];
    if (speed) transport.setSpeed(speed);
    say.textContent = `speed ${transport.speed}`;
  };

  // The filmstrip: pictures of the current clip, drawn by a player of its own while nothing else plays.
  /** @type {Map<Tile, HTMLCanvasElement>} */
  const strips = new Map();
  const soon = later(700, () => drawFilm());

  const isBusy = () => transport.playing && !state.view; // many players need the decoder more
  const showFilm = () => {
    const strip = state.current && strips.get(state.current);
    const context = film.getContext("2d");
    context?.clearRect(0, 0, film.width, film.height);
    if (strip) context?.drawImage(strip, 0, 0);
    film.dataset.of = strip ? String(state.current?.number) : "";
    return Boolean(strip);
  };

  function drawFilmSoon() {
    soon.stop();
    if (!showFilm()) soon.start();
  }

  async function drawFilm() {
    const tile = state.current;
    if (!root.isConnected || isBusy() || !tile?.video) return;
    const strip = await filmOf(tile.video).catch(() => null);
    if (strip) strips.set(tile, strip);
    if (strip && state.current === tile) showFilm();
  }

  /** @param {HTMLVideoElement} video */
  async function filmOf(video) {
    const strip = make("canvas", { width: film.width, height: film.height });
    const context = strip.getContext("2d");
    const probe = make("video", { muted: true, preload: "auto", src: video.currentSrc || video.src });
    const arrived = (/** @type {"loadeddata" | "seeked"} */ event) =>
      new Promise((resolve, reject) => {
        probe.addEventListener(event, resolve, { once: true });
        setTimeout(reject, 5000);
      });
    try {
      if (probe.readyState < 2) await arrived("loadeddata");
      const width = strip.width / STRIP;
      for (let i = 0; i < STRIP; i++) {
        if (isBusy() || !root.isConnected) return null;
        const seeked = arrived("seeked");
        probe.currentTime = Math.min(probe.duration - 0.01, ((i + 0.5) * probe.duration) / STRIP);
        await seeked;
        const scale = Math.max(width / probe.videoWidth, strip.height / probe.videoHeight);
        const [w, h] = [width / scale, strip.height / scale];
        context?.drawImage(probe, (probe.videoWidth - w) / 2, (probe.videoHeight - h) / 2, w, h, i * width, 0, width, strip.height);
      }
      return strip;
    } finally {
      probe.removeAttribute("src");
      probe.load();
    }
  }

  // -- keys ------------------------------------------------------------------------------------------------------------

  /**
   * Whether the key was ours.
   * @param {KeyboardEvent} event
   */
  function press(event) {
    const { key, target } = event;
    if (!(target instanceof Element)) return false;
    if (event.ctrlKey || event.metaKey || event.altKey || (key === "Enter" && event.shiftKey)) return false; // the notebook's
    const range = target.matches("input[type=range]");
    const typed = target.matches("select, textarea, input:not([type=range], [type=checkbox])");
    if (key === "Escape") return escape();
    if (typed) return false;
    if ((key === " " || key === "Enter") && target.closest("button, summary, a, input:not([type=range])")) return false;
    if (target.matches("[role=tab]") && (key === "ArrowLeft" || key === "ArrowRight")) return turnPage(key === "ArrowRight" ? 1 : -1);
    const sideways = key === "ArrowLeft" ? -1 : key === "ArrowRight" ? 1 : 0;
    const upright = key === "ArrowUp" ? -1 : key === "ArrowDown" ? 1 : 0;
    if (sideways && event.shiftKey) transport.seek(transport.at + sideways);
    else if (sideways && target === scrub) step(sideways);
    else if (sideways && state.view === "split") setSplit(Number(splitRange.value) + 2 * sideways);
    else if (range && (sideways || upright)) return false;
    else if (sideways || upright) {
      if (state.view === null || state.view === "one") walk(sideways, upright);
    } else if (key === " " || key === "k") transport.toggle();
    else if (key === ",") step(-1);
    else if (key === ".") step(1);
    else if (key === "[") faster(-1);
    else if (key === "]") faster(1);
    else if (key === "l") transport.setLoop(!transport.loop);
    else if (key === "m") setMuted(!state.muted);
    else if (key === "f") transport.setMapping(transport.mapping === "seconds" ? "fraction" : "seconds");
    else if (key === "Enter") open([state.current]);
    else if (key === "x") {
      if (!state.view) choose(state.current);
    } else if (key === "s") flip();
    else if (key === "?") help.showModal();
    else return false;
    return true;
  }

  function escape() {
    if (help.open) help.close();
    else if (state.view) shut();
    else if (menu.open) {
      menu.open = false;
      part(menu, "summary").focus();
    } else if (state.chosen.length) {
      state.chosen = [];
      drawChosen();
    } else if (state.filter) clearFilter();
    else return false;
    return true;
  }

  /** @param {1 | -1} by */
  function turnPage(by) {
    const all = [...parts(tabs, "button")];
    all[(all.findIndex((tab) => tab.getAttribute("aria-selected") === "true") + by + all.length) % all.length]?.click();
    part(tabs, '[aria-selected="true"]').focus();
    return true;
  }

  root.addEventListener("keydown", (event) => {
    const mine = press(event);
    if (mine) event.preventDefault();
    // What lies around or behind must not see our keys, nor any while a dialog is open.
    if (mine || dialog.open || help.open) event.stopPropagation();
  });

  // -- put together ----------------------------------------------------------------------------------------------------

  const top = make(
    "div",
    { className: "sdw-top" },
    bar,
    make("div", { className: "sdw-second" }, facts.axes.length ? menu : null, sorts.length ? sortMenu : null, chip),
    tabs,
  );
  root.setAttribute("role", "region");
  root.setAttribute("aria-label", heading);
  drawMenu();
  stage.before(top);
  root.append(park, dialog, help, say);
  const lengths = () => {
    const known = tiles.map((tile) => tile.video?.duration ?? NaN).filter(Number.isFinite);
    mappingMenu.hidden = known.length < 2 || Math.max(...known) - Math.min(...known) < 0.1;
    show();
  };
  for (const tile of tiles) tile.video?.addEventListener("loadedmetadata", lengths);
  bar.hidden = !tiles.some((tile) => tile.video);
  root.classList.add("sdw-on");
  setMuted(true);
  setCurrent(state.current);
  layOut();
  lengths();
  drawFilmSoon();
}

/** @type {Root | null | undefined} */
const own = document.currentScript?.closest(".sdw") ?? /** @type {Window & { seedanceStage?: Element }} */
  (window).seedanceStage?.querySelector(".sdw");
if (own) wire(own);
for (const root of parts(document, ".sdw")) wire(root);
