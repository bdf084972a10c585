// A tree of widgets on a page that knows none of them: what Jupyter's page does with their models and views is done here, over the one
// model that this widget has. Elements and class names are those of ipywidgets, so that one style sheet serves both.

import { isForTheNotebook, later, listen, make } from "../../pages/kit.js";
import { raise } from "../../pages/raise.js";
/** @import { Buffers, Hear, Model } from "../../pages/kit.js" */

/** @typedef {Record<string, any>} State what a widget's traits are, by their names */
/** @typedef {{ id: string, name: string, state: State, module: string, style: string }} Facts */
/**
 * @typedef {{ kind: "tree", root: string, parts: Facts[] } | { kind: "state", part: string, state: State, parts: Facts[] } |
 *   { kind: "heard", part: string, serial: number } | { kind: "told", part: string, content: any }} Message
 */
/** @typedef {(part: Part, el: HTMLElement) => void} Draw */

const ASK_AGAIN = 5000; // ms after which what was not answered is sent again: a line may have been cut

/** What a widget's own script has for a model. */
export class Part {
  /** @type {Map<string, Set<Hear<any>>>} */
  #ears = new Map();
  /** @type {Set<string>} */
  #untold = new Set(); // what the page has set since it last told the kernel
  #waits = false; // for the kernel to have heard what it was told
  #again = later(ASK_AGAIN, () => this.#tell());
  /** @type {State} */
  #told = {};
  #serial = 0; // of what was told

  /**
   * @param {Facts} facts
   * @param {(message: { kind: string, [fact: string]: unknown }, buffers?: ArrayBuffer[]) => void} tell
   */
  constructor(facts, tell) {
    this.facts = facts;
    this.tell = tell;
    this.state = { ...facts.state };
  }

  /** @param {string} name */
  get(name) {
    return this.state[name];
  }

  /** @param {string} name @param {unknown} value */
  set(name, value) {
    this.#untold.add(name);
    this.#change({ [name]: value });
  }

  /** One message at a time, and then the newest state: those of a page may overtake each other. */
  save_changes() {
    if (this.#waits || !this.#untold.size) return;
    this.#told = Object.fromEntries([...this.#untold].map((name) => [name, this.state[name]]));
    this.#untold.clear();
    this.#waits = true;
    this.#serial += 1;
    this.#tell();
  }

  #tell() {
    this.tell({ kind: "state", part: this.facts.id, state: { ...this.#told }, serial: this.#serial });
    this.#again.start();
  }

  /** @param {number} serial */
  heard(serial) {
    if (serial !== this.#serial) return; // said twice, because it was asked twice
    this.#again.stop();
    this.#waits = false;
    this.save_changes();
  }

  /**
   * @param {unknown} content
   * @param {unknown} [_]
   * @param {ArrayBuffer[]} [buffers]
   */
  send(content, _, buffers) {
    this.tell({ kind: "told", part: this.facts.id, content }, buffers);
  }

  /** @param {string} news several may stand in one text @param {Hear<any>} hear */
  on(news, hear) {
    for (const one of news.split(" ")) this.#ears.set(one, (this.#ears.get(one) ?? new Set()).add(hear));
  }

  /** @param {string} news @param {Hear<any>} hear */
  off(news, hear) {
    for (const one of news.split(" ")) this.#ears.get(one)?.delete(hear);
  }

  /** @param {State} state what the kernel says: it is right also where the page has not been heard yet */
  receive(state) {
    for (const name of Object.keys(state)) {
      this.#untold.delete(name);
      delete this.#told[name]; // if it has to be told again, then without what is no longer so
    }
    this.#change(state);
  }

  /** @param {unknown} content @param {Buffers} buffers */
  receiveTold(content, buffers) {
    this.#emit("msg:custom", content, buffers);
  }

  stop() {
    this.#again.stop();
  }

  /** @param {State} state */
  #change(state) {
    const changed = Object.keys(state).filter((name) => JSON.stringify(this.state[name]) !== JSON.stringify(state[name]));
    Object.assign(this.state, state);
    for (const name of changed) this.#emit(`change:${name}`);
  }

  /** @param {string} news @param {unknown} [content] @param {Buffers} [buffers] */
  #emit(news, content, buffers = []) {
    for (const hear of [...(this.#ears.get(news) ?? [])]) hear(content, buffers);
  }
}

export default () => {
  /** @type {Map<string, Part>} */
  const parts = new Map();
  /** @type {Map<string, Promise<any>>} */
  const widgets = new Map(); // by part: its script, once begun for it
  /** @type {Set<() => void>} */
  const views = new Set();
  let root = "";

  return {
    /** @param {{ model: Model<{}, Message> }} widget */
    initialize({ model }) {
      /** @param {Facts[]} facts */
      const add = (facts) => {
        for (const each of facts) {
          parts.set(each.id, new Part(each, (message, buffers) => model.send(message, undefined, buffers)));
          widgets.delete(each.id);
        }
      };
      const ask = () => model.send({ kind: "draw" });
      const again = later(ASK_AGAIN, () => {
        ask();
        again.start();
      });
      listen(model, {
        "msg:custom": (message, buffers) => {
          if (message.kind === "tree") {
            if (root) return; // asked for twice
            again.stop();
            add(message.parts);
            root = message.root;
            for (const draw of views) draw();
          } else if (message.kind === "state") {
            if (!root) return; // the tree, which is still to come, holds it
            add(message.parts);
            parts.get(message.part)?.receive(message.state);
            forget();
          } else if (message.kind === "heard") parts.get(message.part)?.heard(message.serial);
          else parts.get(message.part)?.receiveTold(message.content, buffers);
        },
      });
      ask();
      again.start();
    },

    /** @param {{ model: Model<{}, Message>, el: HTMLElement }} widget */
    render({ el }) {
      el.classList.add("seedance-single");
      const stops = new AbortController();
      // Plain keys belong to what is written in; a notebook would take them for commands.
      el.addEventListener("keydown", (event) => {
        if (!isForTheNotebook(event)) event.stopPropagation();
      });
      const draw = () => {
        const view = makeView(root, el, stops.signal);
        if (view) el.append(view);
      };
      views.add(draw);
      if (root) draw();
      return () => {
        views.delete(draw);
        stops.abort();
      };
    },
  };

  /** What is in the tree no more is not kept. */
  function forget() {
    const there = new Set([root]);
    for (const id of there) for (const child of parts.get(id)?.get("children") ?? []) there.add(child);
    for (const [id, part] of parts) {
      if (there.has(id)) continue;
      part.stop();
      parts.delete(id);
      widgets.delete(id);
    }
  }

  /**
   * The element of one part, until the signal. Children go with their parents.
   * @param {string} id
   * @param {HTMLElement} place where style sheets go
   * @param {AbortSignal} until
   * @returns {HTMLElement | null}
   */
  function makeView(id, place, until) {
    const part = parts.get(id);
    if (!part) return null;
    const { name, module, style } = part.facts;
    const el = name === "Button" ? make("button", "jupyter-widgets jupyter-button widget-button") : make("div", "jupyter-widgets");
    /** @type {string[]} */
    let classes = [];
    follow(part, ["_dom_classes"], until, () => {
      el.classList.remove(...classes);
      classes = part.get("_dom_classes") ?? [];
      el.classList.add(...classes);
    });
    follow(part, ["display"], until, () => {
      el.style.display = part.get("display") ?? "";
    });
    if (style) addStyle(place, style);
    if (part.get("children")) drawBox(part, el, place, until);
    else if (module) drawScript(part, el, until);
    else PLAIN[name]?.(part, el, until);
    return el;
  }

  /** @param {Part} part @param {HTMLElement} el @param {HTMLElement} place @param {AbortSignal} until */
  function drawBox(part, el, place, until) {
    el.classList.add("widget-container", "widget-box");
    if (part.facts.name !== "Box") el.classList.add(part.facts.name === "HBox" ? "widget-hbox" : "widget-vbox");
    /** @type {Map<string, { node: HTMLElement, stops: AbortController }>} */
    const shown = new Map();
    follow(part, ["children"], until, () => {
      /** @type {string[]} */
      const children = part.get("children");
      for (const [id, { node, stops }] of shown) {
        if (children.includes(id)) continue;
        stops.abort();
        node.remove();
        shown.delete(id);
      }
      let next = el.firstChild;
      for (const id of children) {
        if (!shown.has(id)) {
          const stops = new AbortController();
          const node = makeView(id, place, AbortSignal.any([until, stops.signal]));
          if (!node) continue;
          shown.set(id, { node, stops });
        }
        const node = shown.get(id)?.node ?? null;
        if (node === next) next = next?.nextSibling ?? null;
        else if (node) el.insertBefore(node, next); // what stays where it is keeps the keyboard
      }
    });
  }

  /**
   * A widget that brings its own script.
   * @param {Part} part
   * @param {HTMLElement} el
   * @param {AbortSignal} until
   */
  async function drawScript(part, el, until) {
    const { id, module } = part.facts;
    const begun = widgets.get(id) ?? begin(part, module);
    widgets.set(id, begun);
    const widget = await begun;
    if (until.aborted) return;
    const stop = await widget.render({ model: part, el });
    if (until.aborted) stop?.();
    else until.addEventListener("abort", () => stop?.());
  }
};

/** @type {Map<string, Promise<{ default: any }>>} */
const modules = new Map(); // by their texts

/** @param {Part} part @param {string} text */
async function begin(part, text) {
  if (!modules.has(text)) modules.set(text, import(URL.createObjectURL(new Blob([text], { type: "text/javascript" }))));
  const { default: made } = /** @type {{ default: any }} */ (await modules.get(text));
  const widget = typeof made === "function" ? await made() : made;
  await widget.initialize?.({ model: part });
  return widget;
}

/** @param {HTMLElement} place @param {string} text */
function addStyle(place, text) {
  for (const style of place.querySelectorAll(":scope > style")) if (style.textContent === text) return;
  const style = make("style", {}, text);
  place.prepend(style);
}

/**
 * Draws now, and whenever one of these has changed, until the signal.
 * @param {Part} part
 * @param {string[]} names
 * @param {AbortSignal} until
 * @param {() => void} draw
 */
function follow(part, names, until, draw) {
  const news = names.map((name) => `change:${name}`).join(" ");
  part.on(news, draw);
  until.addEventListener("abort", () => part.off(news, draw));
  draw();
}

// Widgets of ipywidgets itself -----------------------------------------------------------------------------------------

/** @type {Record<string, (part: Part, el: HTMLElement, until: AbortSignal) => void>} */
const PLAIN = {
  Button(part, el, until) {
    const button = /** @type {HTMLButtonElement} */ (el);
    follow(part, ["description", "tooltip", "disabled"], until, () => {
      if (button.textContent !== part.get("description")) button.textContent = part.get("description");
      button.title = part.get("tooltip") ?? "";
      button.disabled = part.get("disabled");
    });
    button.addEventListener("click", () => part.send({ event: "click" }));
  },

  HTML(part, el, until) {
    const content = make("div", "widget-html-content");
    el.classList.add("widget-inline-hbox", "widget-html");
    el.append(content);
    follow(part, ["value"], until, () => raise(content, part.get("value")));
  },

  Text(part, el, until) {
    el.classList.add("widget-text");
    drawTyped(part, el, make("input", { type: "text" }), until);
  },

  Textarea(part, el, until) {
    const area = make("textarea");
    el.classList.add("widget-textarea");
    follow(part, ["rows"], until, () => {
      area.rows = part.get("rows") || 2;
    });
    drawTyped(part, el, area, until);
  },

  BoundedIntText(part, el, until) {
    const input = make("input", { type: "number", step: "1" });
    el.classList.add("widget-text");
    label(part, el, input, until);
    follow(part, ["min", "max", "value", "disabled"], until, () => {
      [input.min, input.max, input.disabled] = [part.get("min"), part.get("max"), part.get("disabled")];
      if (!input.matches(":focus") || Number(input.value) !== part.get("value")) input.value = part.get("value");
    });
    const tell = () => {
      const value = bounded(input.value, part.get("min"), part.get("max"));
      if (value === null) return;
      part.set("value", value);
      part.save_changes();
    };
    input.addEventListener("input", () => String(Number(input.value)) === input.value && input.checkValidity() && tell());
    input.addEventListener("change", () => {
      tell();
      input.value = part.get("value");
    });
  },

  Select(part, el, until) {
    const select = make("select");
    el.classList.add("widget-select");
    label(part, el, select, until);
    follow(part, ["_options_labels", "index", "rows", "disabled"], until, () => {
      /** @type {string[]} */
      const labels = part.get("_options_labels") ?? [];
      const known = [...select.options].map((option) => option.text);
      if (JSON.stringify(known) !== JSON.stringify(labels)) select.replaceChildren(...labels.map((text) => new Option(text)));
      [select.size, select.disabled, select.selectedIndex] = [part.get("rows"), part.get("disabled"), part.get("index") ?? -1];
    });
    select.addEventListener("change", () => {
      part.set("index", select.selectedIndex);
      part.save_changes();
    });
  },
};

/**
 * A field for a text, told at every letter.
 * @param {Part} part
 * @param {HTMLElement} el
 * @param {HTMLInputElement | HTMLTextAreaElement} field
 * @param {AbortSignal} until
 */
function drawTyped(part, el, field, until) {
  label(part, el, field, until);
  follow(part, ["placeholder", "disabled"], until, () => {
    [field.placeholder, field.disabled] = [part.get("placeholder") ?? "", part.get("disabled")];
  });
  follow(part, ["value"], until, () => {
    if (field.value !== part.get("value")) field.value = part.get("value");
  });
  field.addEventListener("input", () => {
    part.set("value", field.value);
    part.save_changes();
  });
}

let labelled = 0;

/**
 * @param {Part} part
 * @param {HTMLElement} el
 * @param {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} field
 * @param {AbortSignal} until
 */
function label(part, el, field, until) {
  const words = make("label", "widget-label");
  field.id = words.htmlFor = `seedance-field-${(labelled += 1)}`;
  el.classList.add("widget-inline-hbox");
  el.append(words, field);
  follow(part, ["description"], until, () => {
    words.textContent = part.get("description");
  });
}

/**
 * The whole number that was typed, between its bounds; null where it is none.
 * @param {string} typed
 * @param {number} least
 * @param {number} most
 */
export function bounded(typed, least, most) {
  const number = typed.trim() === "" ? NaN : Math.trunc(Number(typed));
  return Number.isNaN(number) ? null : Math.min(most, Math.max(least, number));
}
