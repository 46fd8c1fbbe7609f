// What the visitor said, and filters, with undo. They are written into the fragment of the address,
// which browsers do not send to the service.

const NUMBER = /^[1-9]\d{0,9}$/;
const MAX_NUMBER = 2 ** 31 - 1;
const KEY = new RegExp(document.getElementById("desk").dataset.key, "u");
const MAX_KEY_LENGTH = 200;
const KINDS = ["like", "dislike", "seen", "hidden"];

/** Write the key of a film into an address, where dots or commas stand between keys. */
const inAddress = (id) => encodeURIComponent(id).replaceAll(".", "%2E");

/** Read the key of a film as the service has it: a number, or else a text; null for no key. */
function filmId(text) {
  let key;
  try {
    key = decodeURIComponent(text);
  } catch {
    return null;
  }
  if (NUMBER.test(key) && Number(key) <= MAX_NUMBER) return Number(key);
  return KEY.test(key) && [...key].length <= MAX_KEY_LENGTH ? key : null;
}

/** The empty state; titles of films come from the service. */
const nothing = () => ({
  said: new Map(), // film id → one of KINDS, the latest last
  genre: "",
  from: "",
  to: "",
  seed: null, // of a surprise; null for the best films
  as: "", // user of the public release whose ratings these are
});

export class State {
  #steps = [];
  #now = nothing();
  #listeners = [];

  get now() {
    return this.#now;
  }

  get canUndo() {
    return this.#steps.length > 0;
  }

  get isBlank() {
    return toFragment(this.#now) === "";
  }

  onChange(listener) {
    this.#listeners.push(listener);
  }

  /** Say something of a film, or take back what was said (null). */
  say(id, kind) {
    const said = new Map(this.#now.said);
    said.delete(id); // so that the latest is the last entry
    if (kind !== null) said.set(id, kind);
    this.change({ said, as: "" });
  }

  /** Remove films that do not exist, without a step to undo. */
  drop(ids) {
    for (const id of ids) this.#now.said.delete(id);
  }

  change(changes) {
    this.#steps.push(this.#now);
    this.#set({ ...this.#now, ...changes });
  }

  /** Set the state from the address, with nothing to undo. */
  begin(first) {
    this.#steps = [];
    this.#set(first);
  }

  undo() {
    if (this.canUndo) this.#set(this.#steps.pop());
  }

  reset() {
    this.change(nothing());
  }

  #set(next) {
    this.#now = next;
    for (const listener of this.#listeners) listener(next);
  }
}

/** The opinions of a state, in the form of the service. */
export const ratingsOf = ({ said }) =>
  [...said].filter(([, kind]) => isOpinion(kind)).map(([movie_id, kind]) => ({ movie_id, liked: kind === "like" }));

/** The films of a state that lists leave out, though nobody said whether they are liked. */
export const hiddenOf = ({ said }) => [...said].filter(([, kind]) => !isOpinion(kind)).map(([id]) => id);

const isOpinion = (kind) => kind === "like" || kind === "dislike";

/** Write a state as the fragment of an address, without its #. */
export function toFragment(state) {
  const parts = [];
  const add = (name, value) => parts.push(`${name}=${encodeURIComponent(value)}`);
  if (state.as) {
    add("as", state.as); // whose ratings are looked up again
  } else {
    for (const kind of KINDS) {
      const ids = [...state.said].filter(([, said]) => said === kind).map(([id]) => id);
      if (ids.length) add(kind, ids.map(inAddress).join("."));
    }
  }
  for (const name of ["genre", "from", "to"]) if (state[name]) add(name, state[name]);
  if (state.seed !== null) add("seed", state.seed);
  return parts.join("&");
}

/** Read a fragment, or the query of the page without scripts; invalid parts are ignored. */
export function fromFragment(text) {
  const state = nothing();
  const fields = new URLSearchParams(text);
  const year = (name) => (/^\d{4}$/.test(fields.get(name) ?? "") ? fields.get(name) : "");
  for (const kind of KINDS) {
    for (const id of fields.getAll(kind).flatMap((ids) => ids.split(/[.,]/)).map(filmId)) {
      if (id !== null) state.said.set(id, kind);
    }
  }
  for (const id of fields.getAll("forget")) state.said.delete(filmId(id));
  state.genre = (fields.get("genre") ?? "").slice(0, 50);
  state.from = year("from");
  state.to = year("to");
  if (/^\d{1,9}$/.test(fields.get("seed") ?? "")) state.seed = Number(fields.get("seed"));
  state.as = fields.get("as") ?? "";
  return state;
}
