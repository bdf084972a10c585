// The takes of a story, a row a shot, each with a button. Every text goes through textContent.

import { keepKeys, listen, make, redraw, say } from "../../pages/kit.js";
/** @import { Model } from "../../pages/kit.js" */

/** @typedef {{ picture: string, words: string, there: boolean }} Take */
/** @typedef {{ prompt: string, takes: Take[] }} Shot */
/** @typedef {{ number: number, shot: number, take: number, words: string }} Asked */
/** @typedef {{ shots: Shot[], picks: (number | null)[], asked: Partial<Asked>, says: string }} Traits */

export default {
  /** @param {{ model: Model<Traits>, el: HTMLElement }} widget */
  render({ model, el }) {
    const ui = {
      all: make("div", "seedance-picker"),
      rows: make("div", "seedance-picker-rows"),
      asked: make("div", "seedance-picker-asked"),
      words: make("p", "seedance-picker-words"),
      go: make("button", "seedance-picker-button seedance-picker-go", "Make them"),
      leave: make("button", "seedance-picker-button", "Leave it"),
      says: make("p", "seedance-picker-says"),
    };
    ui.all.setAttribute("role", "group");
    ui.all.setAttribute("aria-label", "Takes of the story");
    ui.says.setAttribute("aria-live", "polite");
    ui.asked.setAttribute("aria-live", "polite");
    keepKeys(ui.all);
    ui.asked.append(ui.words, ui.go, ui.leave);
    ui.all.append(ui.rows, ui.asked, ui.says);
    el.append(ui.all);

    const draw = () => {
      const picks = model.get("picks");
      const facts = model.get("shots").map((shot, index) => ({ shot, number: index + 1, pick: picks[index] ?? null }));
      redraw(ui.rows, facts, ({ shot, number, pick }) => row(shot, number, pick));
      const asked = model.get("asked");
      ui.asked.hidden = !asked.words;
      say(ui.words, asked.words || "");
      ui.go.disabled = false;
      say(ui.says, model.get("says"));
    };

    /**
     * @param {Shot} shot
     * @param {number} number
     * @param {number | null} pick
     */
    const row = (shot, number, pick) => {
      const head = make("p", "seedance-picker-prompt", `${number} · ${shot.prompt}`);
      head.dir = "auto";
      const takes = shot.takes.map((take, index) => {
        const picked = pick === index + 1;
        const label = picked ? `Take ${index + 1}, picked` : `Pick take ${index + 1}`;
        const button = make("button", { className: "seedance-picker-button", disabled: picked || !take.there }, label);
        button.setAttribute("aria-label", `${label} of shot ${number}`);
        button.addEventListener("click", () => model.send({ kind: "ask", shot: number, take: index + 1 }));
        const shown = take.picture
          ? make("img", { className: "seedance-picker-picture", src: take.picture, alt: `take ${index + 1}` })
          : make("span", "seedance-picker-picture", take.words);
        const tile = make("div", "seedance-picker-take", shown, button);
        tile.dataset.picked = String(picked);
        return tile;
      });
      return make("div", "seedance-picker-row", head, make("div", "seedance-picker-takes", ...takes));
    };

    ui.go.addEventListener("click", () => {
      ui.go.disabled = true; // one press, one order
      model.send({ kind: "go", number: model.get("asked").number });
    });
    ui.leave.addEventListener("click", () => model.send({ kind: "leave" }));
    const stopListening = listen(model, {
      "change:shots": draw,
      "change:picks": draw,
      "change:asked": draw,
      "change:says": draw,
    });
    draw();
    return stopListening;
  },
};
