// Files for the references: chosen, dropped or pasted, and sent in pieces, each when the kernel asks for it.

import { later, listen, make, progressBar, say, whenOnPage } from "../../pages/kit.js";
/** @import { Model } from "../../pages/kit.js" */

/** @typedef {{ piece: number, endings: string }} Traits */
/**
 * @typedef {{ kind: "next", id: string, offset: number } | { kind: "kept", id: string, text: string, offer: string }
 *   | { kind: "refused" | "said", id: string, text: string }} Message
 */

const PATIENCE = 4000; // ms without an answer before it is said that the kernel is busy
const ASK_AGAIN = 15000; // ms after which the kernel is asked where it was: a line may have been cut

export default {
  /** @param {{ model: Model<Traits, Message>, el: HTMLElement }} widget */
  render({ model, el }) {
    const ui = build(el, model.get("endings"));
    /** @type {File[]} */
    const waiting = [];
    /** @type {{ id: string, file: File, sent: number } | null} */
    let current = null; // the file that is on its way; `sent` is where its last piece began
    let said = "";
    let offered = ""; // the id of the file of which more is offered

    const draw = () => {
      const percent = current ? Math.round((100 * Math.max(0, current.sent)) / Math.max(1, current.file.size)) : 0;
      ui.bar.hidden = ui.stop.hidden = !current;
      ui.fill.style.width = `${percent}%`;
      ui.bar.setAttribute("aria-valuenow", String(percent));
      const others = waiting.length ? ` · ${waiting.length} more` : "";
      say(ui.says, current ? `${current.file.name} · ${percent} % is here${others}` : said);
    };

    const next = () => {
      for (const timer of [busy, again]) timer.stop();
      const file = waiting.shift();
      current = file ? { id: `${Date.now()}-${Math.random()}`, file, sent: -1 } : null;
      if (current) begin();
      draw();
    };

    const begin = () => {
      if (!current) return;
      const { id, file } = current;
      current.sent = -1; // whichever piece is asked for now is sent
      model.send({ kind: "begin", id, name: file.name, size: file.size });
      for (const timer of [busy, again]) timer.start();
    };

    const busy = later(PATIENCE, () => say(ui.says, "The kernel has not answered yet: the file goes on when the running cell ends."));
    const again = later(ASK_AGAIN, begin);

    /** @param {number} offset */
    const send = async (offset) => {
      if (!current || offset <= current.sent) return; // asked for twice, sent once
      const mine = current;
      mine.sent = offset;
      draw();
      /** @type {ArrayBuffer} */
      let piece;
      try {
        piece = await mine.file.slice(offset, offset + model.get("piece")).arrayBuffer();
      } catch {
        model.send({ kind: "stop", id: mine.id });
        end(`${mine.file.name} cannot be read: drop a file, not a folder; nothing was sent and nothing charged`);
        return;
      }
      if (current !== mine) return;
      model.send({ kind: "piece", id: mine.id, offset }, undefined, [piece]);
      for (const timer of [busy, again]) timer.start();
    };

    /**
     * @param {string} text
     * @param {boolean} [wrong]
     */
    const end = (text, wrong = true) => {
      // Of several files the refusals are what must not be overlooked.
      said = wrong || !ui.says.classList.contains("seedance-wrong") || !waiting.length ? text : said;
      ui.says.classList.toggle("seedance-wrong", wrong);
      next();
    };

    /** @param {Message} message */
    const receive = (message) => {
      if (message.kind === "said") {
        if (message.id !== offered) return;
        [said, offered] = [message.text, ""];
        ui.offer.hidden = true;
        ui.says.classList.remove("seedance-wrong");
        draw();
        return;
      }
      if (message.id !== current?.id) return;
      if (message.kind === "next") send(message.offset);
      else {
        if (message.kind === "kept") {
          offered = message.offer ? message.id : "";
          say(ui.offer, message.offer);
          ui.offer.hidden = !offered;
        }
        end(message.text, message.kind === "refused");
      }
    };

    /** @param {Iterable<File>} files */
    const take = (files) => {
      waiting.push(...files);
      if (current) return draw();
      ui.says.classList.remove("seedance-wrong");
      next();
    };

    // The whole fold is the place to drop on, also while it is closed.
    /** @type {HTMLElement} */
    let place = el;
    /** @param {DragEvent} event */
    const over = (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      event.stopPropagation();
      event.dataTransfer.dropEffect = "copy";
      place.classList.add("seedance-dropping");
      left.start();
    };
    const left = later(300, () => place.classList.remove("seedance-dropping")); // no news of a pointer that goes elsewhere
    /** @param {DragEvent} event */
    const drop = (event) => {
      if (!event.dataTransfer?.files.length) return;
      event.preventDefault();
      event.stopPropagation();
      place.classList.remove("seedance-dropping");
      place.classList.add("seedance-unfolded");
      place.querySelector(".seedance-fold-button")?.setAttribute("aria-expanded", "true");
      take(event.dataTransfer.files);
    };
    /** @param {ClipboardEvent} event */
    const paste = (event) => {
      if (!event.clipboardData?.files.length) return;
      event.preventDefault();
      event.stopPropagation();
      take(event.clipboardData.files);
    };
    const stopWaiting = whenOnPage(el, 200, () => {
      place = el.closest(".seedance-fold") ?? el;
      place.addEventListener("dragover", over);
      place.addEventListener("drop", drop);
      place.addEventListener("paste", paste);
    });

    ui.choose.addEventListener("click", () => ui.input.click());
    ui.input.addEventListener("change", () => {
      take([...(ui.input.files ?? [])]);
      ui.input.value = ""; // the same file may be chosen again
    });
    ui.stop.addEventListener("click", () => {
      if (!current) return;
      model.send({ kind: "stop", id: current.id });
      waiting.length = 0;
      end("Stopped; nothing was sent and nothing charged", false);
      ui.choose.focus();
    });
    ui.offer.addEventListener("click", () => model.send({ kind: "offer", id: offered }));
    const stopListening = listen(model, { "msg:custom": receive });
    draw();

    return () => {
      for (const timer of [busy, again, left]) timer.stop();
      stopWaiting();
      stopListening();
      place.removeEventListener("dragover", over);
      place.removeEventListener("drop", drop);
      place.removeEventListener("paste", paste);
    };
  },
};

/**
 * @param {HTMLElement} el
 * @param {string} endings
 */
function build(el, endings) {
  el.classList.add("seedance-drop");
  const ui = {
    choose: make("button", "seedance-button", "Choose files…"),
    hint: make("span", "seedance-quiet", "or drop or paste pictures, videos and sounds here"),
    input: make("input", { type: "file", multiple: true, accept: endings, hidden: true, tabIndex: -1 }),
    bar: progressBar("seedance-drop-bar"),
    fill: make("div", "seedance-drop-fill"),
    says: make("p", "seedance-drop-says"),
    stop: make("button", "seedance-button", "Stop"),
    offer: make("button", { className: "seedance-button", hidden: true }),
  };
  ui.input.setAttribute("aria-hidden", "true");
  ui.says.setAttribute("aria-live", "polite"); // no role: the panel has its own status line
  ui.bar.append(ui.fill);
  const line = make("div", "seedance-row", ui.says, ui.offer, ui.stop);
  el.append(make("div", "seedance-row", ui.choose, ui.hint, ui.input), ui.bar, line);
  return ui;
}
