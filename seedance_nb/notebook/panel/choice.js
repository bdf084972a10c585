// A label and a native drop-down; what is chosen is told by its words.

export default {
  render({ model, el }) {
    const label = document.createElement("label");
    const select = document.createElement("select");
    select.id = label.htmlFor = `seedance-choice-${Math.random().toString(36).slice(2)}`;
    label.className = "widget-label";
    label.textContent = model.get("description");
    el.classList.add("seedance-choice");
    el.append(label, select);

    const draw = () => {
      const labels = model.get("labels");
      if ([...select.options].map((option) => option.value).join("\n") !== labels.join("\n"))
        select.replaceChildren(...labels.map((text) => new Option(text, text)));
      select.value = model.get("chosen");
    };

    select.addEventListener("change", () => {
      model.set("chosen", select.value);
      model.save_changes();
    });
    model.on("change:labels", draw);
    model.on("change:chosen", draw);
    draw();
    return () => {
      model.off("change:labels", draw);
      model.off("change:chosen", draw);
    };
  },
};
