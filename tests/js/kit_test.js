/// <reference lib="deno.ns" />
import { clamp, isForTheNotebook, later, left, listen, redraw, say, whenOnPage, words } from "../../seedance_nb/pages/kit.js";
import { assertEquals, clock } from "./page.js";

Deno.test("a length of time is told in the two largest units", () => {
  const told = [-3, 0, 59.4, 59.6, 60, 61, 3599, 3600, 3661, 7200, 86399].map(words);
  const expected = ["0 s", "0 s", "59 s", "1 min", "1 min", "1 min 1 s", "59 min 59 s", "1 h", "1 h 1 min", "2 h", "24 h"];
  assertEquals(told, expected);
});

Deno.test("what is left is rounded up to what a guess can be worth", () => {
  const told = [-5, 0.9, 1, 19, 19.1, 21, 89, 91].map(left);
  const rest = ["1 s", "19 s", "20 s", "25 s", "1 min 30 s", "1 min 40 s"].map((text) => `about ${text} left`);
  assertEquals(told, ["longer than usual", "longer than usual", ...rest]);
});

Deno.test("a long text ends in one character that says so", () => {
  assertEquals([clamp("boats", 5), clamp("boats!", 5)], ["boats", "boat…"]);
});

Deno.test("plain keys stay, keys with a modifier, Escape, Tab and Shift+Enter are the notebook's", () => {
  const none = { shiftKey: false, ctrlKey: false, altKey: false, metaKey: false };
  const isTheirs = (/** @type {string} */ key, more = {}) => isForTheNotebook({ ...none, key, ...more });
  assertEquals(["d", "x", "0", "Enter", "ArrowUp"].map((key) => isTheirs(key)), [false, false, false, false, false]);
  assertEquals(["Escape", "Tab"].map((key) => isTheirs(key)), [true, true]);
  assertEquals(["shiftKey", "ctrlKey", "altKey", "metaKey"].map((name) => isTheirs("Enter", { [name]: true })), [true, true, true, true]);
  assertEquals(isTheirs("D", { shiftKey: true }), false);
});

Deno.test("a text is written only where it changes, so that a live region repeats nothing", () => {
  let writes = 0;
  const node = {
    text: "old",
    get textContent() {
      return this.text;
    },
    set textContent(text) {
      writes += 1;
      this.text = text;
    },
  };
  for (const text of ["old", "new", "new"]) say(/** @type {any} */ (node), text);
  assertEquals([node.text, writes], ["new", 1]);
});

Deno.test("children are made anew only where what they show has changed", () => {
  /** @type {string[][]} */
  const drawn = [];
  const node = /** @type {any} */ ({ dataset: {}, replaceChildren: (/** @type {string[]} */ ...children) => drawn.push(children) });
  const draw = (/** @type {string} */ text) => /** @type {any} */ (text.toUpperCase());
  for (const facts of [[], ["a"], ["a"], ["a", "b"], []]) redraw(node, facts, draw);
  assertEquals(drawn, [["A"], ["A", "B"], []]);
});

Deno.test("what is begun anew is put off, what is stopped is not done", () => {
  const time = clock();
  try {
    let done = 0;
    const search = later(200, () => done += 1);
    search.start();
    time.pass(150);
    search.start();
    time.pass(150);
    assertEquals(done, 0);
    time.pass(50);
    assertEquals(done, 1);
    search.start();
    search.stop();
    time.pass(1000);
    assertEquals([done, time.waiting()], [1, 0]);
  } finally {
    time.end();
  }
});

Deno.test("an element that is scrolled away is waited for, and asked once", () => {
  const time = clock();
  try {
    const element = { isConnected: false };
    let asked = 0;
    whenOnPage(/** @type {any} */ (element), 800, () => asked += 1);
    time.pass(5000);
    assertEquals(asked, 0);
    element.isConnected = true;
    time.pass(5000);
    assertEquals([asked, time.waiting()], [1, 0]);
    const stop = whenOnPage(/** @type {any} */ (element), 800, () => asked += 1);
    stop();
    time.pass(5000);
    assertEquals([asked, time.waiting()], [1, 0]);
  } finally {
    time.end();
  }
});

Deno.test("whoever stops listening is told nothing more", () => {
  /** @type {Set<string>} */
  const ears = new Set();
  const model = /** @type {any} */ ({
    on: (/** @type {string} */ news) => ears.add(news),
    off: (/** @type {string} */ news) => ears.delete(news),
  });
  const stop = listen(model, { "change:view": () => {}, "msg:custom": () => {} });
  assertEquals([...ears], ["change:view", "msg:custom"]);
  stop();
  assertEquals([...ears], []);
});
