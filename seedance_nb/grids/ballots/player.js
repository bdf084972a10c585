// Two clips played as one: both follow their common clock. Small differences are mended by rate, large ones by a seek, and
// before every round both are put to the start and waited for. What has been seen of them is counted in `watching.js`.

import { watching } from "./watching.js";

/** @typedef {ReturnType<typeof pairPlayer>} PairPlayer */

const SOFT = 0.02; // seconds apart from which the rates differ a little
const HARD = 0.1; // seconds apart from which one is put where it should be
const SETTLE = 700; // ms that a seek needs before the next one of the same clip makes sense
const PATIENCE = 2000; // ms after which a seek or a load is no longer waited for
const HASTE = 400; // the same where the clip is played afterwards: WebKit ends some seeks only then
const FIRST = 0.25; // seconds from its start within which a clip that has just begun was seen from the start
const END = 0.04; // seconds before its end from which a clip counts as over

/**
 * @param {HTMLVideoElement[]} videos
 * @param {() => void} changed is called whenever there is something to show
 */
export function pairPlayer(videos, changed) {
  let playing = false;
  let rate = 1;
  let turn = 0; // whoever waits finds out by it that something newer was asked for
  let frame = 0;
  let overSince = 0;
  /** @type {number | null} */
  let target = null; // where the running seek should end
  /** @type {Promise<void> | null} */
  let seeking = null;
  /** @type {WeakMap<HTMLVideoElement, number>} */
  const lastSeek = new WeakMap();
  const watched = watching();
  /** @type {(number | null)[]} */
  let lastSeen = [null, null]; // where each clip was at the last look at it, while it has been playing since

  /** @param {HTMLVideoElement} video */
  const lengthOf = (video) => (Number.isFinite(video.duration) ? video.duration : 0);
  const length = () => Math.max(0.001, ...videos.map(lengthOf));
  /** @param {HTMLVideoElement} video */
  const isOver = (video) => video.ended || video.currentTime >= lengthOf(video) - END;
  const position = () => {
    const running = videos.filter((video) => !isOver(video));
    return running.length ? running.reduce((sum, video) => sum + video.currentTime, 0) / running.length : length();
  };

  /**
   * One after the other: of the places asked for while a seek runs only the last counts.
   * @param {number} seconds
   * @param {number} [patience]
   */
  const seek = (seconds, patience = PATIENCE) => {
    target = Math.min(Math.max(0, seconds), length());
    seeking ??= (async () => {
      while (target !== null) {
        const to = target;
        target = null;
        await Promise.all(videos.map((video) => place(video, to, patience)));
      }
      seeking = null;
      changed();
    })();
    return seeking;
  };

  /**
   * @param {HTMLVideoElement} video
   * @param {number} to
   * @param {number} patience
   */
  const place = async (video, to, patience) => {
    const aim = Math.max(0, Math.min(to, lengthOf(video) - 0.001));
    if (Math.abs(video.currentTime - aim) >= 0.002) {
      const arrived = once(video, "seeked", patience);
      video.currentTime = aim;
      await arrived;
    }
    if (video.readyState < 3 && !isOver(video)) await once(video, "canplay", patience);
  };

  /** @param {number} mine the turn that this belongs to: a newer one does the rest itself */
  const run = async (mine) => {
    for (const video of videos) video.playbackRate = rate;
    await drawn(); // WebKit never begins with a clip whose size is still changing
    if (mine !== turn || !playing) return;
    await Promise.allSettled(videos.filter((video) => !isOver(video)).map(begin));
    if (mine !== turn || !playing) return;
    cancelAnimationFrame(frame);
    lastSeen = videos.map((video) => (video.currentTime < FIRST ? 0 : video.currentTime));
    frame = requestAnimationFrame(tick);
  };

  /** @param {HTMLVideoElement} video */
  const begin = async (video) => {
    try {
      await video.play();
    } catch (error) {
      if (!playing) return;
      if (video.muted) return void (error instanceof DOMException && error.name === "NotAllowedError" && pause());
      video.muted = true; // a page that nobody has touched yet may not make a sound
      await begin(video);
    }
  };

  const look = () => {
    videos.forEach((video, side) => {
      const [from, to] = [lastSeen[side], video.ended ? lengthOf(video) : video.currentTime];
      if (from != null) watched.saw(side === 0 ? 0 : 1, from, to, lengthOf(video), rate);
      if (from != null) lastSeen[side] = to;
    });
  };

  const tick = () => {
    if (!playing) return;
    if (!videos.every((video) => video.isConnected)) return void pause();
    look();
    const now = performance.now();
    if (!videos.every(isOver)) overSince = now;
    // Not before both have ended by themselves, if they do: a seek just before takes WebKit half a second.
    else if (videos.every((video) => video.ended || video.paused) || now - overSince > SETTLE) return void again();
    const at = position();
    for (const video of videos) {
      if (video.seeking || isOver(video)) continue;
      if (video.paused) video.play().catch(() => {}); // the browser had put it to sleep
      const ahead = video.currentTime - at;
      if (Math.abs(ahead) > HARD / 2 && now - (lastSeek.get(video) || 0) > SETTLE) {
        lastSeek.set(video, now);
        video.currentTime = at + 0.05 * rate;
      } else if (Math.abs(ahead) > SOFT / 2) video.playbackRate = rate * (1 - Math.max(-0.25, Math.min(0.25, ahead * 4)));
      else if (video.playbackRate !== rate) video.playbackRate = rate;
    }
    changed();
    frame = requestAnimationFrame(tick);
  };

  const again = async () => {
    const mine = ++turn;
    for (const video of videos) video.pause();
    await seek(0, HASTE);
    await run(mine);
  };

  /** @param {number | null} [from] */
  const play = async (from = null) => {
    const mine = ++turn;
    playing = true;
    changed();
    const at = from ?? position();
    await seek(at >= length() - END ? 0 : at, HASTE);
    await run(mine);
  };

  const pause = () => {
    turn += 1;
    playing = false;
    cancelAnimationFrame(frame);
    for (const video of videos) video.pause();
    changed();
    return seek(position());
  };

  return {
    play,
    pause,
    length,
    position,
    isPlaying: () => playing,
    /** How often both clips of this pair have been seen in full. */
    plays: watched.plays,
    /** Seconds until they have been once more, at this speed. */
    left: () => watched.left(videos.map(lengthOf)) / rate,
    /** Seconds that both clips last, at this speed. */
    roundSeconds: () => length() / rate,
    /**
     * Another pair is on stage, of which so many full plays have been seen before.
     * @param {number} plays
     */
    begin(plays) {
      lastSeen = [null, null];
      watched.begin(plays);
    },
    toggle: () => (playing ? pause() : play()),
    replay: () => {
      for (const video of videos) video.pause();
      return play(0);
    },
    /**
     * While it is dragged both stand still; what was playing goes on where it was let go.
     * @param {number} seconds
     */
    async scrub(seconds) {
      const goesOn = playing;
      turn += 1;
      const mine = turn;
      cancelAnimationFrame(frame);
      for (const video of videos) video.pause();
      await seek(seconds);
      if (goesOn) await run(mine);
    },
    /** @param {number} value */
    setRate(value) {
      rate = value;
      for (const video of videos) video.playbackRate = value;
    },
    stop() {
      turn += 1;
      playing = false;
      cancelAnimationFrame(frame);
      for (const video of videos) video.pause();
    },
  };
}

/**
 * @param {HTMLVideoElement} video
 * @param {"seeked" | "canplay"} event
 * @param {number} patience in ms
 * @returns {Promise<void>}
 */
function once(video, event, patience) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      video.removeEventListener(event, done);
      video.removeEventListener("error", done);
      resolve();
    };
    const timer = setTimeout(done, patience);
    video.addEventListener(event, done);
    video.addEventListener("error", done);
  });
}

/** Two frames later: what was changed before has been drawn. */
function drawn() {
  return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
}
