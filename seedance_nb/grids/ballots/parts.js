// What the voting room is made of: elements and their names, nothing that acts.

let rooms = 0; // labels need ids that are unique on the page

function buildRoom(el) {
  const own = `seedance-ballot-${Date.now().toString(36)}-${(rooms += 1)}`;
  const ui = {
    room: make("section", "seedance-ballot"),
    status: make("p", "seedance-ballot-status"),
    complaint: make("p", "seedance-ballot-trouble"),
    trouble: make("p", "seedance-ballot-trouble"),
  };
  ui.room.tabIndex = -1;
  ui.room.setAttribute("aria-label", "Blind votes");
  ui.room.dataset.lmSuppressShortcuts = "seedance";
  ui.status.setAttribute("role", "status");
  ui.complaint.setAttribute("role", "alert");
  nameForm(ui, own);
  head(ui);
  stage(ui);
  questions(ui);
  transport(ui, own);
  bottom(ui, own);
  ending(ui);
  ui.room.append(ui.name, ui.head, ui.stage, ui.ask, ui.transport, ui.bottom, ui.end, ui.complaint, ui.status);
  el.append(ui.room);
  return ui;
}

function nameForm(ui, own) {
  ui.name = make("div", "seedance-ballot-name");
  ui.form = make("form", "seedance-ballot-form");
  ui.input = make("input", "seedance-ballot-input");
  ui.input.id = `${own}-rater`;
  ui.input.maxLength = 60;
  ui.input.required = true;
  ui.input.autocomplete = "name";
  ui.input.type = "text";
  const label = make("label", "", "Your name, as it shall stand beside your votes");
  label.htmlFor = ui.input.id;
  const start = button("Start voting", "seedance-ballot-primary");
  start.type = "submit";
  ui.form.append(label, ui.input, start);
  ui.name.append(
    make("p", "seedance-ballot-title", "Which clip is better?"),
    make(
      "p",
      "seedance-ballot-quiet",
      "You will see two clips side by side and not what they were made with. Which stands on which side is decided by coin; some pairs come twice.",
    ),
    ui.form,
  );
  ui.name.hidden = true;
}

function head(ui) {
  ui.head = make("div", "seedance-ballot-head");
  ui.question = make("p", "seedance-ballot-title");
  ui.steps = make("div", "seedance-ballot-steps");
  ui.asked = make("p", "seedance-ballot-asked seedance-ballot-quiet");
  ui.asked.dir = "auto";
  ui.head.append(ui.question, ui.steps, ui.asked);
}

function stage(ui) {
  ui.stage = make("div", "seedance-ballot-stage");
  ui.videos = [];
  ui.labels = [];
  for (const side of ["A", "B"]) {
    const figure = make("figure", "seedance-ballot-clip");
    const video = make("video", "seedance-ballot-video");
    video.muted = video.playsInline = true;
    video.preload = "auto";
    video.disablePictureInPicture = true;
    video.setAttribute("aria-label", `Clip ${side}`);
    const caption = make("figcaption", "seedance-ballot-label");
    const letter = make("span", "seedance-ballot-letter", side);
    const name = make("span");
    caption.append(letter, name);
    figure.append(video, caption);
    ui.videos.push(video);
    ui.labels.push(name);
    ui.stage.append(figure);
  }
  ui.loading = make("p", "seedance-ballot-loading", "The clips are on their way…");
  ui.loading.setAttribute("aria-hidden", "true"); // the status says it
  ui.stage.append(ui.loading, ui.trouble);
}

function questions(ui) {
  ui.ask = make("div", "seedance-ballot-ask");
  ui.choices = {
    left: button("A", "seedance-ballot-choice", "A"),
    tie: button("Tie", "seedance-ballot-choice", "T"),
    "both bad": button("Both bad", "seedance-ballot-choice", "X"),
    right: button("B", "seedance-ballot-choice", "B"),
  };
  ui.choices.left.setAttribute("aria-label", "A is better");
  ui.choices.right.setAttribute("aria-label", "B is better");
  say(ui.choices.left.querySelector("span"), "A is better");
  say(ui.choices.right.querySelector("span"), "B is better");
  ui.said = make("p", "seedance-ballot-quiet");
  ui.next = button("Next pair", "seedance-ballot-primary", "Enter");
  ui.ask.append(...["left", "tie", "both bad", "right"].map((choice) => ui.choices[choice]), ui.said, ui.next);
}

function transport(ui, own) {
  ui.transport = make("div", "seedance-ballot-transport");
  ui.transport.setAttribute("role", "group");
  ui.transport.setAttribute("aria-label", "Both clips");
  ui.play = button("Play", "seedance-ballot-small", "Space");
  ui.playName = ui.play.querySelector("span");
  ui.replay = button("Replay", "seedance-ballot-small", "R");
  ui.enlarge = button("Enlarge", "seedance-ballot-small", "E");
  ui.position = make("input", "seedance-ballot-position");
  ui.position.type = "range";
  ui.position.max = "1000";
  ui.position.value = "0";
  ui.position.setAttribute("aria-label", "Position in both clips");
  ui.time = make("span", "seedance-ballot-time");
  ui.speed = picker("Speed", `${own}-speed`, [0.25, 0.5, 1, 1.5, 2].map((value) => [String(value), `${value}×`]));
  ui.speed.value = "1";
  ui.sound = picker("Sound", `${own}-sound`, ["off", "A", "B"].map((value) => [value, value]));
  ui.transport.append(ui.play, ui.replay, ui.position, ui.time, ui.speed.parentNode, ui.sound.parentNode, ui.enlarge);
}

function bottom(ui, own) {
  ui.bottom = make("div", "seedance-ballot-bottom");
  ui.undo = button("Undo", "seedance-ballot-small", "U");
  ui.bar = make("progress", "seedance-ballot-bar");
  ui.bar.max = 1;
  ui.bar.setAttribute("aria-label", "Pairs judged");
  ui.progress = make("span", "seedance-ballot-progress seedance-ballot-quiet");
  ui.revealLabel = make("label", "seedance-ballot-check");
  ui.reveal = make("input");
  ui.reveal.type = "checkbox";
  ui.reveal.id = `${own}-reveal`;
  ui.revealLabel.htmlFor = ui.reveal.id;
  ui.revealLabel.append(ui.reveal, "after each vote, show what they were");
  ui.save = button("Save my votes", "seedance-ballot-small");
  ui.done = button("Done", "seedance-ballot-small");
  ui.bottom.append(ui.undo, ui.bar, ui.progress, ui.revealLabel, ui.save, ui.done);
}

function ending(ui) {
  ui.end = make("div", "seedance-ballot-end");
  ui.lines = make("div", "seedance-ballot-lines");
  ui.code = make("code", "seedance-ballot-code");
  ui.saveAtEnd = button("Save my votes", "seedance-ballot-primary");
  ui.goOn = button("Vote on", "seedance-ballot-small");
  ui.undoAtEnd = button("Undo the last pair", "seedance-ballot-small", "U");
  const row = make("div", "seedance-ballot-row");
  row.append(ui.saveAtEnd, ui.goOn, ui.undoAtEnd);
  ui.end.append(ui.lines, ui.code, row);
  ui.end.hidden = true;
}

function button(text, className, key = "") {
  const node = make("button", `seedance-ballot-button ${className}`);
  node.type = "button";
  node.append(make("span", "", text));
  if (key) {
    const hint = make("kbd", "seedance-ballot-key", key);
    hint.setAttribute("aria-hidden", "true");
    node.append(hint);
    node.setAttribute("aria-keyshortcuts", key);
  }
  return node;
}

function picker(text, id, options) {
  const field = make("label", "seedance-ballot-picker", text);
  const node = make("select");
  node.id = field.htmlFor = id;
  for (const [value, shown] of options) node.append(new Option(shown, value));
  field.append(node);
  return node;
}
