// Events as this page takes them: whoever may write an Airflow task may write an event, and a later mldns another one.
// A field that is not what it should be is left out and named in `unread`, so that nothing behind this can stumble.

const AHEAD = 5 * 60 * 1000; // ms that the clocks of a worker and of the API server may be apart
const MOST_UNREAD = 5;

/** A zone's snapshot; `timestamp` is when Airflow recorded it. */
export function zoneShape(extra, timestamp) {
  return shaped(extra, (read) => ({
    ...place(read),
    visibility: read.text("visibility"),
    name_servers: read.texts("name_servers"),
    taken: moment(extra.taken, timestamp),
    run: read.part("run", run),
    quota: read.part("quota", (part) => ({ rrsets: part.number("rrsets"), limit: part.number("limit") }), ["rrsets", "limit"]),
    quota_reason: read.text("quota_reason"),
    resolution: read.part(
      "resolution",
      (part) => ({ names: part.number("names"), ok: part.number("ok"), seconds: part.number("seconds"), servers: part.list("servers", server) }),
      ["names", "ok", "seconds"],
    ),
    resolution_reason: read.text("resolution_reason"),
    iam: read.part("iam", (part) => ({ recorded: part.number("recorded"), standing: part.number("standing"), lost: part.texts("lost") }), ["recorded", "standing"]),
    jobs_total: read.number("jobs_total"),
    jobs: read.list("jobs", job, ["job"]),
    foreign: read.part("foreign", (part) => ({ count: part.number("count"), first: part.texts("first") }), ["count"]),
    damaged: read.texts("damaged"),
    error: read.text("error"),
    attention: extra.attention === true,
    reasons: read.list("reasons", (part) => ({ what: part.text("what"), job: part.text("job"), do: part.text("do") }), ["what"]),
    reasons_total: read.number("reasons_total"),
    actions: read.part("actions", (part) => ({
      dry_run: part.value.dry_run === true,
      repaired: part.number("repaired") ?? 0,
      collected: part.texts("collected"),
      refused: part.texts("refused"),
    })),
  }));
}

/** A phase that a job came to. */
export function jobShape(extra, timestamp) {
  if (typeof extra.job !== "string" || typeof extra.phase !== "string") return null;
  return shaped(extra, (read) => ({
    ...place(read),
    job: extra.job,
    phase: extra.phase,
    at: moment(extra.at, timestamp),
    records: read.number("records"),
    claimant: read.text("claimant"),
    lease: read.text("lease"),
    expires: read.time("expires"),
    run: read.part("run", run),
    gate: read.part("gate", (part) => ({ ok: part.value.ok !== false, seconds: part.number("seconds"), names: part.number("names"), servers: part.number("servers") }), ["seconds"]),
  }));
}

function place(read) {
  return { project: read.text("project"), zone: read.text("zone"), dns_name: read.text("dns_name") };
}

function run(part) {
  return { dag_id: part.text("dag_id"), run_id: part.text("run_id"), task_id: part.text("task_id") };
}

function server(part) {
  return { server: part.text("server"), role: part.text("role"), ok: part.number("ok"), failed: part.number("failed") };
}

function job(part) {
  return {
    job: part.text("job"),
    claimant: part.text("claimant"),
    dag_id: part.text("dag_id"),
    run_id: part.text("run_id"),
    expires: part.time("expires"),
    run_state: part.text("run_state"),
    records: part.number("records"),
    pending: part.number("pending"),
    grants: part.number("grants"),
    state: part.text("state") ?? "unknown",
    drift: part.part("drift", (drift) => Object.fromEntries(["changed", "missing", "extra", "unresolved"].map((what) => [what, drift.number(what) ?? 0]))),
    exceptions_total: part.number("exceptions_total"),
    exceptions: part.list("exceptions", exception, ["name"]),
  };
}

function exception(part) {
  return Object.fromEntries(["name", "type", "what", "server", "expected", "got", "do"].map((field) => [field, part.text(field)]));
}

// Nothing happens after Airflow recorded it; what says so would stay the newest for ever.
function moment(claimed, timestamp) {
  const recorded = Date.parse(timestamp);
  const said = typeof claimed === "string" ? Date.parse(claimed) : NaN;
  const taken = Number.isNaN(said) || said > recorded + AHEAD ? recorded : said;
  return `${new Date(taken).toISOString().slice(0, 19)}Z`;
}

function shaped(extra, make) {
  const unread = new Set();
  const made = make(new Reader(extra, unread));
  return { ...made, unread: [...unread].slice(0, MOST_UNREAD) };
}

class Reader {
  constructor(value, unread, path = "") {
    this.value = value;
    this.unread = unread;
    this.path = path;
  }

  #take(field, fits) {
    const value = this.value[field];
    if (value === undefined || value === null) return null;
    if (fits(value)) return value;
    this.unread.add(this.path + field);
    return null;
  }

  text(field) {
    return this.#take(field, (value) => typeof value === "string");
  }

  number(field) {
    return this.#take(field, Number.isFinite);
  }

  /** A moment that a Date reads. */
  time(field) {
    return this.#take(field, (value) => typeof value === "string" && !Number.isNaN(Date.parse(value)));
  }

  texts(field) {
    const found = this.#take(field, Array.isArray) ?? [];
    const texts = found.filter((value) => typeof value === "string");
    if (texts.length < found.length) this.unread.add(this.path + field);
    return texts;
  }

  /** An object's part, or null: also where one of the `needed` fields is missing in it. */
  part(field, make, needed = []) {
    const value = this.#take(field, isObject);
    return value && this.#made(value, field, make, needed);
  }

  /** A list of such parts, without those that do not read. */
  list(field, make, needed = []) {
    const found = this.#take(field, Array.isArray) ?? [];
    return found
      .map((value) => {
        if (isObject(value)) return this.#made(value, field, make, needed);
        this.unread.add(this.path + field);
        return null;
      })
      .filter(Boolean);
  }

  #made(value, field, make, needed) {
    const made = make(new Reader(value, this.unread, `${this.path}${field}.`));
    if (needed.every((name) => made[name] !== null)) return made;
    this.unread.add(this.path + field);
    return null;
  }
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
