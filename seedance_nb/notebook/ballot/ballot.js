// The widget's door: clips come from the kernel and votes go to it, as messages. Nothing is kept in the notebook.

const KERNEL_PATIENCE = 5000; // ms without an answer before the room says that the kernel is busy
const LATE =
  "The kernel has not answered yet. If a cell is running, this goes on when it ends; if the kernel was restarted, run this cell again: every answer so far is kept.";
const MOST_BYTES = 300e6; // of clips kept in this page; the oldest are asked for again

export default {
  render({ model, el }) {
    const clips = new Map(); // name -> {promise, resolve, reject, address, size}
    let overdue = null;
    let isLate = false;

    const send = (message) => {
      clearTimeout(overdue);
      overdue = setTimeout(() => {
        isLate = true;
        room.complain(LATE);
      }, KERNEL_PATIENCE);
      model.send(message);
    };

    const clip = (name) => {
      let entry = clips.get(name);
      if (!entry) {
        entry = { address: null, size: 0 };
        entry.promise = new Promise((resolve, reject) => Object.assign(entry, { resolve, reject }));
        clips.set(name, entry);
        send({ kind: "need", clip: name });
      } else {
        clips.delete(name); // the newest stand last
        clips.set(name, entry);
      }
      return entry.promise;
    };

    const keep = (name, buffer) => {
      const entry = clips.get(name);
      if (!entry || entry.address) return;
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

    const receive = (message, buffers) => {
      clearTimeout(overdue);
      if (isLate) room.complain("");
      isLate = false;
      if (message.kind === "state") {
        room.complain("");
        room.show(message);
      } else if (message.kind === "clip") keep(message.clip, buffers[0]);
      else if (message.kind === "no_clip") {
        clips.get(message.clip)?.reject(new Error(message.text));
        clips.delete(message.clip);
      } else if (message.kind === "trouble") room.complain(message.text);
    };

    keepKeys();
    const room = votingRoom(el, {
      begin: (rater) => send({ kind: "begin", rater }),
      answer: (pair, aspect, choice) => send({ kind: "answer", pair, aspect, choice }),
      undo: () => send({ kind: "undo" }),
      done: () => send({ kind: "done" }),
      goOn: () => send({ kind: "go_on" }),
      reveal: (on) => send({ kind: "reveal", on }),
      clip,
      save: null,
      keys: null,
    });
    model.on("msg:custom", receive);
    send({ kind: "hello" });

    return () => {
      clearTimeout(overdue);
      model.off("msg:custom", receive);
      room.close();
      for (const { address } of clips.values()) if (address) URL.revokeObjectURL(address);
    };
  },
};
