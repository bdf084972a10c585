// What all our scripts are made with: elements and their words, the keys pressed in them, and the wire to the kernel.

/**
 * The page's end of a widget, as anywidget hands it over. `Message` is what its kernel sends.
 * @template {object} Traits
 * @template [Message=never]
 * @typedef {{
 *   get<Name extends keyof Traits>(name: Name): Traits[Name],
 *   set<Name extends keyof Traits>(name: Name, value: Traits[Name]): void,
 *   save_changes(): void,
 *   send(message: { kind: string, [fact: string]: unknown }, callbacks?: undefined, buffers?: ArrayBuffer[]): void,
 *   on(news: string, hear: Hear<Message>): void,
 *   off(news: string, hear: Hear<Message>): void,
 * }} Model
 */

/** @typedef {DataView<ArrayBuffer>[]} Buffers what came beside a message: pictures and clips */

/**
 * @template Message
 * @typedef {(message: Message, buffers: Buffers) => void} Hear
 */

/**
 * What an element is made with: its properties, and attributes whose names have a dash.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @typedef {Partial<Omit<HTMLElementTagNameMap[Tag], "style" | "children">> & { [name: `aria-${string}`]: string }} Properties
 */

/** @typedef {[kind: string, text: string]} Line */

// Elements -----------------------------------------------------------------------------------------------------------

/**
 * A new element with a class name (or properties) and what stands in it. Texts are texts: nothing here ever parses HTML. A button
 * sends no form unless it is told to.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string | Properties<Tag>} [properties]
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  if (element instanceof HTMLButtonElement) element.type = "button";
  if (typeof properties === "string") {
    if (properties) element.className = properties;
  } else {
    for (const [name, value] of Object.entries(properties)) {
      if (name in element) Reflect.set(element, name, value);
      else element.setAttribute(name, String(value)); // aria-…, and what an older browser does not know yet
    }
  }
  for (const child of children) if (child) element.append(child);
  return element;
}

/**
 * Only real changes: a live region announces what is written into it.
 * @param {Element} node
 * @param {string} text
 */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Makes the children of a node anew where what they show has changed: redrawing would take a selection away from the reader.
 * @template Fact
 * @param {HTMLElement} node
 * @param {Fact[]} facts plain data, one for each child
 * @param {(fact: Fact) => Node} draw
 */
export function redraw(node, facts, draw) {
  const shown = JSON.stringify(facts);
  if (shown === (node.dataset.shown ?? "[]")) return;
  node.dataset.shown = shown;
  node.replaceChildren(...facts.map(draw));
}

/**
 * Puts these options into a drop-down; whether they are others than before.
 * @param {HTMLSelectElement} select
 * @param {[value: string, text: string][]} options
 */
export function offer(select, options) {
  const before = [...select.options].map(({ value, text }) => [value, text]);
  if (JSON.stringify(before) === JSON.stringify(options)) return false;
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
  return true;
}

/**
 * A bar that fills from left to right, empty.
 * @param {string} className
 */
export function progressBar(className) {
  const facts = { role: "progressbar", "aria-label": "Progress", "aria-valuemin": "0", "aria-valuemax": "100" };
  return make("div", { className, ...facts });
}

/**
 * Copies a text; whether that went well. Without https there is no clipboard: then it is selected where it is shown, so that the
 * keyboard can do the rest.
 * @param {string} text
 * @param {Element} shown
 */
export async function copyText(text, shown) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    if (shown instanceof HTMLTextAreaElement) {
      shown.focus();
      shown.select();
    } else getSelection()?.selectAllChildren(shown);
    return document.execCommand("copy");
  }
}

/**
 * What has the keyboard in the tree that this node stands in: to the document, a shadow tree is one element.
 * @param {Node} node
 */
export function focusedBeside(node) {
  const root = node.getRootNode();
  return root instanceof Document || root instanceof ShadowRoot ? root.activeElement : null;
}

// Words --------------------------------------------------------------------------------------------------------------

/**
 * A length of time as people say it.
 * @param {number} seconds
 */
export function words(seconds) {
  const total = Math.max(0, Math.round(seconds));
  if (total < 60) return `${total} s`;
  if (total < 3600) return `${Math.floor(total / 60)} min` + (total % 60 ? ` ${total % 60} s` : "");
  const minutes = Math.round(total / 60);
  return `${Math.floor(minutes / 60)} h` + (minutes % 60 ? ` ${minutes % 60} min` : "");
}

/**
 * How long something will still take. Learned from other jobs, so rounded to what that can be worth.
 * @param {number} seconds
 */
export function left(seconds) {
  if (seconds < 1) return "longer than usual";
  const step = seconds >= 90 ? 10 : seconds >= 20 ? 5 : 1;
  return `about ${words(Math.ceil(seconds / step) * step)} left`;
}

/**
 * @param {string} text
 * @param {number} limit characters
 */
export function clamp(text, limit) {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}

// Time ---------------------------------------------------------------------------------------------------------------

/**
 * Something that is done later, once: begun anew it is put off, and stopped it is not done.
 * @param {number} ms
 * @param {() => void} act
 */
export function later(ms, act) {
  let timer = 0;
  return {
    start() {
      clearTimeout(timer);
      timer = setTimeout(act, ms);
    },
    stop() {
      clearTimeout(timer);
    },
  };
}

/**
 * Does something once when the element has been on the page for a while; the answer calls it off. Scrolled out of a windowed
 * notebook it is not on the page: then when it comes back.
 * @param {Element} element
 * @param {number} ms
 * @param {() => void} act
 */
export function whenOnPage(element, ms, act) {
  const timer = setInterval(() => {
    if (!element.isConnected) return;
    clearInterval(timer);
    act();
  }, ms);
  return () => clearInterval(timer);
}

// The kernel ---------------------------------------------------------------------------------------------------------

/**
 * Calls these whenever the model tells such news; the answer ends that.
 * @template {object} Traits
 * @template Message
 * @param {Model<Traits, Message>} model
 * @param {{ [change: `change:${string}`]: () => void, "msg:custom"?: Hear<Message> }} ears
 */
export function listen(model, ears) {
  // One by one: not every host takes several in one text.
  const pairs = Object.entries(ears).flatMap(([news, hear]) => news.split(" ").map((one) => /** @type {const} */ ([one, hear])));
  for (const [news, hear] of pairs) model.on(news, hear);
  return () => {
    for (const [news, hear] of pairs) model.off(news, hear);
  };
}

/**
 * A widget whose clocks go on between two views from the kernel. `draw` shows it and gives what takes it away; `age()` are the seconds
 * since the latest view came, all by this machine's clock, and `rests()` says why its kernel is gone, if it is.
 * @template {object} Traits
 * @template Message
 * @param {(model: Model<Traits, Message>, el: HTMLElement, age: () => number, rests: () => string) => () => void} draw
 */
export function ageing(draw) {
  return () => {
    let received = performance.now();
    let rests = () => "";
    return {
      /** @param {{ model: Model<Traits, Message> }} widget */
      initialize({ model }) {
        model.on("change:view", () => {
          received = performance.now();
        });
        rests = pulse(model, "change:view");
      },
      /** @param {{ model: Model<Traits, Message>, el: HTMLElement }} widget */
      render({ model, el }) {
        return draw(model, el, () => (performance.now() - received) / 1000, () => rests());
      },
    };
  };
}

const SILENCE = 45; // seconds without a word; a kernel that lives says something every ten

/**
 * Listens whether there is still a kernel behind a widget. What it gives says why there is none, as a sentence, or nothing. Jupyter's
 * widgets are told when their kernel ends or begins anew; elsewhere nothing comes any more. Both may pass: a line that was cut, a laptop
 * that slept.
 * @template {object} Traits
 * @template Message
 * @param {Model<Traits, Message>} model
 * @param {...string} news that only a kernel tells, beside messages
 */
export function pulse(model, ...news) {
  let heard = performance.now();
  let isCut = false;
  for (const each of ["msg:custom", ...news]) {
    model.on(each, () => {
      [heard, isCut] = [performance.now(), false];
    });
  }
  model.on("comm_live_update", () => {
    isCut = true;
  });
  return () => {
    const silence = (performance.now() - heard) / 1000;
    if (isCut) return "Its kernel has stopped or was restarted.";
    return silence > SILENCE ? `Nothing was heard of its kernel for ${words(silence)}.` : "";
  };
}

// Keys ---------------------------------------------------------------------------------------------------------------

// Which keys pressed inside our outputs a notebook may have. To Jupyter a plain letter is a command for the cell (d d deletes it, x cuts
// it, 0 0 restarts the kernel), whatever has the focus. What is ours bears data-lm-suppress-shortcuts="seedance", where JupyterLab looks
// for no shortcut; that would take Shift+Enter and Ctrl+S too, so while such a key is told the mark is away.

const OURS = '[data-lm-suppress-shortcuts="seedance"]';

/** @param {Pick<KeyboardEvent, "key" | "shiftKey" | "ctrlKey" | "altKey" | "metaKey">} event */
export function isForTheNotebook({ key, shiftKey, ctrlKey, altKey, metaKey }) {
  return ctrlKey || altKey || metaKey || key === "Escape" || key === "Tab" || (key === "Enter" && shiftKey);
}

/** @param {Event} event */
const ours = ({ target }) => (target instanceof Element ? target.closest(OURS) : null);

/**
 * Plain keys pressed in this element are not the notebook's.
 * @param {HTMLElement} element
 */
export function keepKeys(element) {
  element.dataset.lmSuppressShortcuts = "seedance";
  const page = /** @type {Window & { seedanceKeys?: boolean }} */ (window);
  if (page.seedanceKeys) return; // once for a page, whoever comes first: it serves all outputs, also those that have no script
  page.seedanceKeys = true;
  page.addEventListener(
    "keydown",
    (event) => {
      if (!isForTheNotebook(event)) return;
      for (let node = ours(event); node; node = node.parentElement?.closest(OURS) ?? null) {
        const marked = node;
        marked.removeAttribute("data-lm-suppress-shortcuts");
        setTimeout(() => marked.setAttribute("data-lm-suppress-shortcuts", "seedance"));
      }
    },
    true, // before JupyterLab, which listens at the document
  );
  // Other notebooks listen at the document and know no such mark.
  document.body.addEventListener("keydown", (event) => {
    if (!isForTheNotebook(event) && ours(event)) event.stopPropagation();
  });
}
