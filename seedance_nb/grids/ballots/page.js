// The page's own door: clips lie in the page, votes stay in it until they are saved. Nothing leaves this page by itself.

import { make } from "../../pages/kit.js";
import { votingRoom } from "./room.js";
/** @import { Choice, Effort, State } from "./room.js" */

/**
 * What the page was written with. Pairs are told by their numbers; `asked` is the number of a prompt, `repeats` of an earlier pair;
 * `schedule` and `signature` go into the file unread: they say that all of this was asked.
 * @typedef {{
 *   format: string, version: number, ballot: string, aspects: string[], hint: string, note?: string, prompts: string[], schedule: string,
 *   signature: string,
 *   pairs: { left: string, right: string, asked: number | null, repeats: number | null, kind: "training" | "vote" }[],
 * }} Ballot
 */
/** @typedef {{ pair: number, aspect: string, choice: Choice, at: number } & Effort} Vote */

/** @type {Ballot} */
const ballot = JSON.parse(written("ballot").textContent);
const shelf = `seedance-ballot-${ballot.ballot}`;
/** @type {Map<string, Promise<string>>} */
const clips = new Map(); // addresses by names
let rater = "";
/** @type {Vote[]} */
let votes = [];
let ended = false;
let withdrawn = false;
/** @type {Set<number>} */
const skipped = new Set(); // pairs that could not be played here
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
const current = () => ballot.pairs.findIndex((_, pair) => !isJudged(pair) && !skipped.has(pair));
/** @param {number} pair */
const counts = (pair) => ballot.pairs[pair]?.kind !== "training";

/** @returns {State} */
const state = () => {
  const at = current();
  const counted = [...ballot.pairs.keys()].filter(counts);
  const all = counted.length;
  const judged = counted.filter(isJudged).length;
  const pair = ballot.pairs[at];
  const following = ballot.pairs[at + 1];
  return {
    phase: !begun ? "name" : ended || withdrawn || at < 0 ? "end" : "vote",
    rater,
    aspects: ballot.aspects,
    pair: pair && {
      id: String(at),
      left: pair.left,
      right: pair.right,
      asked: pair.asked == null ? null : ballot.prompts[pair.asked] ?? null,
      answered: answersOf(at),
      kind: counts(at) ? "vote" : "training",
    },
    next: following && at >= 0 ? [following.left, following.right] : [],
    shown: null,
    progress: pair && !counts(at) ? `practice, then ${all} pairs` : `pair ${Math.min(judged + 1, all)} of ${all}`,
    part: judged / all,
    canUndo: votes.length > 0,
    canGoOn: at >= 0 && !withdrawn,
    lines: withdrawn ? withdrawnLines() : endLines(judged === all, judged, all),
    code: "",
    judged,
    all,
    note: ballot.note ?? "",
    stored: withdrawn
      ? ""
      : `Kept in this browser and in the file that you save: the name ${rater || "above"}, your answers, when you gave each, how ` +
        "many seconds it took and how often you watched both clips. Nothing else, and nothing leaves this page by itself.",
    canWithdraw: votes.length > 0,
    canSave: votes.length > 0,
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

const withdrawnLines = () => [
  "Your answers are withdrawn: nothing of them is left in this page.",
  `If you have sent your file already, ask whoever gave you this page to withdraw ${rater}.`,
];

/**
 * @param {string} pair
 * @param {string} aspect
 * @param {Choice} choice
 * @param {Effort} effort
 */
const answer = (pair, aspect, choice, effort) => {
  const at = Number(pair);
  if (!(aspect in answersOf(at))) {
    votes.push({ pair: at, aspect, choice, at: Date.now() / 1000, ...effort });
    remember();
  }
  room.show(state());
};

const undo = () => {
  const last = votes.at(-1);
  if (last) votes = votes.filter((vote) => vote.pair !== last.pair);
  ended = false;
  skipped.clear();
  remember();
  room.show(state());
};

const withdraw = () => {
  votes = [];
  saved = 0;
  withdrawn = true;
  try {
    localStorage.removeItem(`${shelf} ${rater}`);
    localStorage.removeItem(shelf);
  } catch {
    // no storage: there was nothing in it
  }
  room.show(state());
};

/** @param {string} pair */
const skip = (pair) => {
  skipped.add(Number(pair));
  room.show(state());
};

/** @param {string} name the rater whose votes may lie in this browser */
const hasVotes = (name) => {
  try {
    return JSON.parse(localStorage.getItem(`${shelf} ${name}`) ?? "[]").length > 0;
  } catch {
    return false;
  }
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

let begun = false;
rater = lastRater() || ballot.hint;
const room = votingRoom(written("room"), {
  begin(name) {
    const other = lastRater();
    if (other && other !== name && hasVotes(other)) {
      room.complain(`This page is ${other}'s, who has voted here: ask for a page of your own, or go on as ${other}.`);
      return;
    }
    room.complain("");
    rater = name;
    begun = true;
    recall();
    remember();
    room.show(state());
  },
  answer,
  skip,
  undo,
  withdraw,
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
