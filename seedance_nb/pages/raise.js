// The only place where HTML is parsed, kept apart from the kit: whoever does not import it cannot.

/**
 * Puts a wall on the page, which our own kernel made: the only HTML that is ever parsed. Scripts that come as HTML only run when
 * they are made anew.
 * @param {Element} stage
 * @param {string} html
 */
export function raise(stage, html) {
  stage.innerHTML = html;
  const page = /** @type {Window & { seedanceStage?: Element }} */ (window);
  page.seedanceStage = stage; // in a shadow tree, as around marimo's widgets, a script does not know itself where it stands
  for (const old of stage.querySelectorAll("script")) {
    const script = document.createElement("script");
    for (const { name, value } of old.attributes) script.setAttribute(name, value);
    script.textContent = old.textContent;
    old.replaceWith(script);
  }
  delete page.seedanceStage;
}
