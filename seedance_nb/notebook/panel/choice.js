// A label and a native drop-down; what is chosen is told by its words.

import { listen, make, offer } from "../../pages/kit.js";
/** @import { Model } from "../../pages/kit.js" */

/** @typedef {{ description: string, labels: string[], chosen: string }} Traits */

export default {
  /** @param {{ model: Model<Traits>, el: HTMLElement }} widget */
  render({ model, el }) {
    const label = make("label", "widget-label", model.get("description"));
    const select = make("select");
    select.id = label.htmlFor = `seedance-choice-${Math.random().toString(36).slice(2)}`;
    el.classList.add("seedance-choice");
    el.append(label, select);

    const draw = () => {
      offer(select, model.get("labels").map((text) => [text, text]));
      select.value = model.get("chosen");
    };

    select.addEventListener("change", () => {
      model.set("chosen", select.value);
      model.save_changes();
    });
    const stopListening = listen(model, { "change:labels": draw, "change:chosen": draw });
    draw();
    return stopListening;
  },
};
