// Requests to the service. All failures become one kind of error, which says when to retry.

const ROOT = document.body.dataset.root;
const RETRY_S = 3;

export class Trouble extends Error {
  constructor(message, { status = 0, retrySeconds = null } = {}) {
    super(message);
    this.status = status; // 0: the service was not reached
    this.retrySeconds = retrySeconds; // null: a retry would not help
  }
}

/** GET, or POST with a body; returns the parsed response. */
export async function ask(path, { body, signal } = {}) {
  const options = { signal, headers: { Accept: "application/json" } };
  if (body) {
    options.method = "POST";
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  let response;
  try {
    response = await fetch(ROOT + path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Trouble("The service cannot be reached. What you said is kept here.", {
      retrySeconds: RETRY_S,
    });
  }
  if (!response.ok) throw await troubleOf(response);
  return response.json();
}

async function troubleOf(response) {
  const { status } = response;
  const after = Number(response.headers.get("Retry-After")) || RETRY_S;
  if (status === 429) {
    return new Trouble("That was faster than the service allows.", { status, retrySeconds: after });
  }
  if (status === 401) {
    return new Trouble("This page is no longer open without a key.", { status });
  }
  let detail = "";
  try {
    detail = (await response.json()).detail;
  } catch {
    // a proxy answered, not the service
  }
  const passes = status >= 500;
  const text = detail || "The service does not answer as it should.";
  return new Trouble(text, { status, retrySeconds: passes ? after : null });
}
