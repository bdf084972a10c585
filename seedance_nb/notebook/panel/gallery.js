// The gallery: tiles, filters and one open clip. It asks for what comes into sight and keeps nothing it does not show.
// Every text goes through textContent; the only HTML that is parsed is the wall.

import { copyText, focusedBeside, later, listen, make, offer, say } from "../../pages/kit.js";
import { raise } from "../../pages/raise.js";
/** @import { Buffers, Model } from "../../pages/kit.js" */

/**
 * @typedef {{
 *   key: string, prompt: string, take: number, words: string, settings: string, status: string, has_video: boolean, has_poster: boolean,
 *   starred: boolean,
 * }} Tile
 */
/**
 * The open clip: `facts` are names and what stands beside them, the last is the request's id; `new_take` and `retry` are what the
 * buttons say.
 * @typedef {Tile & {
 *   facts: [name: string, text: string][], new_take: string, next_take: number, retry: string,
 *   request_id: string | null, error: string, save_as: string, noted: string,
 * }} Facts
 */
/** @typedef {{ kind: "page", serial: number, offset: number, tiles: Tile[], more: boolean, facets?: Record<string, string[]> }} Page */
/** @typedef {{ kind: "clip", key: string, mime: string, hover: boolean, note: string }} Clip */
/**
 * @typedef {{ view: string } & (
 *   Page | Clip | { kind: "posters", keys: string[] } | { kind: "open", tile: Facts } | { kind: "wall", html: string, code: string } |
 *   { kind: "saved" | "referred", text: string } | { kind: "frames", key: string, moments: (number | null)[] } | { kind: "trouble", control: string, key?: string, text: string }
 * )} Answer
 */
/** @typedef {Answer | { kind: "changed", show: string | null }} Message */

const HOVER_DELAY = 150; // ms a pointer must rest on a tile before its clip is fetched
const CLIPS_KEPT = 12; // fetched clips kept for a second look
// ms until an answer that did not come is spoken of. A page that asks its kernel for widgets while one is opened (Run All on a page that
// is just opening) loses what the kernel tells that one, for good.
const PATIENCE = 15_000;
const UNANSWERED =
  "The kernel has not answered yet. If nothing runs in it, run this cell again: the clips are safe, and nothing is bought by that.";
const OTHER_STATUSES = ["failed", "cancelled", "rejected", "unknown", "queued", "processing"];

export default {
  /** @param {{ model: Model<{}, Message>, el: HTMLElement }} widget */
  render({ model, el }) {
    const me = Math.random().toString(36).slice(2); // two views of one gallery are answered apart
    const ui = build(el);
    /** @type {Map<string, ReturnType<typeof makeTile> & { tile: Tile }>} */
    const tiles = new Map(); // by key
    /** @type {Map<string, string>} */
    const posters = new Map(); // key -> URL
    /** @type {Map<string, string>} */
    const clips = new Map(); // key -> URL, least recently used first
    const still = matchMedia("(prefers-reduced-motion: reduce)");
    let serial = 0; // counts the filters chosen
    let shownSerial = 0;
    let more = false;
    let loading = false;
    /** @type {Facts | null} */
    let open = null; // the open clip
    let opening = ""; // the key that was asked for
    let auto = false; // whether the open clip opened by itself
    let hovered = ""; // the key of the tile under the pointer or the focus
    /** @type {Set<string>} */
    let wanted = new Set();
    let picking = false; // whether a click on a tile chooses it instead of opening it
    /** @type {Set<string>} */
    const chosen = new Set(); // keys, in the order in which they were chosen
    /** @type {string[]} */
    const frames = []; // URLs of the strip of frames
    let code = ""; // what asks for the compared clips again

    /**
     * @param {string} kind
     * @param {Record<string, unknown>} [more]
     */
    const ask = (kind, more = {}) => model.send({ kind, view: me, ...more });

    const filter = () => ({
      text: ui.search.value.trim(),
      status: ui.status.value,
      model: ui.model.value,
      day: ui.day.value,
      marked: ui.marked.value,
      notebook: ui.notebook.value,
    });

    // Pages ----------------------------------------------------------------------------------------

    const restart = () => {
      serial += 1;
      loading = true;
      unanswered.start();
      ask("page", { serial, offset: 0, filter: filter() });
    };

    const unanswered = later(PATIENCE, () => {
      ui.empty.hidden = false;
      say(ui.empty, UNANSWERED);
    });

    const next = () => {
      if (loading || !more) return;
      loading = true;
      ask("page", { serial, offset: tiles.size, filter: filter() });
    };

    const refresh = () => ask("page", { serial, offset: 0, filter: filter() });

    /** @param {Page} message */
    const receivePage = (message) => {
      if (message.serial !== serial) return; // the filter has changed since
      if (message.offset === 0) drawFacets(message.facets || {});
      if (shownSerial !== serial) clear();
      const known = shownSerial === serial && message.offset === 0 && tiles.size > 0;
      shownSerial = serial;
      const made = message.tiles.map((tile) => place(tile)).filter((node) => node.parentNode !== ui.grid);
      if (known) ui.grid.prepend(...made); // what is new comes first, the rest keeps its place
      else {
        ui.grid.append(...made);
        more = message.more;
      }
      loading = false;
      say(ui.empty, "No clips here yet.");
      ui.empty.hidden = tiles.size > 0;
      rove();
      watchEnd();
    };

    const clear = () => {
      for (const { node } of tiles.values()) sight.unobserve(node);
      tiles.clear();
      ui.grid.replaceChildren();
    };

    /** @param {Tile} tile */
    const place = (tile) => {
      const parts = tiles.get(tile.key) ?? makeTile(tile.key);
      const { node, prompt, words } = parts;
      tiles.set(tile.key, { ...parts, tile });
      const name = `${tile.prompt} · take ${tile.take} · ${tile.words}`;
      node.title = `${name}\n${tile.settings}`;
      mark(node, tile);
      node.dataset.state = tile.status;
      say(prompt, tile.prompt);
      const known = [tile.starred ? "★" : "", tile.take > 1 ? `take ${tile.take}` : ""].filter(Boolean).join(" ");
      say(words, tile.has_video ? known : tile.words);
      if (tile.has_poster && !posters.has(tile.key)) sight.observe(node);
      return node;
    };

    /** @param {string} key */
    const makeTile = (key) => {
      const stage = make("span", "seedance-tile-stage");
      const prompt = make("span", "seedance-tile-prompt");
      const words = make("span", "seedance-tile-words seedance-quiet");
      const node = make("button", { className: "seedance-tile", tabIndex: -1 }, stage, prompt, words);
      node.dataset.key = key;
      node.addEventListener("click", () => {
        if (picking) {
          choose(key);
          return;
        }
        auto = false;
        show(key);
      });
      node.addEventListener("pointerenter", () => hover(key));
      node.addEventListener("pointerleave", unhover);
      node.addEventListener("focus", () => hover(key));
      node.addEventListener("blur", unhover);
      return { node, stage, prompt, words };
    };

    // Posters, for tiles that come into sight, many at once ------------------------------------------

    const sight = new IntersectionObserver(
      (entries) => {
        for (const entry of entries) {
          const key = entry.target.getAttribute("data-key") ?? "";
          if (!entry.isIntersecting || posters.has(key)) continue;
          sight.unobserve(entry.target);
          wanted.add(key);
        }
        if (wanted.size) askForPosters.start();
      },
      { root: ui.scroll, rootMargin: "120px" },
    );

    const askForPosters = later(40, () => {
      ask("posters", { keys: [...wanted] });
      wanted = new Set();
    });

    /**
     * @param {string[]} keys
     * @param {Buffers} buffers
     */
    const receivePosters = (keys, buffers) => {
      keys.forEach((key, index) => {
        const buffer = buffers[index];
        if (posters.has(key) || !buffer) return;
        const src = URL.createObjectURL(new Blob([buffer], { type: "image/jpeg" }));
        posters.set(key, src);
        tiles.get(key)?.stage.prepend(make("img", { src, alt: "", draggable: false })); // the tile's name says what it is
      });
    };

    const end = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && next(), {
      root: ui.scroll,
    });
    const watchEnd = () => {
      end.disconnect(); // observing anew asks again, also when the end never left the sight
      if (more) end.observe(ui.end);
    };

    // Playing under the pointer or the focus ---------------------------------------------------------

    /** @param {string} key */
    const hover = (key) => {
      unhover();
      if (still.matches || !tiles.get(key)?.tile.has_video) return;
      hovered = key;
      rest.start();
    };

    const rest = later(HOVER_DELAY, () => {
      if (clips.has(hovered)) playInTile(hovered);
      else ask("clip", { key: hovered, hover: true });
    });

    const unhover = () => {
      rest.stop();
      tiles.get(hovered)?.node.querySelector("video")?.remove();
      hovered = "";
    };

    /** @param {string} key */
    const playInTile = (key) => {
      const stage = tiles.get(key)?.stage;
      if (hovered !== key || !stage || stage.querySelector("video")) return;
      const video = makeVideo(key);
      video.tabIndex = -1;
      video.autoplay = true;
      stage.append(video);
    };

    /** @param {string} key */
    const makeVideo = (key) => make("video", { muted: true, loop: true, playsInline: true, src: clips.get(key) ?? "" });

    /**
     * @param {Clip} message
     * @param {Buffers} buffers
     */
    const receiveClip = (message, buffers) => {
      const key = message.key;
      if (!clips.has(key)) clips.set(key, URL.createObjectURL(new Blob(buffers, { type: message.mime })));
      for (const [old, url] of clips) {
        if (clips.size <= CLIPS_KEPT) break;
        if (old === key || old === open?.key) continue;
        URL.revokeObjectURL(url);
        clips.delete(old);
      }
      if (message.hover) playInTile(key);
      if (open?.key === key) stage(open, message.note);
    };

    // One clip, large --------------------------------------------------------------------------------

    /** @param {string} key */
    const show = (key) => {
      opening = key;
      ask("open", { key });
    };

    // What opened by itself makes room for the next one, but not while somebody is watching it.
    const isWatched = () => ui.stage.querySelector("video")?.paused === false;

    /** @param {Facts} tile */
    const receiveFacts = (tile) => {
      if (opening !== tile.key && open?.key !== tile.key) return;
      const another = open?.key !== tile.key;
      const known = tiles.get(tile.key)?.tile;
      if (known) place({ ...tile, prompt: known.prompt }); // its star may have changed
      if (another && auto && isWatched()) {
        opening = ""; // play was pressed after this one was asked for
        return;
      }
      if (opening === tile.key) opening = ""; // news of the open one must not forget the one that was asked for
      open = tile;
      ui.viewer.hidden = false;
      ui.viewer.setAttribute("aria-label", `Open clip: ${tile.prompt.slice(0, 120)}`);
      say(ui.prompt, tile.prompt);
      ui.facts.replaceChildren(
        ...tile.facts.flatMap(([name, text]) => [make("dt", "seedance-quiet", name), make("dd", "", text)]),
      );
      say(ui.takeButton, tile.new_take);
      ui.retryButton.hidden = !tile.retry;
      say(ui.retryButton, tile.retry || "");
      ui.saveButton.hidden = ui.referButton.hidden = !tile.has_video;
      ui.idButton.hidden = !tile.request_id;
      ui.takeButton.disabled = ui.retryButton.disabled = false;
      ui.starButton.disabled = ui.noteButton.disabled = false;
      ui.starButton.setAttribute("aria-pressed", String(tile.starred));
      say(ui.starButton, tile.starred ? "★ Starred" : "☆ Star");
      if (focusedBeside(ui.note) !== ui.note) ui.note.value = tile.noted;
      if (!another) return;
      complain(tile.error || "");
      ui.saveRow.hidden = ui.referRow.hidden = true;
      ui.referButton.setAttribute("aria-expanded", "false");
      ui.path.value = tile.save_as;
      ui.stage.replaceChildren();
      if (!tile.has_video) return;
      if (clips.has(tile.key)) stage(tile, "");
      else ask("clip", { key: tile.key });
    };

    /**
     * @param {Facts} tile
     * @param {string} note
     */
    const stage = (tile, note) => {
      const video = makeVideo(tile.key);
      video.controls = true;
      video.autoplay = !auto && !still.matches; // what opened by itself waits to be played
      video.setAttribute("aria-label", `Video: ${tile.prompt.slice(0, 120)}`);
      ui.stage.replaceChildren(video, ...(note ? [make("p", "seedance-quiet", note)] : []));
    };

    // The clip itself, or a frame of it, goes into the form as a reference.
    const refer = () => {
      if (!open) return;
      ui.referRow.hidden = !ui.referRow.hidden;
      ui.referButton.setAttribute("aria-expanded", String(!ui.referRow.hidden));
      if (ui.referRow.hidden) return;
      ui.frames.replaceChildren(make("span", "seedance-quiet", "Looking into the clip…"));
      ask("frames", { key: open.key });
    };

    /**
     * @param {{ key: string, moments: (number | null)[] }} message
     * @param {Buffers} buffers
     */
    const receiveFrames = ({ key, moments }, buffers) => {
      if (open?.key !== key) return;
      for (const url of frames.splice(0)) URL.revokeObjectURL(url);
      ui.frames.replaceChildren(...moments.map((moment, index) => {
        const buffer = buffers[index];
        const src = buffer ? URL.createObjectURL(new Blob([buffer], { type: "image/jpeg" })) : "";
        frames.push(src);
        const words = moment === null ? "last" : `${moment.toFixed(1)} s`;
        const of = moment === null ? "the last frame" : `the frame at ${words}`;
        const facts = { className: "seedance-frame-button", "aria-label": `Use ${of} as first frame`, title: `Use ${of} as first frame` };
        const button = make("button", facts, make("img", { src, alt: "" }), make("span", "", words));
        button.addEventListener("click", () => ask("reference", { key, moment }));
        return button;
      }));
    };

    const close = () => {
      const back = open && tiles.get(open.key)?.node;
      [open, opening] = [null, ""];
      ui.stage.replaceChildren();
      ui.viewer.hidden = true;
      (back || ui.search).focus();
    };

    // Several side by side ---------------------------------------------------------------------------

    /**
     * @param {HTMLElement} node
     * @param {Tile} tile
     */
    const mark = (node, tile) => {
      const name = `${tile.prompt} · take ${tile.take} · ${tile.words}`;
      node.setAttribute("aria-label", `${picking ? "Choose" : "Open"} ${name}`);
      node.classList.toggle("seedance-chosen", picking && chosen.has(tile.key));
      if (picking) node.setAttribute("aria-pressed", String(chosen.has(tile.key)));
      else node.removeAttribute("aria-pressed");
    };

    const drawPicking = () => {
      for (const { node, tile } of tiles.values()) mark(node, tile);
      ui.pickButton.setAttribute("aria-pressed", String(picking));
      ui.compareButton.hidden = !picking;
      ui.compareButton.disabled = chosen.size < 2;
      say(ui.compareButton, chosen.size < 2 ? "Compare selected" : `Compare selected (${chosen.size})`);
    };

    /** @param {boolean} on */
    const pick = (on) => {
      picking = on;
      chosen.clear();
      say(ui.pickSays, on ? "Choose the clips to compare." : "");
      drawPicking();
    };

    /** @param {string} key */
    const choose = (key) => {
      if (!tiles.get(key)?.tile.has_video) return;
      if (!chosen.delete(key)) chosen.add(key);
      say(ui.pickSays, "");
      drawPicking();
    };

    /** @param {{ html: string, code: string }} message */
    const receiveWall = (message) => {
      pick(false);
      code = message.code;
      ui.compare.hidden = false;
      raise(ui.wall, message.html);
      ui.uncompareButton.focus({ preventScroll: true });
      ui.compare.scrollIntoView({ block: "nearest" });
    };

    const uncompare = () => {
      ui.wall.replaceChildren();
      ui.compare.hidden = true;
      ui.pickButton.focus();
    };

    /**
     * @param {string} text
     * @param {boolean} [wrong]
     */
    const complain = (text, wrong = true) => {
      say(ui.trouble, text);
      ui.trouble.classList.toggle("seedance-wrong", wrong && Boolean(text));
    };

    /**
     * @param {HTMLButtonElement} button
     * @param {"new_take" | "retry" | "save" | "star" | "note"} kind
     * @param {Record<string, unknown>} [more]
     */
    const act = (button, kind, more = {}) => {
      if (!open) return;
      button.disabled = true; // before anything else; the answer brings it back
      complain("");
      ask(kind, { key: open.key, ...more });
    };

    // Keys: one stop for Tab, arrows between the tiles -------------------------------------------------

    const nodes = () => /** @type {HTMLButtonElement[]} */ ([...ui.grid.children]);

    const rove = () => {
      if (![...tiles.values()].some(({ node }) => node.tabIndex === 0)) {
        const [first] = nodes();
        if (first) first.tabIndex = 0;
      }
    };

    /** @param {KeyboardEvent} event */
    const move = (event) => {
      const all = nodes();
      const from = all.find((node) => node === focusedBeside(node));
      if (!from) return;
      const columns = all.findIndex((node) => node.offsetTop > (all[0]?.offsetTop ?? 0));
      const to = all[destination(event.key, all.indexOf(from), all.length, columns > 0 ? columns : all.length)];
      if (!to) return;
      event.preventDefault();
      event.stopPropagation();
      from.tabIndex = -1;
      to.tabIndex = 0;
      to.focus();
    };

    // Wiring -------------------------------------------------------------------------------------------

    /**
     * @param {Message} message
     * @param {Buffers} buffers
     */
    const receive = (message, buffers) => {
      if (message.kind === "changed") {
        refresh();
        if (message.show && (!open || (auto && !isWatched()))) {
          auto = true; // what somebody opened stays open
          show(message.show);
        } else if (open) ask("open", { key: open.key, quiet: true });
        return;
      }
      if (message.view !== me) return;
      unanswered.stop();
      if (message.kind === "page") receivePage(message);
      else if (message.kind === "posters") receivePosters(message.keys, buffers);
      else if (message.kind === "clip") receiveClip(message, buffers);
      else if (message.kind === "open") receiveFacts(message.tile);
      else if (message.kind === "wall") receiveWall(message);
      else if (message.kind === "frames") receiveFrames(message, buffers);
      else if (message.kind === "referred") complain(message.text, false);
      else if (message.kind === "trouble" && message.control === "compare") {
        drawPicking();
        say(ui.pickSays, message.text);
      } else if (message.kind === "saved") {
        ui.confirm.disabled = false;
        ui.saveRow.hidden = true;
        complain(message.text, false);
        ui.saveButton.focus();
      } else if (message.kind === "trouble" && !(message.control === "clip" && message.key !== open?.key)) {
        for (const button of [ui.takeButton, ui.retryButton, ui.editButton, ui.confirm, ui.starButton, ui.noteButton]) {
          button.disabled = false;
        }
        if (message.control === "page") loading = false;
        if (open) complain(message.text);
        else {
          ui.empty.hidden = false;
          say(ui.empty, message.text);
        }
      }
    };

    /** @param {Record<string, string[]>} facets */
    const drawFacets = (facets) => {
      for (const name of /** @type {const} */ (["model", "day", "notebook"])) {
        const select = ui[name];
        const values = facets[name] ?? [];
        const before = select.value;
        if (!offer(select, [["", `any ${name}`], ...asOptions(values)])) continue;
        select.value = values.includes(before) ? before : "";
        if (select.parentElement) select.parentElement.hidden = values.length < 2 && !select.value;
      }
    };

    offer(ui.status, [["", "any status"], ["succeeded", "done"], ...asOptions(OTHER_STATUSES)]);
    ui.status.value = "succeeded";
    const search = later(200, restart);
    ui.search.addEventListener("input", search.start);
    offer(ui.marked, [["", "all"], ["starred", "★ starred"], ["noted", "with a note"]]);
    ui.starButton.addEventListener("click", () => act(ui.starButton, "star", { starred: !open?.starred }));
    ui.noteButton.addEventListener("click", () => act(ui.noteButton, "note", { text: ui.note.value }));
    ui.note.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.ctrlKey) return;
      event.preventDefault();
      act(ui.noteButton, "note", { text: ui.note.value });
    });
    for (const select of [ui.status, ui.model, ui.day, ui.notebook, ui.marked]) select.addEventListener("change", restart);
    ui.grid.addEventListener("keydown", move);
    ui.takeButton.addEventListener("click", () => act(ui.takeButton, "new_take", { take: open?.next_take }));
    ui.retryButton.addEventListener("click", () => act(ui.retryButton, "retry"));
    ui.editButton.addEventListener("click", () => {
      complain("");
      if (open) ask("edit", { key: open.key });
    });
    ui.saveButton.addEventListener("click", () => {
      ui.saveRow.hidden = !ui.saveRow.hidden;
      if (!ui.saveRow.hidden) ui.path.select();
    });
    ui.referButton.addEventListener("click", refer);
    ui.wholeButton.addEventListener("click", () => open && ask("reference", { key: open.key, moment: "all" }));
    ui.confirm.addEventListener("click", () => act(ui.confirm, "save", { path: ui.path.value }));
    ui.path.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.ctrlKey) return;
      event.preventDefault();
      act(ui.confirm, "save", { path: ui.path.value });
    });
    ui.idButton.addEventListener("click", async () => {
      const fact = ui.facts.lastElementChild; // the id
      if (!open?.request_id || !fact) return;
      complain((await copyText(open.request_id, fact)) ? "Request id copied" : "Selected: press Ctrl+C", false);
    });
    ui.closeButton.addEventListener("click", close);
    ui.pickButton.addEventListener("click", () => pick(!picking));
    ui.compareButton.addEventListener("click", () => {
      ui.compareButton.disabled = true; // the answer brings it back
      say(ui.pickSays, "Putting them side by side…");
      ask("compare", { keys: [...chosen] });
    });
    ui.uncompareButton.addEventListener("click", uncompare);
    ui.codeButton.addEventListener("click", async () => {
      ui.code.textContent = code;
      ui.code.hidden = false;
      say(ui.codeButton, (await copyText(code, ui.code)) ? "Copied" : "Selected: press Ctrl+C");
    });
    ui.viewer.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.target === ui.path || event.target === ui.note) return;
      event.stopPropagation();
      close();
    });
    const stopListening = listen(model, { "msg:custom": receive });
    restart();

    return () => {
      for (const waiting of [askForPosters, rest, search, unanswered]) waiting.stop();
      sight.disconnect();
      end.disconnect();
      stopListening();
      for (const url of [...posters.values(), ...clips.values(), ...frames]) URL.revokeObjectURL(url);
    };
  },
};

/** @param {HTMLElement} el */
function build(el) {
  el.classList.add("seedance-gallery");
  /** @param {string} text */
  const button = (text) => make("button", "seedance-button", text);
  const ui = {
    search: make("input", "seedance-input"),
    status: make("select", "seedance-input"),
    model: make("select", "seedance-input"),
    day: make("select", "seedance-input"),
    notebook: make("select", "seedance-input"),
    marked: make("select", "seedance-input"),
    scroll: make("div", "seedance-scroll"),
    grid: make("div", "seedance-grid"),
    end: make("div", "seedance-end"),
    empty: make("p", "seedance-quiet seedance-empty", "No clips here yet."),
    viewer: make("section", "seedance-viewer"),
    stage: make("div", "seedance-big"),
    prompt: make("p", "seedance-viewer-prompt"),
    facts: make("dl", "seedance-facts-list"),
    takeButton: button("New take"),
    retryButton: button("Retry"),
    editButton: button("Edit as new"),
    saveButton: button("Save as…"),
    referButton: button("Use as reference…"),
    referRow: make("div", "seedance-refer"),
    wholeButton: button("Use the whole clip"),
    frames: make("div", "seedance-frames"),
    idButton: button("Copy request id"),
    closeButton: button("Close"),
    saveRow: make("div", "seedance-row"),
    path: make("input", "seedance-input seedance-path"),
    starButton: button("☆ Star"),
    noteRow: make("div", "seedance-row"),
    note: make("input", "seedance-input seedance-path"),
    noteButton: button("Keep note"),
    confirm: button("Save"),
    trouble: make("p", "seedance-trouble"),
    pickButton: button("Select…"),
    compareButton: button("Compare selected"),
    pickSays: make("span", "seedance-quiet"),
    compare: make("section", "seedance-compare"),
    wall: make("div"),
    codeButton: button("Copy as Python"),
    uncompareButton: button("Close comparison"),
    code: make("pre", "seedance-compare-code"),
  };
  ui.search.type = "search";
  ui.search.placeholder = "words or a request id";
  const bar = make("div", "seedance-filters");
  const filters = {
    "Find clips": ui.search,
    Status: ui.status,
    Marked: ui.marked,
    "Made with": ui.model,
    Day: ui.day,
    Notebook: ui.notebook,
  };
  for (const [name, control] of Object.entries(filters)) {
    bar.append(make("label", "seedance-filter", make("span", "seedance-quiet", name), control));
  }
  const picks = make("div", "seedance-row seedance-picks");
  picks.append(ui.pickButton, ui.compareButton, ui.pickSays);
  ui.pickSays.setAttribute("aria-live", "polite"); // no role: the panel has its own status line
  ui.pickButton.setAttribute("aria-pressed", "false");
  ui.compare.setAttribute("aria-label", "Clips side by side");
  const after = make("div", "seedance-row");
  after.append(ui.codeButton, ui.uncompareButton);
  ui.compare.append(ui.wall, after, ui.code);
  ui.compare.hidden = ui.compareButton.hidden = ui.code.hidden = true;
  ui.code.tabIndex = 0;
  ui.grid.setAttribute("role", "group");
  ui.grid.setAttribute("aria-label", "Clips");
  ui.empty.hidden = true;
  ui.viewer.hidden = ui.saveRow.hidden = ui.retryButton.hidden = true;
  ui.prompt.dir = "auto";
  ui.path.setAttribute("aria-label", "Save to");
  ui.note.setAttribute("aria-label", "Note");
  ui.note.placeholder = "what you think of it";
  ui.note.maxLength = 2000;
  ui.noteRow.append(ui.note, ui.noteButton);
  ui.saveRow.append(ui.path, ui.confirm);
  const actions = make("div", "seedance-row");
  actions.append(ui.retryButton, ui.takeButton, ui.editButton, ui.starButton, ui.referButton, ui.saveButton, ui.idButton, ui.closeButton);
  const text = make("div", "seedance-viewer-text");
  text.append(ui.prompt, ui.facts);
  const upper = make("div", "seedance-viewer-upper");
  upper.append(ui.stage, text);
  ui.referRow.append(make("p", "seedance-quiet", "Use as first frame"), ui.frames, ui.wholeButton);
  ui.referRow.hidden = true;
  ui.frames.setAttribute("role", "group");
  ui.frames.setAttribute("aria-label", "Frames");
  ui.referButton.setAttribute("aria-expanded", "false");
  ui.viewer.append(upper, actions, ui.referRow, ui.noteRow, ui.saveRow, ui.trouble);
  ui.scroll.append(ui.grid, ui.empty, ui.end);
  el.append(ui.viewer, ui.compare, bar, picks, ui.scroll);
  return ui;
}

/**
 * The number of the tile that a key leads to, of `many` in so many columns; NaN for other keys.
 * @param {string} key
 * @param {number} at
 * @param {number} many
 * @param {number} columns
 */
export function destination(key, at, many, columns) {
  if (key === "Home") return 0;
  if (key === "End") return many - 1;
  if (key === "ArrowLeft") return at - 1;
  if (key === "ArrowRight") return at + 1;
  if (key === "ArrowUp") return at - columns;
  if (key === "ArrowDown") return at + columns;
  return NaN;
}

/**
 * Options that say their own values.
 * @param {string[]} values
 * @returns {[value: string, text: string][]}
 */
function asOptions(values) {
  return values.map((value) => [value, value]);
}
