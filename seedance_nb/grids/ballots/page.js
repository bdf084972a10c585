// The page's own door: clips lie in the page, votes stay in it until they are saved. Nothing leaves this page by itself.

import { make } from "../../pages/kit.js";
import { votingRoom } from "./room.js";
/** @import { Choice, State } from "./room.js" */

/**
 * What the page was written with. Pairs are told by their numbers; `asked` is the number of a prompt, `repeats` of an earlier pair;
 * `schedule` and `signature` go into the file unread: they say that all of this was asked.
 * @typedef {{
 *   format: string, version: number, ballot: string, aspects: string[], hint: string, prompts: string[], schedule: string, signature: string,
 *   pairs: { left: string, right: string, asked: number | null, repeats: number | null, kind: "training" | "vote" }[],
 * }} Ballot
 */
/** @typedef {{ id: string, pair: number, aspect: string, choice: Choice, at: number, repeats: string | null }} Vote */

/** @type {Ballot} */
const ballot = JSON.parse(written("ballot").textContent);
const shelf = `seedance-ballot-${ballot.ballot}`;
/** @type {Map<string, Promise<string>>} */
const clips = new Map(); // addresses by names
let rater = "";
/** @type {Vote[]} */
let votes = [];
let ended = false;
let saved = 0; // how many votes the last file held

/**
 * What stands in the page under this id.
 * @param {string} id
 */
function written(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`This page is damaged: ${id} is missing.`);
  return element;
}

// Each rater's votes stand by themselves: two people may use one browser.
const recall = () => {
  votes = [];
  try {
    const kept = JSON.parse(localStorage.getItem(`${shelf} ${rater}`) ?? "[]");
    if (!Array.isArray(kept)) return;
    votes = kept.filter((vote) => vote && ballot.pairs[vote.pair] && ballot.aspects.includes(vote.aspect));
  } catch {
    // no storage for files in this browser: the votes live as long as the page
  }
};

const lastRater = () => {
  try {
    return localStorage.getItem(shelf);
  } catch {
    return null;
  }
};

const remember = () => {
  try {
    localStorage.setItem(shelf, rater);
    localStorage.setItem(`${shelf} ${rater}`, JSON.stringify(votes));
  } catch {
    // as above
  }
};

/** @param {string} name */
const clip = (name) => {
  const address = clips.get(name) ?? read(name);
  clips.set(name, address);
  return address;
};

/**
 * @param {string} name
 * @returns {Promise<string>}
 */
const read = (name) =>
  new Promise((resolve) => {
    const bytes = Uint8Array.from(atob(written(`clip-${name}`).textContent.trim()), (letter) => letter.charCodeAt(0));
    resolve(URL.createObjectURL(new Blob([bytes], { type: "video/mp4" })));
  });

/** @param {number} pair */
const answersOf = (pair) => Object.fromEntries(votes.filter((vote) => vote.pair === pair).map((vote) => [vote.aspect, vote.choice]));
/** @param {number} pair */
const isJudged = (pair) => ballot.aspects.every((aspect) => aspect in answersOf(pair));
const current = () => ballot.pairs.findIndex((_, pair) => !isJudged(pair));

/** @returns {State} */
const state = () => {
  const at = current();
  const all = ballot.pairs.length;
  const judged = ballot.pairs.filter((_, pair) => isJudged(pair)).length;
  const pair = ballot.pairs[at];
  const following = ballot.pairs[at + 1];
  return {
    phase: !begun ? "name" : ended || at < 0 ? "end" : "vote",
    rater,
    aspects: ballot.aspects,
    pair: pair && {
      id: String(at),
      left: pair.left,
      right: pair.right,
      asked: pair.asked == null ? null : ballot.prompts[pair.asked] ?? null,
      answered: answersOf(at),
    },
    next: following && at >= 0 ? [following.left, following.right] : [],
    shown: null,
    progress: `pair ${Math.min(judged + 1, all)} of ${all}`,
    part: judged / all,
    canUndo: votes.length > 0,
    canGoOn: at >= 0,
    lines: endLines(at < 0, judged, all),
    code: "",
  };
};

/**
 * @param {boolean} complete
 * @param {number} judged
 * @param {number} all
 */
const endLines = (complete, judged, all) => [
  complete ? `That was the last pair. Thank you, ${rater}!` : `Thank you, ${rater}: ${judged} of ${all} pairs are judged.`,
  saved && saved === votes.length
    ? "Your votes are saved as a file: send it to whoever gave you this page."
    : "Save your votes as a file now, and send it to whoever gave you this page.",
];

/**
 * @param {string} pair
 * @param {string} aspect
 * @param {Choice} choice
 */
const answer = (pair, aspect, choice) => {
  const at = Number(pair);
  if (!(aspect in answersOf(at))) {
    const first = ballot.pairs[at]?.repeats;
    const earlier = first == null ? null : votes.find((vote) => vote.pair === first && vote.aspect === aspect);
    votes.push({ id: newId(), pair: at, aspect, choice, at: Date.now() / 1000, repeats: earlier ? earlier.id : null });
    remember();
  }
  room.show(state());
};

const undo = () => {
  const last = votes.at(-1);
  if (last) votes = votes.filter((vote) => vote.pair !== last.pair);
  ended = false;
  remember();
  room.show(state());
};

const save = () => {
  const file = {
    format: ballot.format,
    version: ballot.version,
    ballot: ballot.ballot,
    rater,
    aspects: ballot.aspects,
    schedule: ballot.schedule,
    signature: ballot.signature,
    votes,
  };
  const blob = new Blob([JSON.stringify(file, null, 1)], { type: "application/json" });
  const link = make("a");
  link.href = URL.createObjectURL(blob);
  link.download = `ballot-${fileName(rater)}.json`;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  saved = votes.length;
  room.show(state());
};

/** @param {string} text */
const fileName = (text) => text.normalize("NFKC").replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "") || "rater";

const newId = () => {
  if (crypto.randomUUID) return crypto.randomUUID();
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
};

let begun = false;
rater = lastRater() || ballot.hint;
const room = votingRoom(written("room"), {
  begin(name) {
    rater = name;
    begun = true;
    recall();
    remember();
    room.show(state());
  },
  answer,
  undo,
  done() {
    ended = true;
    room.show(state());
  },
  goOn() {
    ended = false;
    room.show(state());
  },
  clip,
  reveal: null,
  save,
  keys: document,
});
room.show(state());
addEventListener("beforeunload", (event) => {
  if (votes.length !== saved) event.preventDefault();
});
