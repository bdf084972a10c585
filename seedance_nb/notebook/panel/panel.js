// The button with its price, the status line, the code, and the keys of the whole panel. Every text goes through textContent.

import { copyText, focusedBeside, keepKeys, later, listen, make, pulse, say } from "../../pages/kit.js";
/** @import { Model } from "../../pages/kit.js" */

/**
 * What a press would do: `form` is what the kernel has heard of the fields, by their names.
 * @typedef {{
 *   enabled: boolean, label: string, why: string, problem: string, notes: string, token: string, price: number | null,
 *   form: Record<string, string>,
 * }} Action
 */
/**
 * @typedef {{
 *   action: Partial<Action>, code: { magic?: string, python?: string, subject?: string }, says: string, tally: string, trouble: string,
 * }} Traits
 */
/** @typedef {{ kind: "handled" | "focus" | "here" }} Message */

const PATIENCE = 4000; // ms without an answer before the panel says that the kernel is busy
const BUSY = "The kernel has not answered yet: it is told as soon as the running cell ends. Nothing needs to be pressed again.";

export default {
  /** @param {{ model: Model<Traits, Message>, el: HTMLElement }} widget */
  render({ model, el }) {
    const ui = build(el);
    /** @type {{ price: number | null | undefined } | null} */
    let pressed = null; // the price that was on the button when it was pressed, until the kernel has handled it
    let sent = false;
    let lost = false;
    /** @type {HTMLElement | null} */
    let origin = null; // the cell that was active before that
    let grabbed = false; // the prompt took the keyboard by itself, and nobody has used it yet
    let own = ""; // what the page has to say itself
    const rests = pulse(model, "change:action", "change:tally", "change:says");
    let resting = ""; // why, while the kernel is gone
    /** @type {Set<HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement | HTMLButtonElement>} */
    const asleep = new Set(); // controls that were put to sleep with it
    /** @type {"magic" | "python"} */
    let language = "magic";
    /** @type {HTMLElement | null} */
    let root = null;

    const draw = () => {
      const action = model.get("action");
      const had = focusedBeside(el) === ui.generate;
      // While the form is ahead of the kernel the price on the button is an old one: nobody can press it.
      const stale = !agrees();
      ui.generate.dataset.stale = String(stale && pressed === null && Boolean(action.enabled));
      ui.generate.disabled = pressed !== null || stale || !action.enabled || resting !== "";
      // A disabled button loses the keyboard's place on the page; it gets it back.
      if (had && ui.generate.disabled) lost = true;
      else if (lost && !ui.generate.disabled) {
        lost = false;
        const now = focusedBeside(el);
        if (now === null || now === document.body || now === ui.generate) ui.generate.focus();
      }
      say(ui.generate, action.label || "Generate");
      ui.generate.title = action.why || "";
      say(ui.problem, resting || own || model.get("trouble") || action.problem || "");
      say(ui.notes, action.notes || "");
      say(ui.status, model.get("says") || "");
      say(ui.tally, model.get("tally") || "");
      drawCode();
    };

    const drawCode = () => {
      const code = model.get("code");
      const text = code[language] || code.python || "";
      if (ui.code.value !== text) ui.code.value = text;
      ui.code.rows = Math.min(10, Math.max(2, text.split("\n").length));
      ui.magic.disabled = ui.python.disabled = !text;
      ui.magic.hidden = !code.magic; // where there are none
      ui.codeBox.hidden = !text;
      say(ui.label, `Code that repeats ${code.subject || "the form"}`);
    };

    // Whether the kernel has heard of all that stands in the form: a press must not overtake the last letters typed.
    const agrees = () => {
      const known = model.get("action").form ?? {};
      return Object.entries(known).every(([name, value]) => {
        const control = root?.querySelector(`.seedance-f-${name} :is(textarea, select, input)`);
        if (!control) return true;
        const shown = control instanceof HTMLSelectElement ? control.selectedOptions[0]?.textContent : textIn(control);
        return (shown || "").replace(/\r\n/g, "\n") === value.replace(/\r\n/g, "\n");
      });
    };

    const release = () => {
      unanswered.stop();
      [pressed, sent] = [null, false];
    };

    const advance = () => {
      if (pressed === null || sent || !agrees()) return;
      const action = model.get("action");
      if (!action.enabled) return release();
      if ((action.price ?? Infinity) > (pressed.price ?? Infinity)) {
        release();
        own = "The price has changed while you typed; nothing was sent. Press again to accept it.";
        return;
      }
      sent = true;
      model.send({ kind: "generate", token: action.token, price: action.price });
    };

    const press = () => {
      const action = model.get("action");
      if (pressed !== null) return;
      if (agrees() && !action.enabled) return;
      pressed = { price: action.price };
      own = "";
      unanswered.start();
      advance();
      draw();
    };

    const unanswered = later(PATIENCE, () => {
      own = BUSY;
      draw();
    });

    const changed = () => {
      advance();
      draw();
    };

    // Without its kernel nothing here does anything: that is said, and nothing looks as if it did.
    const watch = () => {
      const why = rests();
      if (!why && !resting) return;
      resting = why && `${why} This panel is at rest: run its cell again. What was pressed before goes on, and nothing is submitted twice.`;
      if (why) {
        release();
        for (const control of root?.querySelectorAll("button, input, select, textarea") ?? []) {
          const isOurs = control.closest(".seedance-code, .seedance-card, .seedance-fold-button");
          if (!isOurs && "disabled" in control && !control.disabled) asleep.add(/** @type {HTMLButtonElement} */ (control));
        }
      }
      for (const control of asleep) control.disabled = why !== "";
      if (!why) asleep.clear();
      draw();
    };
    const watching = setInterval(watch, 1000);

    /** @param {Message} message */
    const receive = (message) => {
      if (message.kind === "handled") {
        own = "";
        release();
      } else if (message.kind === "focus") return focusPrompt();
      else return;
      draw();
    };

    const focusPrompt = () => {
      const prompt = root?.querySelector(".seedance-f-prompt textarea");
      const busy = document.activeElement?.closest(".cm-editor, textarea, input");
      const writing = busy && !root?.contains(busy) && textIn(busy).trim();
      if (writing || !(prompt instanceof HTMLTextAreaElement)) return;
      // The focus makes this cell the active one; whoever runs cell after cell is at another already.
      origin = root?.closest(".jp-Notebook")?.querySelector(".jp-Cell.jp-mod-active") ?? null;
      prompt.focus();
      grabbed = true;
    };

    const edited = () => {
      if (pressed === null) own = "";
      draw();
    };

    /** @param {KeyboardEvent} event */
    const key = (event) => {
      const { target } = event;
      if (!(target instanceof Element)) return;
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        event.stopPropagation(); // or JupyterLab would run the cell
        target.dispatchEvent(new Event("change", { bubbles: true })); // numbers are told when they are left
        press();
      } else if (event.key === "Enter" && event.shiftKey && (grabbed || !target.matches("textarea, input, select"))) {
        // Whoever runs cell after cell does not mean the prompt, nor the button that happens to have the focus.
        event.preventDefault();
        event.stopPropagation();
        pass(event);
      } else if (event.key === "Escape" && target.matches("textarea, input, select")) {
        event.preventDefault();
        event.stopPropagation();
        root?.focus({ preventScroll: true });
      }
    };

    /**
     * A key for the notebook: told to the cell it is meant for.
     * @param {KeyboardEvent} event
     */
    const pass = ({ key, code, keyCode, shiftKey }) => {
      /** @type {HTMLElement | null | undefined} */
      const cell = grabbed && origin?.isConnected ? origin : root?.closest(".jp-Cell");
      grabbed = false;
      cell?.focus({ preventScroll: true });
      cell?.dispatchEvent(new KeyboardEvent("keydown", { key, code, keyCode, shiftKey, bubbles: true, cancelable: true }));
    };

    const used = () => {
      grabbed = false;
    };

    /**
     * Parts that are folded away open and close in the page, without a word from the kernel.
     * @param {Event} event
     */
    const fold = ({ target }) => {
      const box = target instanceof Element && target.closest(".seedance-fold-button")?.closest(".seedance-fold");
      if (!box) return;
      box.classList.toggle("seedance-unfolded");
      drawFolds();
    };

    const drawFolds = () => {
      for (const button of root?.querySelectorAll(".seedance-fold-button") ?? []) {
        button.setAttribute("aria-expanded", String(Boolean(button.closest(".seedance-unfolded"))));
      }
    };

    /** @param {"magic" | "python"} which */
    const copy = async (which) => {
      language = which;
      drawCode();
      const copied = await copyText(ui.code.value, ui.code);
      say(ui.copied, copied ? "Copied" : "Selected: press Ctrl+C");
      copiedLongAgo.start();
    };
    const copiedLongAgo = later(2500, () => say(ui.copied, ""));

    // The panel's root exists on the page only a moment after this part of it was made.
    const settle = new ResizeObserver(() => {
      /** @type {HTMLElement | null} */
      const found = el.closest(".seedance-panel");
      if (!found || found === root) return;
      root = found;
      root.tabIndex = -1;
      root.setAttribute("role", "region");
      root.setAttribute("aria-label", "Make videos");
      root.addEventListener("keydown", key, true); // ipywidgets let no key out of their fields
      for (const kind of ["input", "change"]) root.addEventListener(kind, edited);
      root.closest(".jp-OutputArea")?.classList.add("seedance-alive"); // hides what is kept below for later
      keepKeys(root);
      for (const kind of ["input", "pointerdown"]) root.addEventListener(kind, used);
      root.addEventListener("click", fold);
      drawFolds();
      for (const area of root.querySelectorAll("textarea")) if (area.closest(".seedance-field")) grow(area);
      model.send({ kind: "opened", page: performance.timeOrigin }); // another number after a reload
    });
    settle.observe(el);

    ui.generate.addEventListener("click", press);
    ui.magic.addEventListener("click", () => copy("magic"));
    ui.python.addEventListener("click", () => copy("python"));
    const stopListening = listen(model, {
      "change:action": changed,
      "change:code change:says change:tally change:trouble": draw,
      "msg:custom": receive,
    });
    draw();

    return () => {
      clearInterval(watching);
      unanswered.stop();
      copiedLongAgo.stop();
      settle.disconnect();
      stopListening();
      root?.removeEventListener("keydown", key, true);
      for (const kind of ["input", "change"]) root?.removeEventListener(kind, edited);
      for (const kind of ["input", "pointerdown"]) root?.removeEventListener(kind, used);
      root?.removeEventListener("click", fold);
      root?.closest(".jp-OutputArea")?.classList.remove("seedance-alive");
    };
  },
};

/** @param {HTMLElement} el */
function build(el) {
  el.classList.add("seedance-frame");
  const ui = {
    generate: make("button", "seedance-button seedance-primary", "Generate"),
    magic: make("button", "seedance-button", "Copy as magic"),
    python: make("button", "seedance-button", "Copy as Python"),
    copied: make("span", "seedance-quiet"),
    problem: make("p", "seedance-wrong"),
    notes: make("p", "seedance-warning"),
    status: make("p", "seedance-says"),
    tally: make("p", "seedance-quiet seedance-tally"),
    codeBox: make("div", "seedance-code"),
    label: make("label", "seedance-quiet"),
    code: make("textarea"),
  };
  const id = `seedance-code-${Math.random().toString(36).slice(2)}`;
  ui.code.id = ui.label.htmlFor = id;
  ui.code.readOnly = true;
  ui.code.spellcheck = false;
  ui.problem.id = `${id}-problem`;
  ui.notes.id = `${id}-notes`;
  ui.generate.setAttribute("aria-describedby", `${ui.problem.id} ${ui.notes.id}`);
  ui.status.setAttribute("role", "status");
  const copies = make("div", "seedance-row");
  copies.append(ui.magic, ui.python, ui.copied);
  const row = make("div", "seedance-row");
  row.append(ui.generate, ui.tally);
  ui.codeBox.append(ui.label, ui.code, copies);
  el.append(row, ui.problem, ui.notes, ui.status, ui.codeBox);
  return ui;
}

/**
 * What is written in a field, or in an editor of the notebook.
 * @param {Element} field
 */
function textIn(field) {
  if (field instanceof HTMLTextAreaElement || field instanceof HTMLInputElement) return field.value;
  /** @type {HTMLElement | null} */
  const content = field.querySelector(".cm-content");
  return content?.innerText ?? "";
}

/**
 * Grows with its text where the style sheet cannot do it (field-sizing).
 * @param {HTMLTextAreaElement} area
 */
function grow(area) {
  if (CSS.supports("field-sizing", "content")) return;
  const fit = () => {
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight + 2}px`;
  };
  area.addEventListener("input", fit);
  fit();
}
