// How much of two clips has been seen while they played. Neither a seek nor a still picture adds to it. Pure.

const SLICES = 40; // of each clip: one counts as seen when its middle has been played over
const ENOUGH = 38; // of them make a full play: a browser may drop the very first or last frame
const LONGEST_STEP = 1.5; // seconds of a clip, at its rate, between two looks at it: more is a page that nobody saw meanwhile

/** @typedef {ReturnType<typeof watching>} Watching */

export function watching() {
  /** @type {[Set<number>, Set<number>]} */
  const seen = [new Set(), new Set()];
  /** @type {[number, number]} */
  const until = [0, 0]; // where each was last; what is left of a play that counted already begins no other one
  let plays = 0;
  let isOver = [false, false];

  return {
    /** How often both clips have been seen in full. */
    plays: () => plays,
    /**
     * Begins with another pair, or with one that has been seen before.
     * @param {number} before
     */
    begin(before) {
      plays = before;
      isOver = [false, false];
      for (const slices of seen) slices.clear();
    },
    /**
     * A clip has been played from here to there, in seconds.
     * @param {0 | 1} side
     * @param {number} from
     * @param {number} to
     * @param {number} length
     * @param {number} rate
     */
    saw(side, from, to, length, rate) {
      if (!(length > 0) || !(to > from) || to - from > LONGEST_STEP * Math.max(1, rate)) return;
      isOver[side] &&= from >= until[side];
      until[side] = to;
      if (isOver[side]) return;
      for (let slice = 0; slice < SLICES; slice++) {
        const middle = ((slice + 0.5) * length) / SLICES;
        if (from <= middle && middle < to) seen[side].add(slice);
      }
      if (seen.some((slices) => slices.size < ENOUGH)) return;
      plays += 1;
      isOver = [true, true];
      for (const slices of seen) slices.clear();
    },
    /**
     * Seconds of a clip that have to be seen before this play is a full one.
     * @param {readonly number[]} lengths of both clips
     */
    left: (lengths) => Math.max(...seen.map((slices, side) => (Math.max(0, ENOUGH - slices.size) * (lengths[side] ?? 0)) / SLICES)),
  };
}
