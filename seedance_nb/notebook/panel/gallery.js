// The gallery: tiles, filters and one open clip. It asks for what comes into sight and keeps nothing it does not show.
// Every text goes through textContent; the only HTML that is parsed is the wall.

const HOVER_DELAY = 150; // ms a pointer must rest on a tile before its clip is fetched
const CLIPS_KEPT = 12; // fetched clips kept for a second look
const STATUSES = ["succeeded", "failed", "cancelled", "rejected", "unknown", "queued", "processing"];

export default {
  render({ model, el }) {
    const me = Math.random().toString(36).slice(2); // two views of one gallery are answered apart
    const ui = build(el);
    const tiles = new Map(); // key -> {node, tile}
    const posters = new Map(); // key -> URL
    const clips = new Map(); // key -> URL, least recently used first
    const still = matchMedia("(prefers-reduced-motion: reduce)");
    let serial = 0; // counts the filters chosen
    let shownSerial = 0;
    let more = false;
    let loading = false;
    let open = null; // facts of the open clip
    let opening = null; // the key that was asked for
    let auto = false; // whether the open clip opened by itself
    let hovered = null;
    let wanted = new Set();
    let picking = false; // whether a click on a tile chooses it instead of opening it
    const chosen = new Set(); // keys, in the order in which they were chosen
    let code = ""; // what asks for the compared clips again
    let posterTimer = null;
    let hoverTimer = null;
    let searchTimer = null;

    const ask = (kind, more = {}) => model.send({ kind, view: me, ...more });

    const filter = () => ({
      text: ui.search.value.trim(),
      status: ui.status.value,
      model: ui.model.value,
      day: ui.day.value,
      notebook: ui.notebook.value,
    });

    // Pages ----------------------------------------------------------------------------------------

    const restart = () => {
      serial += 1;
      loading = true;
      ask("page", { serial, offset: 0, filter: filter() });
    };

    const next = () => {
      if (loading || !more) return;
      loading = true;
      ask("page", { serial, offset: tiles.size, filter: filter() });
    };

    const refresh = () => ask("page", { serial, offset: 0, filter: filter() });

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

    const place = (tile) => {
      const known = tiles.get(tile.key);
      const node = known ? known.node : makeTile(tile.key);
      tiles.set(tile.key, { node, tile });
      const name = `${tile.prompt} · take ${tile.take} · ${tile.words}`;
      node.title = `${name}\n${tile.settings}`;
      mark(node, tile);
      node.dataset.state = tile.status;
      say(node.querySelector(".seedance-tile-prompt"), tile.prompt);
      const words = tile.has_video ? (tile.take > 1 ? `take ${tile.take}` : "") : tile.words;
      say(node.querySelector(".seedance-tile-words"), words);
      if (tile.has_poster && !posters.has(tile.key)) sight.observe(node);
      return node;
    };

    const makeTile = (key) => {
      const node = make("button", "seedance-tile");
      node.type = "button";
      node.tabIndex = -1;
      node.dataset.key = key;
      const stage = make("span", "seedance-tile-stage");
      node.append(stage, make("span", "seedance-tile-prompt"), make("span", "seedance-tile-words seedance-quiet"));
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
      return node;
    };

    // Posters, for tiles that come into sight, many at once ------------------------------------------

    const sight = new IntersectionObserver(
      (entries) => {
        for (const entry of entries) {
          const key = entry.target.dataset.key;
          if (!entry.isIntersecting || posters.has(key)) continue;
          sight.unobserve(entry.target);
          wanted.add(key);
        }
        if (!wanted.size) return;
        clearTimeout(posterTimer);
        posterTimer = setTimeout(() => {
          ask("posters", { keys: [...wanted] });
          wanted = new Set();
        }, 40);
      },
      { root: ui.scroll, rootMargin: "120px" },
    );

    const receivePosters = (message, buffers) => {
      message.keys.forEach((key, index) => {
        if (posters.has(key)) return;
        posters.set(key, URL.createObjectURL(new Blob([buffers[index]], { type: "image/jpeg" })));
        const known = tiles.get(key);
        if (!known) return;
        const image = make("img");
        image.src = posters.get(key);
        image.alt = ""; // the tile's name says what it is
        image.draggable = false;
        known.node.querySelector(".seedance-tile-stage").prepend(image);
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

    const hover = (key) => {
      unhover();
      if (still.matches || !tiles.get(key)?.tile.has_video) return;
      hovered = key;
      hoverTimer = setTimeout(() => {
        if (clips.has(key)) playInTile(key);
        else ask("clip", { key, hover: true });
      }, HOVER_DELAY);
    };

    const unhover = () => {
      clearTimeout(hoverTimer);
      const node = tiles.get(hovered)?.node;
      node?.querySelector("video")?.remove();
      hovered = null;
    };

    const playInTile = (key) => {
      const node = tiles.get(key)?.node;
      if (hovered !== key || !node || node.querySelector("video")) return;
      const video = makeVideo(key);
      video.tabIndex = -1;
      video.autoplay = true;
      node.querySelector(".seedance-tile-stage").append(video);
    };

    const makeVideo = (key) => {
      const video = make("video");
      video.muted = video.loop = video.playsInline = true;
      video.src = clips.get(key);
      return video;
    };

    const receiveClip = (message, buffers) => {
      const key = message.key;
      if (!clips.has(key)) clips.set(key, URL.createObjectURL(new Blob(buffers, { type: message.mime })));
      for (const old of clips.keys()) {
        if (clips.size <= CLIPS_KEPT) break;
        if (old === key || old === open?.key) continue;
        URL.revokeObjectURL(clips.get(old));
        clips.delete(old);
      }
      if (message.hover) playInTile(key);
      if (open?.key === key) stage(message.note);
    };

    // One clip, large --------------------------------------------------------------------------------

    const show = (key) => {
      opening = key;
      ask("open", { key });
    };

    // What opened by itself makes room for the next one, but not while somebody is watching it.
    const isWatched = () => ui.stage.querySelector("video")?.paused === false;

    const receiveFacts = ({ tile }) => {
      if (opening !== tile.key && open?.key !== tile.key) return;
      const another = open?.key !== tile.key;
      if (another && auto && isWatched()) {
        opening = null; // play was pressed after this one was asked for
        return;
      }
      if (opening === tile.key) opening = null; // news of the open one must not forget the one that was asked for
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
      ui.saveButton.hidden = !tile.has_video;
      ui.idButton.hidden = !tile.request_id;
      ui.takeButton.disabled = ui.retryButton.disabled = false;
      if (!another) return;
      complain(tile.error || "");
      ui.saveRow.hidden = true;
      ui.path.value = tile.save_as;
      ui.stage.replaceChildren();
      if (!tile.has_video) return;
      if (clips.has(tile.key)) stage("");
      else ask("clip", { key: tile.key });
    };

    const stage = (note) => {
      const video = makeVideo(open.key);
      video.controls = true;
      video.autoplay = !auto && !still.matches; // what opened by itself waits to be played
      video.setAttribute("aria-label", `Video: ${open.prompt.slice(0, 120)}`);
      ui.stage.replaceChildren(video, ...(note ? [make("p", "seedance-quiet", note)] : []));
    };

    const close = () => {
      const back = tiles.get(open?.key)?.node;
      [open, opening] = [null, null];
      ui.stage.replaceChildren();
      ui.viewer.hidden = true;
      (back || ui.search).focus();
    };

    // Several side by side ---------------------------------------------------------------------------

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

    const pick = (on) => {
      picking = on;
      chosen.clear();
      say(ui.pickSays, on ? "Choose the clips to compare." : "");
      drawPicking();
    };

    const choose = (key) => {
      if (!tiles.get(key)?.tile.has_video) return;
      if (!chosen.delete(key)) chosen.add(key);
      say(ui.pickSays, "");
      drawPicking();
    };

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

    const complain = (text, wrong = true) => {
      say(ui.trouble, text);
      ui.trouble.classList.toggle("seedance-wrong", wrong && Boolean(text));
    };

    const act = (button, kind, more = {}) => {
      button.disabled = true; // before anything else; the answer brings it back
      complain("");
      ask(kind, { key: open.key, ...more });
    };

    // Keys: one stop for Tab, arrows between the tiles -------------------------------------------------

    const rove = () => {
      if (![...tiles.values()].some(({ node }) => node.tabIndex === 0)) {
        const first = ui.grid.firstElementChild;
        if (first) first.tabIndex = 0;
      }
    };

    const move = (event) => {
      const all = [...ui.grid.children];
      const at = all.indexOf(document.activeElement);
      if (at < 0) return;
      const columns = all.findIndex((node) => node.offsetTop > all[0].offsetTop);
      const down = columns > 0 ? columns : all.length;
      const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: down, ArrowUp: -down };
      const to = { Home: 0, End: all.length - 1 }[event.key] ?? at + (steps[event.key] ?? NaN);
      if (Number.isNaN(to) || !all[to]) return;
      event.preventDefault();
      event.stopPropagation();
      all[at].tabIndex = -1;
      all[to].tabIndex = 0;
      all[to].focus();
    };

    // Wiring -------------------------------------------------------------------------------------------

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
      if (message.kind === "page") receivePage(message);
      else if (message.kind === "posters") receivePosters(message, buffers);
      else if (message.kind === "clip") receiveClip(message, buffers);
      else if (message.kind === "open") receiveFacts(message);
      else if (message.kind === "wall") receiveWall(message);
      else if (message.kind === "trouble" && message.control === "compare") {
        drawPicking();
        say(ui.pickSays, message.text);
      } else if (message.kind === "saved") {
        ui.confirm.disabled = false;
        ui.saveRow.hidden = true;
        complain(message.text, false);
        ui.saveButton.focus();
      } else if (message.kind === "trouble" && !(message.control === "clip" && message.key !== open?.key)) {
        for (const button of [ui.takeButton, ui.retryButton, ui.editButton, ui.confirm]) button.disabled = false;
        if (message.control === "page") loading = false;
        if (open) complain(message.text);
        else {
          ui.empty.hidden = false;
          say(ui.empty, message.text);
        }
      }
    };

    const drawFacets = (facets) => {
      for (const [name, select, any] of [
        ["model", ui.model, "any model"],
        ["day", ui.day, "any day"],
        ["notebook", ui.notebook, "any notebook"],
      ]) {
        const values = ["", ...(facets[name] || [])];
        if (select.options.length && [...select.options].map((o) => o.value).join("\n") === values.join("\n")) continue;
        const chosen = select.value;
        select.replaceChildren(...values.map((value) => option(value, value || any)));
        select.value = values.includes(chosen) ? chosen : "";
        select.parentNode.hidden = values.length < 3 && !select.value;
      }
    };

    ui.status.append(option("", "any status"), ...STATUSES.map((s) => option(s, s === "succeeded" ? "done" : s)));
    ui.status.value = "succeeded";
    ui.search.addEventListener("input", () => {
      clearTimeout(searchTimer);
      searchTimer = setTimeout(restart, 200);
    });
    for (const select of [ui.status, ui.model, ui.day, ui.notebook]) select.addEventListener("change", restart);
    ui.grid.addEventListener("keydown", move);
    ui.takeButton.addEventListener("click", () => act(ui.takeButton, "new_take", { take: open.next_take }));
    ui.retryButton.addEventListener("click", () => act(ui.retryButton, "retry"));
    ui.editButton.addEventListener("click", () => {
      complain("");
      ask("edit", { key: open.key });
    });
    ui.saveButton.addEventListener("click", () => {
      ui.saveRow.hidden = !ui.saveRow.hidden;
      if (!ui.saveRow.hidden) ui.path.select();
    });
    ui.confirm.addEventListener("click", () => act(ui.confirm, "save", { path: ui.path.value }));
    ui.path.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.ctrlKey) return;
      event.preventDefault();
      act(ui.confirm, "save", { path: ui.path.value });
    });
    ui.idButton.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(open.request_id);
        complain("Request id copied", false);
      } catch {
        const id = [...ui.facts.querySelectorAll("dd")].at(-1); // the last fact
        getSelection().selectAllChildren(id);
        complain(document.execCommand("copy") ? "Request id copied" : "Selected: press Ctrl+C", false);
      }
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
      try {
        await navigator.clipboard.writeText(code);
        say(ui.codeButton, "Copied");
      } catch {
        getSelection().selectAllChildren(ui.code);
        say(ui.codeButton, document.execCommand("copy") ? "Copied" : "Selected: press Ctrl+C");
      }
    });
    ui.viewer.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.target === ui.path) return;
      event.stopPropagation();
      close();
    });
    model.on("msg:custom", receive);
    restart();

    return () => {
      for (const timer of [posterTimer, hoverTimer, searchTimer]) clearTimeout(timer);
      sight.disconnect();
      end.disconnect();
      model.off("msg:custom", receive);
      for (const url of [...posters.values(), ...clips.values()]) URL.revokeObjectURL(url);
    };
  },
};

function build(el) {
  el.classList.add("seedance-gallery");
  const button = (text) => {
    const node = make("button", "seedance-button", text);
    node.type = "button";
    return node;
  };
  const ui = {
    search: make("input", "seedance-input"),
    status: make("select", "seedance-input"),
    model: make("select", "seedance-input"),
    day: make("select", "seedance-input"),
    notebook: make("select", "seedance-input"),
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
    idButton: button("Copy request id"),
    closeButton: button("Close"),
    saveRow: make("div", "seedance-row"),
    path: make("input", "seedance-input seedance-path"),
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
  for (const [name, control] of [
    ["Find clips", ui.search],
    ["Status", ui.status],
    ["Made with", ui.model],
    ["Day", ui.day],
    ["Notebook", ui.notebook],
  ]) {
    const label = make("label", "seedance-filter");
    label.append(make("span", "seedance-quiet", name), control);
    bar.append(label);
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
  ui.saveRow.append(ui.path, ui.confirm);
  const actions = make("div", "seedance-row");
  actions.append(ui.retryButton, ui.takeButton, ui.editButton, ui.saveButton, ui.idButton, ui.closeButton);
  const text = make("div", "seedance-viewer-text");
  text.append(ui.prompt, ui.facts);
  const upper = make("div", "seedance-viewer-upper");
  upper.append(ui.stage, text);
  ui.viewer.append(upper, actions, ui.saveRow, ui.trouble);
  ui.scroll.append(ui.grid, ui.empty, ui.end);
  el.append(ui.viewer, ui.compare, bar, picks, ui.scroll);
  return ui;
}

// Puts a wall on the page, which our own kernel made; scripts that come as HTML only run when they are made anew.
function raise(stage, html) {
  stage.innerHTML = html;
  for (const old of stage.querySelectorAll("script")) {
    const script = document.createElement("script");
    for (const { name, value } of old.attributes) script.setAttribute(name, value);
    script.textContent = old.textContent;
    old.replaceWith(script);
  }
}

function option(value, text) {
  const node = make("option", "", text);
  node.value = value;
  return node;
}

function make(tag, className = "", text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
