// One clock for several <video>s. Left alone, videos that were started together drift up to half a second apart: a loop
// begins late in one decoder and stays late. So the videos that run follow their median; who is off by more than a fraction of
// a frame plays a little faster or slower, who is far off seeks, and before each start all seek to one place and wait.

const SOFT = 0.02; // seconds off the median before a video's rate is changed
const CALM = 0.006; // seconds off below which it gets its own rate back
const HARD = 0.1; // seconds off from which it seeks instead
const COOL_DOWN = 700; // milliseconds a video is left alone after such a seek
const MOST = 0.25; // share by which a rate is changed at most
const NEAR_END = 0.05; // seconds before its end from which a video is neither followed nor corrected
const END = 0.01; // seconds before its end from which it counts as ended
const PATIENCE = 2000; // milliseconds that a loop waits for a video that stalled
const LAST_FRAME = 0.001; // seconds before the end where a video holds its last frame
export const SPEEDS = [0.1, 0.25, 0.5, 1, 1.5, 2, 4];

/** @typedef {"seconds" | "fraction"} Mapping by a fraction every clip is stretched to the length of the longest */

/** @typedef {ReturnType<typeof makeTransport>} Transport */

/**
 * `alive()` says whether the wall is still on the page; `changed()` is called whenever there is something to show.
 * @param {{ alive: () => boolean, changed: () => void }} wall
 */
export function makeTransport({ alive, changed }) {
  /** @type {HTMLVideoElement[]} */
  let videos = [];
  /** @type {Mapping} */
  let mapping = "seconds";
  let speed = 1;
  let loop = true;
  let wanted = false; // whether it is meant to play
  let running = false; // whether the clock runs: not while seeking and waiting
  let at = 0; // seconds of the common clock
  let turn = 0; // counts commands, so that what awaits knows when it is overtaken
  let frame = 0;
  /** @type {number | null} */
  let firstEnd = null; // when the first of the longest came to its end
  /** @type {WeakMap<HTMLVideoElement, number>} */
  const sought = new WeakMap(); // when each did so last
  /** @type {WeakSet<HTMLVideoElement>} */
  const correcting = new WeakSet();

  /** @param {HTMLVideoElement} video */
  const length = (video) => (Number.isFinite(video.duration) ? video.duration : 0);
  const playable = () => videos.filter((video) => length(video) > 0 && !video.error);
  const total = () => Math.max(0.001, ...videos.map(length));
  /** @param {HTMLVideoElement} video */
  const factor = (video) => (mapping === "fraction" && length(video) ? length(video) / total() : 1);
  /** @param {HTMLVideoElement} video */
  const place = (video) => video.currentTime / factor(video);
  /**
   * @param {HTMLVideoElement} video
   * @param {number} t
   */
  const target = (video, t) => Math.max(0, Math.min(t * factor(video), length(video) - LAST_FRAME));
  /**
   * @param {HTMLVideoElement} video
   * @param {number} seconds
   */
  const isWithin = (video, seconds) => video.ended || video.currentTime >= length(video) - seconds;
  /** @param {HTMLVideoElement} video */
  const hasEnded = (video) => isWithin(video, END);
  const pause = () => {
    running = false;
    for (const video of videos) video.pause();
  };

  function position() {
    const able = playable();
    const under = able.filter((video) => !isWithin(video, NEAR_END));
    const longest = able.filter((video) => length(video) > (mapping === "fraction" ? 0 : total() - NEAR_END));
    const places = (under.length ? under : longest).map(place).sort((a, b) => a - b);
    return places[places.length >> 1] ?? at;
  }

  /**
   * @param {HTMLVideoElement} video
   * @param {"seeked" | "canplay" | "loadedmetadata"} event
   * @param {number} most milliseconds to wait for it
   * @returns {Promise<void>}
   */
  const once = (video, event, most) =>
    new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        video.removeEventListener(event, done);
        resolve();
      };
      const timer = setTimeout(done, most);
      video.addEventListener(event, done);
    });

  /**
   * @param {HTMLVideoElement} video
   * @param {number} to
   */
  function seek(video, to) {
    if (Math.abs(video.currentTime - to) < 0.0005) return null;
    const arrived = once(video, "seeked", 2000);
    video.currentTime = to;
    return arrived;
  }

  /**
   * All stand at t, with a frame to show. False when another command came meanwhile.
   * @param {number} t
   * @param {number} mine
   */
  async function settle(t, mine) {
    pause();
    const waiting = videos.filter((video) => video.readyState < 1 && !video.error);
    for (const video of waiting) if (video.preload !== "auto") video.preload = "auto";
    await Promise.all(waiting.map((video) => once(video, "loadedmetadata", 8000)));
    if (mine !== turn) return false;
    at = Math.max(0, Math.min(t, total()));
    await Promise.all(playable().map((video) => seek(video, target(video, at))));
    if (mine !== turn) return false;
    if (wanted) await Promise.all(playable().map((video) => (video.readyState >= 3 ? null : once(video, "canplay", 2000))));
    changed();
    return mine === turn;
  }

  /** @param {number} mine */
  async function run(mine) {
    const able = playable();
    if (!able.length) return stop();
    for (const video of able) video.playbackRate = speed * factor(video);
    const starts = able.filter((video) => !hasEnded(video)).map((video) => video.play());
    await Promise.race([Promise.allSettled(starts), new Promise((resolve) => setTimeout(resolve, 1500))]);
    if (mine !== turn) return;
    running = true;
    firstEnd = null;
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(tick);
  }

  /** @param {number} t */
  async function goTo(t) {
    const mine = ++turn;
    at = Math.max(0, Math.min(t, total()));
    changed();
    if ((await settle(t, mine)) && wanted) await run(mine);
  }

  function stop() {
    ++turn;
    wanted = false;
    cancelAnimationFrame(frame);
    pause();
    changed();
  }

  /** @param {number} now */
  function tick(now) {
    if (!alive()) return stop();
    if (!running) return;
    const able = playable();
    firstEnd = able.some((video) => hasEnded(video) && length(video) / factor(video) > total() - NEAR_END) ? (firstEnd ?? now) : null;
    if (able.every(hasEnded) || (firstEnd !== null && now - firstEnd > PATIENCE)) {
      if (loop) {
        goTo(0);
      } else {
        wanted = false;
        goTo(total());
      }
      return;
    }
    at = position();
    for (const video of able) correct(video, now);
    changed();
    frame = requestAnimationFrame(tick);
  }

  /**
   * @param {HTMLVideoElement} video
   * @param {number} now
   */
  function correct(video, now) {
    if (video.seeking || isWithin(video, NEAR_END)) return;
    if (video.paused) video.play().catch(() => {}); // the browser saved power, or the element was moved
    const off = place(video) - at;
    const usual = speed * factor(video);
    const scale = Math.max(1, speed);
    if (Math.abs(off) > HARD * scale) {
      if (now - (sought.get(video) ?? -COOL_DOWN) < COOL_DOWN) return;
      sought.set(video, now);
      video.currentTime = target(video, at + 0.06 * speed); // a seek takes about two frames
      return;
    }
    if (Math.abs(off) > SOFT * scale) correcting.add(video);
    else if (Math.abs(off) < CALM * scale) correcting.delete(video);
    const change = correcting.has(video) ? Math.max(-MOST, Math.min(MOST, (-4 * off) / scale)) : 0;
    const rate = usual * (1 + Math.round(change * 20) / 20);
    if (Math.abs(video.playbackRate - rate) > 0.001) video.playbackRate = rate;
  }

  return {
    get playing() {
      return wanted;
    },
    get at() {
      return at;
    },
    get total() {
      return total();
    },
    get speed() {
      return speed;
    },
    get loop() {
      return loop;
    },
    get mapping() {
      return mapping;
    },
    /**
     * The videos to drive from now on; the others are stopped. Gently: the clock goes on, those that are new catch up with it.
     * @param {HTMLVideoElement[]} chosen
     */
    use(chosen, gently = false) {
      const same = chosen.length === videos.length && chosen.every((video, i) => video === videos[i]);
      if (same && (wanted ? videos.every((video) => !video.paused || hasEnded(video)) : true)) return;
      for (const video of videos) if (!chosen.includes(video)) video.pause();
      const now = running ? position() : at;
      const added = chosen.filter((video) => !videos.includes(video));
      videos = chosen;
      for (const video of videos) video.loop = false;
      if (!gently || !running) goTo(now);
      else for (const video of playable()) if (added.includes(video)) video.currentTime = target(video, now + 0.06 * speed);
    },
    play() {
      if (!playable().length && !videos.length) return;
      wanted = true;
      goTo(at >= total() - 0.06 ? 0 : at);
    },
    pause() {
      if (!wanted) return;
      const last = running ? position() : at;
      wanted = false;
      goTo(last);
    },
    toggle() {
      if (wanted) this.pause();
      else this.play();
    },
    seek: goTo,
    /**
     * One frame on or back, to the middle of that frame: its edges belong to either.
     * @param {1 | -1} direction
     * @param {number} fps
     */
    step(direction, fps) {
      wanted = false;
      pause();
      const number = Math.floor(at * fps + 0.01) + direction;
      const last = Math.max(0, Math.round(total() * fps) - 1);
      goTo((Math.max(0, Math.min(last, number)) + 0.5) / fps);
    },
    /** @param {number} value */
    setSpeed(value) {
      speed = value;
      for (const video of videos) video.playbackRate = speed * factor(video);
      changed();
    },
    /** @param {boolean} value */
    setLoop(value) {
      loop = value;
      changed();
    },
    /** @param {Mapping} value */
    setMapping(value) {
      mapping = value;
      goTo(at);
    },
    stop,
  };
}
