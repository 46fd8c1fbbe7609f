// What the operators' pages do beyond forms and links: a training run shown as it goes on, and a
// new key copied. Without this file such a page reloads itself, and a key is copied by hand.

const place = (id) => document.getElementById(id);

const STAGES = {
  waiting: "waiting for whoever trains",
  snapshot: "reading the ratings",
  settings: "trying settings on validation users",
  judging: "judging by people that no training saw",
};
const figure = (value) => (typeof value === "number" ? value.toFixed(3) : "–");

const show = ({ progress }) => {
  const training = progress.stage === "training";
  place("stage").textContent = training
    ? `epoch ${progress.epoch} of ${progress.n_epochs}`
    : STAGES[progress.stage] ?? "starting";
  if (!training) return;
  place("bar").max = progress.n_epochs;
  place("bar").value = progress.epoch;
  place("validation").textContent = figure(progress["validation_ndcg@100"]);
  place("error").textContent = figure(progress.reconstruction_error);
};

const live = place("live");
if (live) {
  const events = new EventSource(live.dataset.events);
  events.onmessage = (event) => {
    place("lost").hidden = true;
    const run = JSON.parse(event.data);
    // What it has come to is told by the page of an ended run.
    if (run.finished_at) {
      events.close();
      location.reload();
    } else if (run.state === live.dataset.state) {
      show(run);
    } else {
      location.reload();
    }
  };
  events.onerror = () => {
    place("lost").hidden = false;
    if (events.readyState === EventSource.CLOSED) {
      place("lost").textContent = "There is no more news here: load the page again.";
    }
  };
}

const copy = place("copy");
if (copy && navigator.clipboard) {
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    const source = place(copy.dataset.copies);
    try {
      await navigator.clipboard.writeText(source.value);
      place("copied").textContent = "Copied.";
    } catch {
      source.select(); // the browser did not allow it: at least it is marked
      place("copied").textContent = "Copy it with the keyboard: it is marked.";
    }
  });
}
