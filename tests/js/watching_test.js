/// <reference lib="deno.ns" />
import { watching } from "../../seedance_nb/grids/ballots/watching.js";
import { assertEquals } from "./page.js";

/** @typedef {import("../../seedance_nb/grids/ballots/watching.js").Watching} Watching */

const LENGTH = 4;

/**
 * Both clips from here to there, in steps as a page draws them.
 * @param {Watching} watched
 * @param {number} from
 * @param {number} to
 * @param {number} [step]
 * @param {number} [rate]
 */
function play(watched, from, to, step = 0.05, rate = 1) {
  for (let at = from; at < to - 1e-9; at += step) {
    for (const side of /** @type {const} */ ([0, 1])) watched.saw(side, at, Math.min(to, at + step), LENGTH, rate);
  }
}

const left = (/** @type {Watching} */ watched) => Math.round(10 * watched.left([LENGTH, LENGTH])) / 10;

Deno.test("a full play of both clips counts once, and how much is left is told in seconds", () => {
  const watched = watching();
  const before = left(watched);
  play(watched, 0, 2);
  assertEquals([before, left(watched), watched.plays()], [3.8, 1.8, 0]);
  play(watched, 2, 4);
  assertEquals([watched.plays(), left(watched)], [1, 3.8]);
});

Deno.test("one clip alone is no play, nor the same half of both twice", () => {
  const watched = watching();
  for (let at = 0; at < LENGTH; at += 0.1) watched.saw(0, at, at + 0.1, LENGTH, 1);
  assertEquals(watched.plays(), 0);
  const other = watching();
  for (const _ of [1, 2, 3]) play(other, 0, 2);
  assertEquals([other.plays(), left(other)], [0, 1.8]);
});

Deno.test("a jump over what was not shown adds nothing, nor does going back or standing still", () => {
  const watched = watching();
  for (const side of /** @type {const} */ ([0, 1])) {
    watched.saw(side, 0, LENGTH, LENGTH, 1);
    watched.saw(side, LENGTH, 0, LENGTH, 1);
    watched.saw(side, 1, 1, LENGTH, 1);
    watched.saw(side, 0, 1, 0, 1);
    watched.saw(side, 0, 1, NaN, 1);
  }
  assertEquals([watched.plays(), left(watched)], [0, 3.8]);
});

Deno.test("at double speed, and on a machine that draws a frame a second, it is a play too", () => {
  const fast = watching();
  play(fast, 0, 4, 2, 2);
  const slow = watching();
  play(slow, 0, 4, 1);
  assertEquals([fast.plays(), slow.plays()], [1, 1]);
});

Deno.test("a pair that has been seen before keeps its plays, another begins with none", () => {
  const watched = watching();
  play(watched, 0, 3);
  watched.begin(2);
  assertEquals([watched.plays(), left(watched)], [2, 3.8]);
  watched.begin(0);
  assertEquals(watched.plays(), 0);
});
