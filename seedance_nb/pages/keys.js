// Which keys pressed inside our outputs a notebook may have. To Jupyter a plain letter is a command for the cell (d d deletes it, x cuts
// it, 0 0 restarts the kernel), whatever has the focus. What is ours bears data-lm-suppress-shortcuts="seedance", where JupyterLab looks
// for no shortcut; that would take Shift+Enter and Ctrl+S too, so while such a key is told the mark is away.

const OURS = '[data-lm-suppress-shortcuts="seedance"]';

function isForTheNotebook({ key, shiftKey, ctrlKey, altKey, metaKey }) {
  return ctrlKey || altKey || metaKey || key === "Escape" || key === "Tab" || (key === "Enter" && shiftKey);
}

// Once for a page, whoever comes first: it serves all outputs, also those that have no script.
function keepKeys() {
  if (window.seedanceKeys) return;
  window.seedanceKeys = true;
  window.addEventListener(
    "keydown",
    (event) => {
      if (!isForTheNotebook(event)) return;
      for (let node = event.target.closest?.(OURS); node; node = node.parentElement?.closest(OURS)) {
        node.removeAttribute("data-lm-suppress-shortcuts");
        setTimeout(() => node.setAttribute("data-lm-suppress-shortcuts", "seedance"));
      }
    },
    true, // before JupyterLab, which listens at the document
  );
  // Other notebooks listen at the document and know no such mark.
  document.body.addEventListener("keydown", (event) => {
    if (!isForTheNotebook(event) && event.target.closest?.(OURS)) event.stopPropagation();
  });
}
