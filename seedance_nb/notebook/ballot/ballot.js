// The widget's door: clips come from the kernel and votes go to it, as messages. Nothing is kept in the notebook.

import { votingRoom } from "../../grids/ballots/room.js";
import { later, listen } from "../../pages/kit.js";
/** @import { State } from "../../grids/ballots/room.js" */
/** @import { Buffers, Model } from "../../pages/kit.js" */

/** @typedef {PromiseWithResolvers<string> & { address: string, size: number }} Clip */
/**
 * @typedef {{ kind: "state" } & State | { kind: "clip", clip: string } | { kind: "no_clip", clip: string, text: string } |
 *   { kind: "trouble", text: string }} Message
 */

const KERNEL_PATIENCE = 5000; // ms without an answer before the room says that the kernel is busy
const LATE =
  "The kernel has not answered yet. If a cell is running, this goes on when it ends; if the kernel was restarted, run this cell again: every answer so far is kept.";
const MOST_BYTES = 300e6; // of clips kept in this page; the oldest are asked for again

export default {
  /** @param {{ model: Model<{}, Message>, el: HTMLElement }} widget */
  render({ model, el }) {
    /** @type {Map<string, Clip>} */
    const clips = new Map(); // by name
    let isLate = false;

    const overdue = later(KERNEL_PATIENCE, () => {
      isLate = true;
      room.complain(LATE);
    });

    /** @param {{ kind: string, [fact: string]: unknown }} message */
    const send = (message) => {
      overdue.start();
      model.send(message);
    };

    /** @param {string} name */
    const clip = (name) => {
      let entry = clips.get(name);
      if (!entry) {
        entry = { ...withResolvers(), address: "", size: 0 };
        clips.set(name, entry);
        send({ kind: "need", clip: name });
      } else {
        clips.delete(name); // the newest stand last
        clips.set(name, entry);
      }
      return entry.promise;
    };

    /**
     * @param {string} name
     * @param {Buffers} buffers
     */
    const keep = (name, [buffer]) => {
      const entry = clips.get(name);
      if (!entry || entry.address || !buffer) return;
      entry.address = URL.createObjectURL(new Blob([buffer], { type: "video/mp4" }));
      entry.size = buffer.byteLength;
      entry.resolve(entry.address);
      let all = [...clips.values()].reduce((sum, { size }) => sum + size, 0);
      for (const [other, { address, size }] of [...clips].slice(0, -4)) {
        if (all <= MOST_BYTES) break;
        if (!address) continue;
        all -= size;
        URL.revokeObjectURL(address);
        clips.delete(other);
      }
    };

    /**
     * @param {Message} message
     * @param {Buffers} buffers
     */
    const receive = (message, buffers) => {
      overdue.stop();
      if (isLate) room.complain("");
      isLate = false;
      if (message.kind === "state") {
        room.complain("");
        room.show(message);
      } else if (message.kind === "clip") keep(message.clip, buffers);
      else if (message.kind === "no_clip") {
        clips.get(message.clip)?.reject(new Error(message.text));
        clips.delete(message.clip);
      } else if (message.kind === "trouble") room.complain(message.text);
    };

    const room = votingRoom(el, {
      begin: (rater) => send({ kind: "begin", rater }),
      answer: (pair, aspect, choice, effort) => send({ kind: "answer", pair, aspect, choice, ...effort }),
      skip: (pair) => send({ kind: "skip", pair }),
      undo: () => send({ kind: "undo" }),
      done: () => send({ kind: "done" }),
      goOn: () => send({ kind: "go_on" }),
      withdraw: () => send({ kind: "withdraw" }),
      reveal: (on) => send({ kind: "reveal", on }),
      clip,
      save: null,
      keys: null,
    });
    const stopListening = listen(model, { "msg:custom": receive });
    send({ kind: "hello" });

    return () => {
      overdue.stop();
      stopListening();
      room.close();
      for (const { address } of clips.values()) if (address) URL.revokeObjectURL(address);
    };
  },
};

/**
 * A promise that is kept from outside; browsers know how themselves only since 2024.
 * @returns {PromiseWithResolvers<string>}
 */
function withResolvers() {
  /** @type {Partial<PromiseWithResolvers<string>>} */
  const made = {};
  const promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return /** @type {PromiseWithResolvers<string>} */ (Object.assign(made, { promise }));
}
