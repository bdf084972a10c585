// What the driver asks of a page. Loaded into every page before its own scripts, also after a reload.
// The application is asked for what it knows (is the kernel there, is this cell running), the DOM for what a person sees.
window.driver = {
  // In a window without the focus no widget is the current one.
  panel() {
    const shell = window.jupyterapp?.shell;
    return shell?.currentWidget ?? [...(shell?.widgets("main") ?? [])][0];
  },

  isOpen() {
    const panel = this.panel();
    return Boolean(panel?.context?.isReady && panel.content.widgets.length > 0);
  },

  isKernelReady() {
    const kernel = this.panel().sessionContext.session?.kernel;
    return kernel?.connectionStatus === "connected" && kernel.status === "idle" && this.areWidgetsRestored();
  },

  // A page that opens asks its kernel what widgets there are, and loses what is said to one that is opened meanwhile.
  areWidgetsRestored() {
    const mimeType = "application/vnd.jupyter.widget-view+json";
    const renderer = this.panel().content.rendermime.createRenderer(mimeType, {});
    renderer._manager?.promise.then((manager) => {
      this.widgets = manager;
    });
    return Boolean(this.widgets?.restoredStatus);
  },

  hasKernel() {
    return Boolean(this.panel().sessionContext.session?.kernel);
  },

  // One of the application's own commands. Not awaited here: the driver waits with a limit.
  command(name) {
    this.commandEnded = false;
    window.jupyterapp.commands.execute(name).finally(() => {
      this.commandEnded = true;
    });
  },

  cell(index) {
    return this.panel().content.widgets[index];
  },

  isRunning(index) {
    return this.cell(index).node.querySelector(".jp-InputPrompt").textContent.includes("*");
  },

  runs(index) {
    return this.cell(index).model.sharedModel.execution_count;
  },

  // Not running, and numbered anew since it was `before`.
  hasRun(index, before) {
    const runs = this.runs(index);
    return runs !== null && runs !== before && !this.isRunning(index);
  },

  select(index) {
    const notebook = this.panel().content;
    notebook.activeCellIndex = index;
    notebook.deselectAll();
    notebook.activate();
    notebook.mode = "command";
  },

  isTrusted(index) {
    return this.cell(index).model.trusted;
  },

  // What a person reads in the cell's outputs, without the prompts.
  text(index) {
    const outputs = this.cell(index).node.querySelectorAll(".jp-OutputArea-output");
    return [...outputs].map((output) => output.innerText.trim()).join("\n");
  },

  allTexts() {
    return this.isOpen() ? this.panel().content.widgets.map((_, index) => this.text(index)) : null;
  },

  // From here on, note when a key was pressed and every text that the cell's role=status shows afterwards.
  watch(index) {
    const node = this.cell(index).node;
    const seen = (this.seen = { pressed: null, texts: [] });
    const note = () => {
      const status = node.querySelector('.jp-Cell-outputWrapper [role="status"]');
      const text = status?.getClientRects().length ? status.innerText.trim() : "";
      if (seen.pressed === null || !text || text === seen.texts.at(-1)?.text) return;
      const cells = this.panel().content.widgets.map((_, i) => i);
      seen.texts.push({ text, seconds: (performance.now() - seen.pressed) / 1000, running: cells.filter((i) => this.isRunning(i)) });
    };
    const press = (event) => {
      if (event.key === "Enter") seen.pressed ??= event.timeStamp;
    };
    document.addEventListener("keydown", press, { capture: true });
    new MutationObserver(note).observe(node, { subtree: true, childList: true, characterData: true });
  },

  // The nth video of the page, or of one cell's outputs.
  video({ nth, cell }) {
    const root = cell === null ? document : this.cell(cell).node;
    return root.querySelectorAll("video")[nth];
  },

  // Press play, as a person would after scrolling there. Whether it plays is seen by `isPlaying`: play()'s own promise never
  // settles for a video without a source.
  play(which) {
    const video = this.video(which);
    video.scrollIntoView({ block: "center" });
    video.muted = true;
    video.dataset.from = video.currentTime;
    video.play().catch(() => {});
  },

  isPlaying(which, seconds) {
    const video = this.video(which);
    const from = Number(video.dataset.from);
    return video.readyState === HTMLMediaElement.HAVE_ENOUGH_DATA && video.currentTime - from >= seconds;
  },

  describe(which) {
    const video = this.video(which);
    if (!video) return null;
    return {
      readyState: video.readyState,
      currentTime: video.currentTime,
      duration: video.duration,
      width: video.videoWidth,
      height: video.videoHeight,
      scheme: video.currentSrc.split(":")[0],
      error: video.error && `${video.error.code} ${video.error.message}`,
    };
  },

  describeAll() {
    return [...document.querySelectorAll("video")].map((_, nth) => this.describe({ nth, cell: null }));
  },
};
