// The first minute: well-known, different films to tap, while the list follows.

import { ask } from "./api.js";
import { hangPosters } from "./covers.js";
import { listen } from "./films.js";
import { fillTiles } from "./opened.js";

const N_SCREENS = 3; // as many as the service chooses films for

export class First {
  #place = document.getElementById("first");
  #tiles = document.getElementById("first-films");
  #open = document.getElementById("first-open");
  #films = JSON.parse(this.#place.dataset.films);
  #begin = [this.#films];
  #screen = 0;
  #state;

  /** `say(film, kind)` is called for taps. */
  constructor(state, say) {
    this.#state = state;
    listen(this.#tiles, (id, kind) => say(this.#films.find((film) => film.movie_id === id), kind));
    document.getElementById("first-close").addEventListener("click", () => {
      this.show(false);
      this.#open.focus();
    });
    this.#open.addEventListener("click", () => {
      this.show(true);
      this.#tiles.querySelector("button")?.focus();
    });
    document.getElementById("first-others").addEventListener("click", () => this.#others());
    state.onChange(() => this.#place.hidden || this.#fill());
  }

  /** Open or put away the films; without any, there is nothing to open. */
  show(isOpen) {
    const has = this.#films.length > 0;
    document.documentElement.removeAttribute("data-linked"); // see `theme.js`
    this.#place.hidden = !(isOpen && has);
    this.#open.hidden = isOpen || !has;
    if (!this.#place.hidden) this.#fill();
  }

  #fill() {
    fillTiles(this.#tiles, this.#films, this.#state.now.said);
    hangPosters(this.#tiles);
  }

  async #others() {
    this.#screen = (this.#screen + 1) % N_SCREENS;
    if (!this.#begin[this.#screen]) {
      const n = this.#begin[0].length;
      try {
        const { items } = await ask(`/movies?sort=telling&limit=${N_SCREENS * n}`);
        for (let k = 0; k < N_SCREENS; k += 1) this.#begin[k] = items.slice(k * n, (k + 1) * n);
      } catch {
        this.#screen = 0; // the films that are there stay
      }
      if (!this.#begin[this.#screen]?.length) this.#screen = 0;
    }
    this.#films = this.#begin[this.#screen];
    this.#fill();
  }
}
