// The voting room: two clips side by side, questions, buttons, keys. It knows neither where clips come from nor where votes go:
// that is the `door`'s. Every text goes through textContent. Before a pair is answered nothing here knows what its clips are.

import { keepKeys, make, say } from "../../pages/kit.js";
import { buildRoom, SOUNDS, SPEEDS } from "./parts.js";
import { pairPlayer } from "./player.js";

/** @typedef {"left" | "tie" | "both bad" | "right"} Choice */
/** @typedef {{ seconds: number, plays: number }} Effort what an answer took: seconds since the pair could be played, full plays of both clips */
/**
 * @typedef {{
 *   id: string, left: string, right: string, asked?: string | null, answered: Record<string, Choice>, kind?: "training" | "vote",
 * }} Pair
 */
/** @typedef {{ pair: string, left: string, right: string, said: { aspect: string, choice: Choice }[] }} Revealed */
/**
 * Where a rater stands: `next` are the names of the clips that are wanted soon, `shown` what the last pair was made with, if that is told;
 * `judged` pairs of `all` are done, if it is known how many there are; `note` has to be known before the first vote, `stored` says what
 * is kept of the rater.
 * @typedef {{
 *   phase: "name" | "vote" | "end", rater: string, aspects: string[], pair?: Pair | null, next: string[], shown: Revealed | null,
 *   reveal?: boolean, progress: string, part: number | null, canUndo: boolean, canGoOn: boolean, lines: string[], code: string,
 *   judged?: number, all?: number | null, note?: string, stored?: string, canWithdraw?: boolean, canSave?: boolean,
 * }} State
 */
/**
 * Where clips come from and answers go to. `clip` promises an address to play; `keys` is where keys are listened to, if not in the
 * room itself.
 * @typedef {{
 *   begin(rater: string): void, answer(pair: string, aspect: string, choice: Choice, effort: Effort): void, skip(pair: string): void,
 *   undo(): void, done(): void, goOn(): void, withdraw(): void,
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
const EDGE = 28; // pixels at most below the buttons of the room
const LEAST_HEIGHT = 96; // pixels for the clips, however low the window is
const SMALL_HEIGHT = 150; // pixels below which clips do not make room for what is not needed to vote
const PAIRS_TO_REST = 20;
const LOADING = 30_000; // ms after which a clip that lies in the page does not get ready any more
const STALLED = 10_000; // ms, and three rounds of the clips, without any progress after which a pair counts as one that does not play

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
  let readyAt = 0; // when the pair on stage could be played first
  let movedAt = 0; // when more of it was seen last
  let leftThen = 0;
  let lookedAt = 0;
  let wasAsleep = false;
  /** @type {Map<string, number>} */
  const playsOf = new Map(); // full plays of the pairs that were on stage
  let rested = 0; // after so many pairs the rater has gone on
  let introduced = false; // the first screen was shown, and what it says

  const player = pairPlayer(videos, () => {
    drawTransport();
    drawWait();
  });

  /** @param {State} next */
  const show = (next) => {
    const changedPhase = state?.phase !== next.phase;
    const hadFocus = ui.room.contains(document.activeElement);
    if (state?.phase !== "vote") rested = next.judged ?? 0;
    introduced ||= next.phase === "name";
    if (changedPhase) ui.confirm.hidden = true;
    state = next;
    waiting = false;
    draw();
    if (changedPhase && hadFocus) focusRoom();
  };

  // The names of the last pair are shown before the end is.
  const phase = () => (showing() ? "vote" : isResting() ? "rest" : state?.phase);
  const isResting = () => {
    const judged = state?.judged ?? 0;
    return state?.phase === "vote" && judged > 0 && judged % PAIRS_TO_REST === 0 && judged !== rested;
  };
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
    const hadRest = !ui.rest.hidden;
    ui.rest.hidden = phase() !== "rest";
    say(ui.rested, state.all ? `${state.judged} of ${state.all} done` : `${state.judged} pairs done`);
    if (!ui.rest.hidden) {
      say(ui.status, `${ui.rested.textContent}. Rest your eyes; go on when you like.`);
      if (!hadRest) ui.wake.focus({ preventScroll: true });
    }
    ui.end.hidden = phase() !== "end";
    say(ui.note, state.note || "");
    ui.note.hidden = !state.note || (state.phase !== "name" && (introduced || !voting || Boolean(state.judged)));
    for (const stored of [ui.stored, ui.storedAtEnd]) {
      say(stored, state.stored || "");
      stored.hidden = !state.stored;
    }
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
    for (const button of [ui.save, ui.saveAtEnd]) button.hidden = !door.save || state.canSave === false;
    ui.withdraw.hidden = !state.canWithdraw || !ui.confirm.hidden;
    drawTransport();
  };

  const question = () => state?.aspects.find((aspect) => !(aspect in (state?.pair?.answered || {})));

  const drawQuestion = () => {
    if (!state || phase() !== "vote") return;
    const { aspects, pair } = state;
    const reveal = showing();
    const aspect = reveal ? undefined : question();
    say(ui.question, reveal ? "This is what they were" : asking(aspect));
    ui.practice.hidden = Boolean(reveal) || pair?.kind !== "training";
    say(ui.asked, (!reveal && pair?.asked && `Both were asked for: ${pair.asked}`) || "");
    const answered = pair?.answered ?? {};
    ui.steps.replaceChildren(...(aspects.length < 2 || reveal ? [] : aspects.map((name) => step(name, aspect, answered))));
    for (const choice of CHOICES) {
      ui.choices[choice].hidden = Boolean(reveal);
      ui.choices[choice].disabled = waiting || !isAwake() || !aspect;
    }
    const hidden = ui.next.hidden;
    ui.next.hidden = !reveal;
    if (reveal && hidden) focusRoom();
    ui.sides.forEach(({ label }, side) => say(label, (reveal && [reveal.left, reveal.right][side]) || ""));
    say(ui.said, reveal ? said(reveal) : "");
    const status = reveal
      ? `A: ${reveal.left}. B: ${reveal.right}. ${said(reveal)}`
      : unwell
      ? unwell
      : isAwake()
      ? asking(aspect)
      : ready
      ? `Watch both clips once before you answer. ${asking(aspect)}`
      : "The clips are on their way";
    say(ui.status, status);
    ui.loading.hidden = ready || Boolean(unwell);
    say(ui.why, unwell);
    ui.trouble.hidden = !unwell;
    drawWait();
  };

  // An answer is taken once both clips have been seen in full.
  const isAwake = () => ready && !unwell && player.plays() > 0;

  const drawWait = () => {
    if (!state || phase() !== "vote") return;
    const asleep = ready && !unwell && !showing() && !isAwake();
    const seconds = Math.max(1, Math.ceil(player.left()));
    say(ui.wait, asleep ? `Watch both once: ${player.isPlaying() ? `${seconds} s` : "press Play"}` : "");
    if (asleep) watchdog();
    else {
      delete ui.wait.dataset.asked;
      if (wasAsleep) drawLater();
    }
    wasAsleep = asleep;
  };

  // What does not go on although it is played keeps nobody. A page that was out of sight has all its time again.
  const watchdog = () => {
    const now = performance.now();
    const moved = !player.isPlaying() || player.left() !== leftThen || now - lookedAt > 2000;
    if (moved) movedAt = now;
    [leftThen, lookedAt] = [player.left(), now];
    if (now - movedAt > STALLED + 3000 * player.roundSeconds()) fail("These clips do not play on here.");
  };

  // The question is drawn again when its buttons wake.
  const drawLater = () => queueMicrotask(drawQuestion);

  /** @param {string} text what went wrong with the pair on stage; nobody has to stay with it */
  const fail = (text) => {
    unwell = text;
    ready = false;
    player.stop();
    draw();
  };

  const drawEnd = () => {
    if (!state || phase() !== "end") return;
    ui.lines.replaceChildren(...(state.lines || []).map((text) => make("p", "", text)));
    say(ui.code, state.code || "");
    ui.code.hidden = !state.code;
    ui.goOn.hidden = !state.canGoOn;
    ui.code.hidden ||= state.canWithdraw === false;
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
    if (shownPair) playsOf.set(shownPair, player.plays());
    shownPair = pair.id;
    ready = false;
    unwell = "";
    player.stop();
    clear();
    player.begin(playsOf.get(pair.id) ?? 0);
    try {
      const addresses = await Promise.all([door.clip(pair.left), door.clip(pair.right)]);
      if (shownPair !== pair.id) return;
      await Promise.all(videos.map((video, side) => load(video, addresses[side] ?? "")));
      if (shownPair !== pair.id) return;
      ready = true;
      readyAt = movedAt = performance.now();
      for (const video of videos) video.onerror = () => fail("One of these clips cannot be played to its end here.");
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
      const late = setTimeout(() => reject(new Error("One of these clips never gets ready to play here.")), LOADING);
      video.oncanplay = () => {
        clearTimeout(late);
        resolve();
      };
      video.onerror = () => reject(new Error("This browser cannot play one of these clips; another browser may."));
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
    const trouble = ui.trouble.hidden ? 0 : ui.trouble.offsetHeight + GAP;
    /** @param {HTMLElement} last what is to be seen with the clips, and all before it */
    const room = (last) => windowHeight(ui.room) - above - (last.getBoundingClientRect().bottom - stage.bottom) - trouble - edgeOf(ui.room);
    const whole = room(ui.bottom);
    const height = Math.max(LEAST_HEIGHT, isLarge || whole >= SMALL_HEIGHT ? whole : room(ui.ask));
    const captions = ui.sides.map(({ caption }) => caption);
    /** @param {"beside" | "above"} way */
    const lay = (way) => {
      ui.stage.dataset.way = way;
      const isBesideItsClip = ui.sides.some(({ figure }) => getComputedStyle(figure).display === "flex");
      const wide = isBesideItsClip ? Math.max(...captions.map((node) => node.offsetWidth)) + GAP : 0;
      const tall = isBesideItsClip ? 0 : Math.max(...captions.map((node) => node.offsetHeight));
      const [width, high] = way === "beside" ? [(stage.width - GAP) / 2, height] : [stage.width, (height - GAP) / 2];
      return shapes.map((shape) => within(width - wide, high - tall, shape));
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
      video.oncanplay = video.onerror = null;
      if (video.hasAttribute("src")) {
        video.removeAttribute("src");
        video.load();
      }
    }
    if (phase() === "vote") return;
    if (shownPair) playsOf.set(shownPair, player.plays());
    shownPair = null;
  };

  // What a rater does ---------------------------------------------------------------------------------------

  /** @param {Choice} choice */
  const answer = (choice) => {
    if (phase() !== "vote" || !state || waiting || !ready || showing()) return;
    const aspect = question();
    const pair = state.pair;
    if (!aspect || !pair) return;
    if (!isAwake()) {
      say(ui.status, `${ui.wait.textContent}, and then: ${asking(aspect)}`);
      ui.wait.dataset.asked = "yes";
      return;
    }
    waiting = true;
    drawQuestion();
    ui.undo.disabled = true;
    focusRoom();
    door.answer(pair.id, aspect, choice, { seconds: Math.round(performance.now() - readyAt) / 1000, plays: player.plays() });
  };

  const undo = () => {
    if (!state?.canUndo || waiting) return;
    waiting = true;
    focusRoom();
    door.undo();
  };

  const skip = () => {
    const pair = state?.pair;
    if (!pair || waiting || !unwell) return;
    waiting = true;
    focusRoom();
    door.skip(pair.id);
  };

  const tryAgain = () => {
    shownPair = null;
    draw();
    focusRoom();
  };

  const wake = () => {
    rested = state?.judged ?? 0;
    draw();
    focusRoom();
  };

  /** @param {boolean} on whether it is asked if all answers shall be withdrawn */
  const askToWithdraw = (on) => {
    ui.confirm.hidden = !on;
    ui.withdraw.hidden = on;
    (on ? ui.keep : ui.withdraw).focus();
  };

  const withdraw = () => {
    ui.confirm.hidden = true;
    focusRoom();
    door.withdraw();
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
    if (phase() === "rest" && (key === " " || key === "Enter" || key === "ArrowRight")) return held ? () => {} : wake;
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
  ui.wake.addEventListener("click", wake);
  ui.again.addEventListener("click", tryAgain);
  ui.skip.addEventListener("click", skip);
  ui.withdraw.addEventListener("click", () => askToWithdraw(true));
  ui.keep.addEventListener("click", () => askToWithdraw(false));
  ui.sure.addEventListener("click", withdraw);
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

/**
 * Pixels between the end of a room and the end of what can be seen: its own edge, and what the page leaves free around it.
 * @param {Element} element
 */
function edgeOf(element) {
  const { paddingBottom, borderBottomWidth } = getComputedStyle(element);
  return Math.min(EDGE, parseFloat(paddingBottom) + parseFloat(borderBottomWidth) + Math.max(0, element.getBoundingClientRect().left));
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
