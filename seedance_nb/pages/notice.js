// The browser's own notification, for who has asked for one. Permission is asked at a click of theirs, and nobody is told of what they see.

import { make, say } from "./kit.js";

const REFUSED = "The browser shows no notifications from this page.";

/**
 * A button that asks for permission, while that is open, and words on what will come; both stay away until `draw(true)`.
 * @param {string} className of the button
 * @param {() => boolean} isSeen whether what would be told is on screen
 */
export function notice(className, isSeen) {
  const button = make("button", className, "Notify me");
  const said = make("span", "seedance-notice-said");
  const place = make("span", "seedance-notice", button, said);
  place.hidden = true;
  let wanted = false;
  let refused = "";

  const stands = () => {
    if (refused || typeof Notification === "undefined" || !globalThis.isSecureContext) return "denied";
    return Notification.permission;
  };
  const draw = (wants = wanted) => {
    wanted = wants;
    place.hidden = !wanted;
    const now = stands();
    button.hidden = now !== "default";
    say(said, now === "granted" ? "The browser will tell when it is done." : now === "denied" ? refused || REFUSED : "");
  };
  button.addEventListener("click", async () => {
    try {
      await Notification.requestPermission();
    } catch {
      refused = REFUSED;
    }
    draw();
  });

  /**
   * @param {string} title
   * @param {string} body
   * @param {string} tag what two pages that tell of the same have in common: it is shown once
   */
  const tell = (title, body, tag) => {
    if (!wanted || stands() !== "granted" || isSeen()) return;
    try {
      const shown = new Notification(title, { body, tag });
      shown.onclick = () => {
        globalThis.focus();
        shown.close();
      };
    } catch {
      refused = REFUSED;
      draw();
    }
  };
  return { place, draw, tell };
}
