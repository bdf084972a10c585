// As much of a page as the functions under test ask for: elements that are objects, and a clock that is moved by hand.

/** @param {unknown} actual @param {unknown} expected */
export function assertEquals(actual, expected) {
  const [is, should] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (is !== should) throw new Error(`${is} instead of ${should}`);
}

/**
 * Timers that ring when `pass` says so. The page's own ones are put back by `end`.
 */
export function clock() {
  const own = { setTimeout, clearTimeout, setInterval, clearInterval };
  /** @type {Map<number, { at: number, act: () => void, every: number }>} */
  const timers = new Map();
  let now = 0;
  let last = 0;
  const set = (/** @type {number} */ every) => (/** @type {() => void} */ act, /** @type {number} */ ms) => {
    timers.set(++last, { at: now + ms, act, every: every && ms });
    return last;
  };
  const clear = (/** @type {number} */ id) => timers.delete(id);
  Object.assign(globalThis, { setTimeout: set(0), setInterval: set(1), clearTimeout: clear, clearInterval: clear });
  return {
    waiting: () => timers.size,
    /** @param {number} ms */
    pass(ms) {
      for (const end = now + ms; now < end; now += 1) {
        for (const [id, timer] of timers) {
          if (timer.at > now + 1) continue;
          if (timer.every) timer.at += timer.every;
          else timers.delete(id);
          timer.act();
        }
      }
    },
    end: () => Object.assign(globalThis, own),
  };
}
