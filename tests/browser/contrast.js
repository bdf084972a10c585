// What can be read, and how well: the contrast of every text on the ground that is really behind it. Loaded into a page by the tests.
// Computed styles are asked, so what is folded away is measured too; nothing here looks at our style sheets.
window.contrast = (() => {
  const CONTROLS = "button, input, select, textarea, a[href], summary, label, kbd, [role=tab], [tabindex]";
  const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const known = new Map();

  // Any colour that CSS can name, as [red, green, blue, alpha].
  const read = (text) => {
    if (!known.has(text)) {
      pen.clearRect(0, 0, 1, 1);
      pen.fillStyle = "#000";
      pen.fillStyle = text;
      pen.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
      known.set(text, [r, g, b, a / 255]);
    }
    return known.get(text);
  };
  const over = ([r, g, b, a], below) => [r, g, b].map((value, i) => value * a + below[i] * (1 - a));
  const mix = (above, below, share) => above.map((value, i) => value * share + below[i] * (1 - share));
  const light = (colour) => {
    const [r, g, b] = colour.map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (one, other) => {
    const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  };

  // The grounds that an element paints over `below`: more than one where it is a gradient.
  const grounds = (style, below) => {
    const flat = over(read(style.backgroundColor), below);
    if (style.backgroundImage === "none" || style.backgroundImage.startsWith("url(")) return [flat];
    const stops = style.backgroundImage.match(/(?:rgba?|color|oklab|oklch|hsla?)\([^()]*\)/g) || [];
    return stops.map((stop) => over(read(stop), flat));
  };

  // What lies behind the text of an element: its ground (more than one below a gradient), and the veils around it, the nearest
  // last: everything inside an element of less than full opacity is mixed with what is below that element.
  const walked = new Map();
  const behind = (element) => {
    if (!walked.has(element)) walked.set(element, lookBehind(element));
    return walked.get(element);
  };
  const lookBehind = (element) => {
    const around = element.parentElement ?? element.getRootNode().host;
    const style = getComputedStyle(element);
    const canvas = matchMedia("(prefers-color-scheme: dark)").matches && style.colorScheme.includes("dark")
      ? [18, 18, 18]
      : [255, 255, 255];
    const brightness = style.filter === "none" ? 1 : Number(style.filter.match(/^brightness\(([\d.]+)\)$/)?.[1]);
    if (Number.isNaN(brightness)) throw new Error(`this filter cannot be measured: ${style.filter} of ${name(element)}`);
    const opacity = Number(style.opacity);
    return (around ? behind(around) : [{ ground: canvas, veils: [] }]).flatMap(({ ground: below, veils }) =>
      grounds(style, below).map((ground) => ({
        ground,
        veils: opacity < 1 || brightness !== 1 ? [...veils, { below, opacity, brightness }] : veils,
      }))
    );
  };
  const through = (veils, colour) =>
    veils.reduceRight(
      (seen, { below, opacity, brightness }) => mix(seen.map((value) => Math.min(255, value * brightness)), below, opacity),
      colour,
    );
  const worstOn = (element, colour) =>
    Math.min(...behind(element).map(({ ground, veils }) => ratio(through(veils, over(colour, ground)), through(veils, ground))));

  const isGone = (element) => behind(element)[0].veils.some(({ opacity }) => opacity === 0);

  const name = (element) => {
    const own = (element.getAttribute("aria-label") || element.innerText || element.textContent || element.placeholder || "").trim()
      .replace(/\s+/g, " ").slice(0, 40);
    return `${element.tagName.toLowerCase()}.${String(element.getAttribute("class") || "").replace(/\s+/g, ".")} “${own}”`;
  };

  // Elements whose text somebody reads: with text of their own, or fields.
  const hasText = (element) =>
    element.matches("input:not([type=range], [type=checkbox]), select, textarea") ||
    [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());

  const worst = (element, colour = getComputedStyle(element).color) => worstOn(element, read(colour));

  // Everything below these roots that is harder to read than it may be.
  const hardToRead = (roots, state, least) => {
    walked.clear();
    const found = [];
    let measured = 0;
    for (const root of document.querySelectorAll(roots)) {
      for (const element of [root, ...root.querySelectorAll("*")]) {
        if (
          element.closest("video, style, script, datalist, canvas, .sdw-hidden, .seedance-ballot-status") || element.tagName === "OPTION"
        ) continue;
        const control = element.closest(CONTROLS);
        const isIcon = element.tagName === "svg";
        if (!(hasText(element) || isIcon) || (state !== "idle" && !control)) continue;
        if (isGone(element)) continue;
        const style = getComputedStyle(element);
        measured += 1;
        const say = (what, value) => found.push(`${state}: ${what} of ${name(element)} ${value.toFixed(2)}`);
        const value = worst(element, style.color);
        if (value < least) say("text", value);
        if (element.matches("input, textarea") && element.placeholder) {
          const ghost = getComputedStyle(element, "::placeholder");
          const [r, g, b, a] = read(ghost.color);
          const faint = worst(element, `rgba(${r},${g},${b},${a * Number(ghost.opacity)})`);
          if (faint < least) say("placeholder", faint);
        }
      }
    }
    return { found, measured };
  };

  // Controls with the keyboard's focus that nobody would find: no ring, or one that does not stand out from what is around it.
  const withoutRing = (roots) => {
    walked.clear();
    const found = [];
    for (const root of document.querySelectorAll(roots)) {
      for (const element of root.querySelectorAll("button, input, select, textarea, a[href], summary, [tabindex='0']")) {
        if (isGone(element)) continue;
        const ringed = [element, element.parentElement].find((node) => {
          const style = getComputedStyle(node);
          if (style.outlineStyle === "auto") return true; // the browser's own
          if (["none", "hidden"].includes(style.outlineStyle) || parseFloat(style.outlineWidth) < 2) return false;
          return worst(node.parentElement, style.outlineColor) >= 3;
        });
        if (!ringed) found.push(`focus ring of ${name(element)}`);
      }
    }
    return found;
  };

  // A state without a hand on the mouse: each rule for it holds for what is marked too. A pseudo-class weighs as much as an attribute,
  // so which rule wins stays as it is. Asked for all at once: the developer tools force one element at a time.
  const STATE = /(?<!\[[^\]]*):(hover|active|focus-visible|focus-within|focus)(?![\w-])/g;
  const prepare = () => {
    const rewrite = (rules) => {
      for (const rule of rules) {
        if (rule.selectorText?.match(STATE) && !rule.selectorText.includes("data-forced")) {
          rule.selectorText = rule.selectorText.replace(STATE, ':is(:$1, [data-forced~="$1"])');
        }
        if (rule.cssRules) rewrite(rule.cssRules);
      }
    };
    for (const sheet of [...document.styleSheets, ...document.adoptedStyleSheets]) rewrite(sheet.cssRules);
  };
  const force = (roots, states) => {
    for (const root of document.querySelectorAll(roots)) {
      for (const element of [root, ...root.querySelectorAll("*")]) {
        if (states.length) element.dataset.forced = states.join(" ");
        else delete element.dataset.forced;
      }
    }
  };

  const now = (selector) => {
    walked.clear();
    return worst(document.querySelector(selector));
  };
  return { prepare, force, hardToRead, withoutRing, now };
})();
