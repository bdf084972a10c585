// The voting room: two clips side by side, questions, buttons, keys. It knows neither where clips come from nor where votes go:
// that is the `door`'s. Every text goes through textContent. Before a pair is answered nothing here knows what its clips are.

import { keepKeys, make, say } from "../../pages/kit.js";
import { buildRoom, SOUNDS, SPEEDS } from "./parts.js";
import { pairPlayer } from "./player.js";

/** @typedef {"left" | "tie" | "both bad" | "right"} Choice */
/** @typedef {{ id: string, left: string, right: string, asked?: string | null, answered: Record<string, Choice> }} Pair */
/** @typedef {{ pair: string, left: string, right: string, said: { aspect: string, choice: Choice }[] }} Revealed */
/**
 * Where a rater stands: `next` are the names of the clips that are wanted soon, `shown` what the last pair was made with, if that is told.
 * @typedef {{
 *   phase: "name" | "vote" | "end", rater: string, aspects: string[], pair?: Pair | null, next: string[], shown: Revealed | null,
 *   reveal?: boolean, progress: string, part: number | null, canUndo: boolean, canGoOn: boolean, lines: string[], code: string,
 * }} State
 */
/**
 * Where clips come from and answers go to. `clip` promises an address to play; `keys` is where keys are listened to, if not in the
 * room itself.
 * @typedef {{
 *   begin(rater: string): void, answer(pair: string, aspect: string, choice: Choice): void, undo(): void, done(): void, goOn(): void,
 *   clip(name: string): Promise<string>, reveal: ((on: boolean) => void) | null, save: (() => void) | null, keys: Document | null,
 * }} Door
 */

const CHOICES = /** @type {const} */ (["left", "tie", "both bad", "right"]);
/** @type {Record<string, Choice>} */
const CHOICE_KEYS = {
  a: "left",
  1: "left",
  ArrowLeft: "left",
  b: "right",
  2: "right",
  ArrowRight: "right",
  t: "tie",
  3: "tie",
  x: "both bad",
  4: "both bad",
};
const GAP = 12; // pixels between the clips
const EDGE = 28; // pixels of the page around the room
const LEAST_HEIGHT = 96; // pixels for the clips, however low the window is

/**
 * @param {HTMLElement} el
 * @param {Door} door
 */
export function votingRoom(el, door) {
  const ui = buildRoom(el);
  if (!door.keys) keepKeys(ui.room); // a page of its own has no notebook to keep them from
  const videos = ui.sides.map(({ video }) => video);
  /** @type {State | null} */
  let state = null;
  /** @type {string | null} */
  let shownPair = null; // the id of the pair whose clips are on stage
  let ready = false;
  let waiting = false; // an answer is on its way
  /** @type {string | null} */
  let seen = null; // the reveal that has been read
  let sound = 0;
  let unwell = "";

  const player = pairPlayer(videos, () => drawTransport());

  /** @param {State} next */
  const show = (next) => {
    const changedPhase = state?.phase !== next.phase;
    const hadFocus = ui.room.contains(document.activeElement);
    state = next;
    waiting = false;
    draw();
    if (changedPhase && hadFocus) focusRoom();
  };

  // The names of the last pair are shown before the end is.
  const phase = () => (showing() ? "vote" : state?.phase);
  const showing = () => {
    const shown = state?.shown;
    return shown && shown.pair !== seen && shown.pair === shownPair ? shown : null;
  };

  const draw = () => {
    if (!state) return;
    const voting = phase() === "vote";
    ui.name.hidden = state.phase !== "name";
    ui.stage.hidden =
      ui.transport.hidden =
      ui.ask.hidden =
      ui.bottom.hidden =
      ui.head.hidden =
        !voting;
    ui.end.hidden = phase() !== "end";
    if (state.phase === "name" && !ui.input.value && state.rater) ui.input.value = state.rater;
    if (!voting) {
      player.stop();
      clear();
    } else if (!showing()) setStage(state.pair);
    drawQuestion();
    drawEnd();
    say(ui.progress, state.progress || "");
    ui.bar.hidden = state.part == null;
    if (state.part != null) ui.bar.value = state.part;
    fit();
    ui.undo.disabled = ui.undoAtEnd.disabled = waiting || !state.canUndo;
    ui.undoAtEnd.hidden = !state.canUndo;
    ui.revealLabel.hidden = !door.reveal;
    ui.reveal.checked = Boolean(state.reveal);
    for (const button of [ui.save, ui.saveAtEnd]) button.hidden = !door.save;
    drawTransport();
  };

  const question = () => state?.aspects.find((aspect) => !(aspect in (state?.pair?.answered || {})));

  const drawQuestion = () => {
    if (!state || phase() !== "vote") return;
    const { aspects, pair } = state;
    const reveal = showing();
    const aspect = reveal ? undefined : question();
    say(ui.question, reveal ? "This is what they were" : asking(aspect));
    say(ui.asked, (!reveal && pair?.asked && `Both were asked for: ${pair.asked}`) || "");
    const answered = pair?.answered ?? {};
    ui.steps.replaceChildren(...(aspects.length < 2 || reveal ? [] : aspects.map((name) => step(name, aspect, answered))));
    for (const choice of CHOICES) {
      ui.choices[choice].hidden = Boolean(reveal);
      ui.choices[choice].disabled = waiting || !ready || !aspect;
    }
    const hidden = ui.next.hidden;
    ui.next.hidden = !reveal;
    if (reveal && hidden) focusRoom();
    ui.sides.forEach(({ label }, side) => say(label, (reveal && [reveal.left, reveal.right][side]) || ""));
    say(ui.said, reveal ? said(reveal) : "");
    const status = reveal
      ? `A: ${reveal.left}. B: ${reveal.right}. ${said(reveal)}`
      : ready
      ? asking(aspect)
      : unwell || "The clips are on their way";
    say(ui.status, status);
    ui.loading.hidden = ready || Boolean(unwell);
    say(ui.trouble, unwell);
  };

  const drawEnd = () => {
    if (!state || phase() !== "end") return;
    ui.lines.replaceChildren(...(state.lines || []).map((text) => make("p", "", text)));
    say(ui.code, state.code || "");
    ui.code.hidden = !state.code;
    ui.goOn.hidden = !state.canGoOn;
    say(ui.status, (state.lines || []).join(" "));
  };

  const drawTransport = () => {
    if (!state) return;
    const at = player.position();
    const all = player.length();
    const name = player.isPlaying() ? "Pause" : "Play";
    say(ui.playName, name);
    if (ui.position !== document.activeElement || player.isPlaying()) ui.position.value = String(Math.round((1000 * at) / all));
    ui.position.setAttribute("aria-valuetext", `${at.toFixed(1)} of ${all.toFixed(1)} seconds`);
    say(ui.time, ready ? `${Math.min(at, all).toFixed(1)} / ${all.toFixed(1)} s` : "");
  };

  // The clips -----------------------------------------------------------------------------------------------

  /** @param {Pair | null | undefined} pair */
  const setStage = async (pair) => {
    if (!pair || pair.id === shownPair) return;
    shownPair = pair.id;
    ready = false;
    unwell = "";
    player.stop();
    clear();
    try {
      const addresses = await Promise.all([door.clip(pair.left), door.clip(pair.right)]);
      if (shownPair !== pair.id) return;
      await Promise.all(videos.map((video, side) => load(video, addresses[side] ?? "")));
      if (shownPair !== pair.id) return;
      ready = true;
      fit();
      bringIntoSight();
      if (!matchMedia("(prefers-reduced-motion: reduce)").matches) player.replay();
    } catch (error) {
      if (shownPair !== pair.id) return;
      unwell = error instanceof Error ? error.message : String(error);
    }
    draw();
    for (const name of state?.next || []) door.clip(name).catch(() => {}); // told when it is its turn
  };

  /**
   * @param {HTMLVideoElement} video
   * @param {string} address
   * @returns {Promise<void>}
   */
  const load = (video, address) =>
    new Promise((resolve, reject) => {
      video.oncanplaythrough = () => resolve();
      video.onerror = () => reject(new Error("This browser cannot play one of the clips; vote on with another browser."));
      video.src = address;
      video.load();
    });

  // Both clips and every vote are seen at once, whatever the shape of clips and window: the clips take the room that the words and
  // buttons leave, side by side or one above the other, as they get larger.
  const fit = () => {
    if (ui.stage.hidden || !ui.stage.getClientRects().length) return;
    const shapes = videos.map((video) => (video.videoWidth && video.videoHeight ? video.videoWidth / video.videoHeight : 16 / 9));
    const isLarge = document.fullscreenElement === ui.room || ui.room.classList.contains("seedance-ballot-large");
    const stage = ui.stage.getBoundingClientRect();
    const above = stage.top - ui.room.getBoundingClientRect().top + (isLarge ? ui.room.scrollTop : 0);
    const below = (isLarge ? ui.bottom : ui.ask).getBoundingClientRect().bottom - stage.bottom;
    const trouble = ui.trouble.textContent ? ui.trouble.offsetHeight + GAP : 0;
    const height = Math.max(LEAST_HEIGHT, windowHeight(ui.room) - above - below - trouble - EDGE);
    const captions = ui.sides.map(({ caption }) => caption);
    /** @param {"beside" | "above"} way */
    const lay = (way) => {
      ui.stage.dataset.way = way;
      if (way === "beside") {
        const caption = Math.max(...captions.map((node) => node.offsetHeight));
        return shapes.map((shape) => within((stage.width - GAP) / 2, height - caption, shape));
      }
      const caption = Math.max(...captions.map((node) => node.offsetWidth)) + GAP;
      return shapes.map((shape) => within(stage.width - caption, (height - GAP) / 2, shape));
    };
    /** @param {Size[]} sizes */
    const area = (sizes) => sizes.reduce((sum, [w, h]) => sum + w * h, 0);
    const stacked = lay("above");
    let sizes = lay("beside");
    if (area(stacked) > area(sizes)) sizes = lay("above");
    videos.forEach((video, side) => {
      const [width, tall] = sizes[side] ?? [0, 0];
      video.style.width = `${Math.floor(width)}px`;
      video.style.height = `${Math.floor(tall)}px`;
    });
  };

  // Where somebody is voting, not where a notebook is only read.
  const bringIntoSight = () => {
    if (!ui.room.contains(document.activeElement)) return;
    const [top, bottom] = sightOf(ui.room);
    if (ui.head.getBoundingClientRect().top < top || ui.ask.getBoundingClientRect().bottom > bottom) {
      ui.room.scrollIntoView({ block: "start", behavior: "instant" });
    }
  };

  const clear = () => {
    for (const video of videos) {
      video.oncanplaythrough = video.onerror = null;
      if (video.hasAttribute("src")) {
        video.removeAttribute("src");
        video.load();
      }
    }
    if (phase() !== "vote") shownPair = null;
  };

  // What a rater does ---------------------------------------------------------------------------------------

  /** @param {Choice} choice */
  const answer = (choice) => {
    if (state?.phase !== "vote" || waiting || !ready || showing()) return;
    const aspect = question();
    const pair = state.pair;
    if (!aspect || !pair) return;
    waiting = true;
    drawQuestion();
    ui.undo.disabled = true;
    focusRoom();
    door.answer(pair.id, aspect, choice);
  };

  const undo = () => {
    if (!state?.canUndo || waiting) return;
    waiting = true;
    focusRoom();
    door.undo();
  };

  const goOn = () => {
    const shown = showing();
    if (!shown) return;
    seen = shown.pair;
    draw();
    focusRoom();
  };

  const enlarge = () => {
    if (document.fullscreenElement) return void document.exitFullscreen();
    if (ui.room.classList.contains("seedance-ballot-large")) return void ui.room.classList.remove("seedance-ballot-large");
    const large = () => ui.room.classList.add("seedance-ballot-large");
    if (!ui.room.requestFullscreen) return void large();
    ui.room.requestFullscreen().then(focusRoom, large);
  };

  /** @param {number} value the number of one of the SOUNDS */
  const setSound = (value) => {
    sound = value;
    const heard = SOUNDS[sound] ?? "off";
    videos.forEach((video, side) => video.muted = heard !== "AB"[side]);
    ui.sound.value = heard;
  };

  /** @param {number} value */
  const setSpeed = (value) => {
    ui.speed.value = String(value);
    player.setRate(value);
  };

  /** @param {number} steps */
  const faster = (steps) => {
    const speed = SPEEDS[SPEEDS.indexOf(Number(ui.speed.value)) + steps];
    if (speed) setSpeed(speed);
  };

  const focusRoom = () => ui.room.focus({ preventScroll: true });

  /** @param {KeyboardEvent} event */
  const press = (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !state || state.phase === "name") return;
    if (event.key === "Enter" && event.shiftKey) return; // runs the cell
    const target = event.target instanceof Element ? event.target : null;
    const inField = target?.closest("input:not([type=checkbox]), select, textarea");
    const onButton = target?.closest("button, summary, input, a");
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (inField && (key.startsWith("Arrow") || inField.getAttribute("type") !== "range")) return;
    const act = action(key, event.repeat, Boolean(onButton));
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };

  /**
   * What a key does. A key that is held down votes once.
   * @param {string} key
   * @param {boolean} held
   * @param {boolean} onButton
   * @returns {(() => void) | null}
   */
  const action = (key, held, onButton) => {
    if (key === "u" || key === "Backspace") return held ? () => {} : undo;
    if (phase() !== "vote") return null;
    if (key === "Enter" && !onButton && showing()) return held ? () => {} : goOn;
    if (key === "ArrowRight" && showing()) return held ? () => {} : goOn;
    const choice = CHOICE_KEYS[key];
    if (choice) return held ? () => {} : () => answer(choice);
    if (key === " " && !onButton) return player.toggle;
    if (key === "r") return player.replay;
    if (key === "e") return held ? () => {} : enlarge;
    if (key === "m") return () => setSound((sound + 1) % SOUNDS.length);
    if (key === "+" || key === "=") return () => faster(1);
    if (key === "-") return () => faster(-1);
    return null;
  };

  /** @param {Event} event */
  const begin = (event) => {
    event.preventDefault();
    const rater = ui.input.value.trim();
    if (!rater || waiting) return void ui.input.focus();
    waiting = true;
    focusRoom();
    door.begin(rater);
  };

  for (const choice of CHOICES) ui.choices[choice].addEventListener("click", () => answer(choice));
  ui.form.addEventListener("submit", begin);
  ui.input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing) begin(event); // a notebook may take the key before the form does
  });
  ui.next.addEventListener("click", goOn);
  ui.undo.addEventListener("click", undo);
  ui.undoAtEnd.addEventListener("click", undo);
  ui.play.addEventListener("click", () => player.toggle());
  ui.replay.addEventListener("click", () => player.replay());
  ui.enlarge.addEventListener("click", enlarge);
  ui.position.addEventListener("input", () => player.scrub((Number(ui.position.value) / 1000) * player.length()));
  ui.speed.addEventListener("change", () => setSpeed(Number(ui.speed.value)));
  ui.sound.addEventListener("change", () => setSound(SOUNDS.indexOf(ui.sound.value)));
  ui.reveal.addEventListener("change", () => door.reveal?.(ui.reveal.checked));
  ui.done.addEventListener("click", () => door.done());
  ui.goOn.addEventListener("click", () => door.goOn());
  for (const button of [ui.save, ui.saveAtEnd]) button.addEventListener("click", () => door.save?.());
  const resized = new ResizeObserver(() => fit());
  resized.observe(ui.room);
  const windowResized = () => {
    fit();
    bringIntoSight();
  };
  window.addEventListener("resize", windowResized);
  const keys = door.keys || ui.room;
  keys.addEventListener("keydown", /** @type {EventListener} */ (press));
  setSound(0);

  return {
    show,
    /**
     * A line that tells what went wrong; an empty one takes it away. Nothing stays locked by it.
     * @param {string} text
     */
    complain(text) {
      waiting = waiting && !text;
      say(ui.complaint, text);
      if (text && state) draw();
    },
    close() {
      keys.removeEventListener("keydown", /** @type {EventListener} */ (press));
      resized.disconnect();
      window.removeEventListener("resize", windowResized);
      player.stop();
      for (const video of videos) video.removeAttribute("src");
    },
  };
}

/** @typedef {[width: number, height: number]} Size */

/**
 * The largest size of this shape in a box.
 * @param {number} width
 * @param {number} height
 * @param {number} shape width by height
 * @returns {Size}
 */
export function within(width, height, shape) {
  return width / height > shape ? [height * shape, height] : [width, width / shape];
}

/**
 * What scrolls around an element: in JupyterLab the notebook, on a page the window.
 * @param {Element} element
 */
function scrollerOf(element) {
  for (let node = element.parentElement; node && node !== document.body; node = node.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(node).overflowY) && node.clientHeight < node.scrollHeight) return node;
  }
  return null;
}

/**
 * From where to where, in the window, it can be seen.
 * @param {Element} element
 * @returns {[top: number, bottom: number]}
 */
function sightOf(element) {
  const box = document.fullscreenElement ? null : scrollerOf(element)?.getBoundingClientRect();
  return [Math.max(0, box?.top ?? 0), Math.min(innerHeight, box?.bottom ?? innerHeight)];
}

/** @param {Element} element */
function windowHeight(element) {
  if (element.classList.contains("seedance-ballot-large")) return innerHeight;
  const [top, bottom] = sightOf(element);
  return bottom - top;
}

/** @param {string} [aspect] */
export function asking(aspect) {
  if (!aspect) return "Thank you";
  return aspect === "overall" ? "Which is better overall?" : `Which is better: ${aspect}?`;
}

/** @param {Pick<Revealed, "said">} reveal */
export function said(reveal) {
  const words = { left: "A", right: "B", tie: "tie", "both bad": "both bad" };
  const answers = reveal.said.map(({ aspect, choice }) => reveal.said.length > 1 ? `${aspect}: ${words[choice]}` : words[choice]);
  return `You said ${answers.join(", ")}.`;
}

/**
 * @param {string} name
 * @param {string | undefined} current
 * @param {Record<string, Choice>} answered
 */
function step(name, current, answered) {
  const node = make("span", "seedance-ballot-step", name);
  node.dataset.state = name === current ? "now" : name in answered ? "done" : "later";
  if (name === current) node.setAttribute("aria-current", "step");
  return node;
}
