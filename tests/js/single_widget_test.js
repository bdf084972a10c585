/// <reference lib="deno.ns" />
import { bounded, Part } from "../../seedance_nb/notebook/panel/single_widget.js";
import { assertEquals, clock } from "./page.js";

/** @returns {{ part: Part, told: any[], time: ReturnType<typeof clock> }} */
function begin(state = {}) {
  const time = clock();
  /** @type {any[]} */
  const told = [];
  const facts = { id: "p", name: "Text", state: { value: "", ...state }, module: "", style: "" };
  return { part: new Part(facts, (message) => told.push(message)), told, time };
}

/** @param {Part} part @param {string} value */
function type(part, value) {
  part.set("value", value);
  part.save_changes();
}

Deno.test("what is typed while the kernel has not answered is told in one, the newest, when it has", () => {
  const { part, told, time } = begin();
  for (const value of ["a", "ab", "abc"]) type(part, value);
  part.heard(told[0].serial);
  part.heard(told[1].serial);
  time.end();
  assertEquals(told.map(({ state }) => state.value), ["a", "abc"]);
});

Deno.test("what was not answered is told again, and an answer that comes twice lets nothing overtake", () => {
  const { part, told, time } = begin();
  type(part, "a");
  time.pass(6000);
  type(part, "ab");
  part.heard(told[0].serial);
  type(part, "abc");
  part.heard(told[1].serial);
  const before = told.length;
  part.heard(told[2].serial);
  time.pass(1);
  time.end();
  assertEquals(told.map(({ state }) => state.value), ["a", "a", "ab", "abc"]);
  assertEquals(before, 3);
});

Deno.test("what the kernel has set since is not told to it again as it was", () => {
  const { part, told, time } = begin();
  type(part, "a");
  type(part, "ab");
  part.receive({ value: "from the kernel" });
  time.pass(6000);
  part.heard(told[0].serial);
  time.end();
  assertEquals(part.get("value"), "from the kernel");
  assertEquals(told.map(({ state }) => state), [{ value: "a" }, {}]);
});

Deno.test("news are told once for a real change, under each of the names in one text, and no more when taken back", () => {
  const { part, time } = begin({ children: ["a"] });
  let heard = 0;
  const hear = () => {
    heard += 1;
  };
  part.on("change:value change:children", hear);
  part.receive({ value: "x", children: ["a"] });
  part.receive({ value: "x" });
  part.receive({ children: ["a", "b"] });
  part.off("change:value change:children", hear);
  part.receive({ value: "y" });
  time.end();
  assertEquals(heard, 2);
});

Deno.test("a number that is typed stays in its bounds, and no number is none", () => {
  assertEquals(["3", "0", "99", "2.9", "", "x"].map((typed) => bounded(typed, 1, 20)), [3, 1, 20, 2, null, null]);
});
