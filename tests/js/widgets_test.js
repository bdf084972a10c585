/// <reference lib="deno.ns" />
import { asking, said, within } from "../../seedance_nb/grids/ballots/room.js";
import { nearest } from "../../seedance_nb/grids/walls/nearest.js";
import { next } from "../../seedance_nb/notebook/board/grid_board.js";
import { eased } from "../../seedance_nb/notebook/card/job_card.js";
import { destination } from "../../seedance_nb/notebook/panel/gallery.js";
import { assertEquals } from "./page.js";

// A grid of three columns, the last line has one cell only.
const boxes = [0, 1, 2, 3, 4, 5, 6].map((number) => {
  const [left, top] = [(number % 3) * 110, Math.floor(number / 3) * 90];
  return { left, top, right: left + 100, bottom: top + 80 };
});
const others = (/** @type {number} */ number) => boxes.filter((_, i) => i !== number);
const from = (/** @type {number} */ number, /** @type {number} */ right, /** @type {number} */ down) => {
  const box = boxes[number];
  const found = box && others(number)[nearest(box, others(number), right, down)];
  return found ? boxes.indexOf(found) : -1;
};

Deno.test("arrows of the wall go to the neighbour in the line, and straight up and down", () => {
  assertEquals([from(4, 1, 0), from(4, -1, 0), from(4, 0, 1), from(4, 0, -1)], [5, 3, 6, 1]);
  assertEquals([from(0, 0, 1), from(6, 0, -1)], [3, 3]);
});

Deno.test("at the end of a line or column the wall has no neighbour; below a gap it is the nearest", () => {
  assertEquals([from(2, 1, 0), from(6, 1, 0), from(0, -1, 0), from(1, 0, -1), from(6, 0, 1)], [-1, -1, -1, -1, -1]);
  assertEquals(from(5, 0, 1), 6);
});

Deno.test("what lies straight below comes before what lies nearer aslant", () => {
  const aslant = { left: 105, top: 85, right: 205, bottom: 165 };
  const straight = { left: 0, top: 600, right: 100, bottom: 680 };
  assertEquals(nearest({ left: 0, top: 0, right: 100, bottom: 80 }, [aslant, straight], 0, 1), 1);
});

Deno.test("arrows of the board go in reading order, and to the nearest cell of the next row", () => {
  const chips = boxes.map((box) => ({ getBoundingClientRect: () => /** @type {DOMRect} */ (box) }));
  const to = (/** @type {number} */ at, /** @type {string} */ key) => next(chips, at, key);
  assertEquals([to(2, "ArrowRight"), to(0, "ArrowLeft"), to(6, "ArrowRight")], [3, 0, 6]);
  assertEquals([to(1, "ArrowDown"), to(5, "ArrowDown"), to(6, "ArrowUp"), to(6, "ArrowDown")], [4, 6, 3, 6]);
  assertEquals([to(4, "Home"), to(4, "End"), to(4, "x"), next([], 0, "ArrowDown")], [0, 6, -1, -1]);
});

Deno.test("keys of the gallery count columns, and other keys lead nowhere", () => {
  const to = (/** @type {string} */ key) => destination(key, 4, 12, 3);
  assertEquals(["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End"].map(to), [1, 7, 3, 5, 0, 11]);
  assertEquals(Number.isNaN(to("d")), true);
});

Deno.test("the bar of a card never comes to its end by itself, and never goes back", () => {
  assertEquals([-1, 0, 0.5, 0.7].map(eased), [0, 0, 0.5, 0.7]);
  const late = [0.7, 0.71, 1, 2, 10].map(eased);
  assertEquals(late, [...late].sort((a, b) => a - b));
  assertEquals(late.every((value) => value <= 0.97), true);
});

Deno.test("a clip takes the largest room that its shape allows", () => {
  assertEquals([within(200, 100, 1), within(100, 200, 1), within(320, 180, 16 / 9)], [[100, 100], [100, 100], [320, 180]]);
});

Deno.test("the room asks and tells in words", () => {
  assertEquals([asking(), asking("overall"), asking("motion")], ["Thank you", "Which is better overall?", "Which is better: motion?"]);
  assertEquals(said({ said: [{ aspect: "overall", choice: "left" }] }), "You said A.");
  const two = [{ aspect: "motion", choice: /** @type {const} */ ("right") }, { aspect: "prompt", choice: /** @type {const} */ ("tie") }];
  assertEquals(said({ said: two }), "You said motion: B, prompt: tie.");
});
