// The table of jobs: a row each, and below it what does not hold, where the row is opened.

import { runState, uiAddress } from "./api.js";
import { attempt, count, el, moment, number, uiLink } from "./dom.js";
import { advice, age, exceptionMatches, matches, needsAttention } from "./model.js";

const FILTERS = [
  ["all", "All", () => true],
  ["attention", "Need attention", needsAttention],
  ["pending", "Pending", (job) => job.state === "pending"],
  ["ready", "Ready", (job) => job.state === "ready"],
];
const COLUMNS = ["State", "Job", "Claimed by", "Names", "Since", "Lease until", "Gate", "Drift"];
const SHOWN = 200;
const SHORT = { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" };

/** What each state means, for whoever points at it. */
const MEANING = {
  ready: "every name answered as it should",
  pending: "names are claimed or written, and not proven yet",
  failed: "the run ended without its names being proven",
  drifted: "the zone no longer holds what was claimed",
  expired: "the lease is over and was never released",
  orphaned: "the run that holds the lease is over",
  ended: "released; nothing is left to do",
};

/** Keeps what was typed, chosen and opened while the data below it is refreshed. */
export class JobTable {
  #jobs = [];
  #text = "";
  #filter = "all";
  #open = new Set();
  #body = el("tbody");
  #shown = el("p", { class: "quiet", role: "status", "aria-live": "polite" });
  #buttons = FILTERS.map(([key, label]) =>
    el("button", { type: "button", "data-filter": key, "aria-pressed": String(key === this.#filter), onclick: () => this.#choose(key) }, label),
  );

  /** @param text what is searched for at first. */
  constructor(text = "") {
    this.#text = text;
    const search = el("input", {
      type: "search",
      id: "search",
      placeholder: "job, run, name or server",
      autocomplete: "off",
      value: text,
      oninput: () => {
        this.#text = search.value;
        this.#draw();
      },
    });
    this.element = el(
      "section",
      { "aria-labelledby": "jobs-title" },
      el("h2", { id: "jobs-title" }, "Jobs"),
      el("div", { class: "tools" }, el("label", { for: "search" }, "Search "), search, el("div", { role: "group", "aria-label": "Show" }, this.#buttons)),
      this.#shown,
      el(
        "div",
        { class: "wide", tabindex: "0", role: "region", "aria-label": "Jobs, scrollable" },
        el("table", {}, el("thead", {}, el("tr", {}, ...COLUMNS.map((name) => el("th", { scope: "col" }, name)))), this.#body),
      ),
    );
  }

  /** Show these jobs (see `model.currentJobs`). */
  show(jobs) {
    this.#jobs = jobs;
    this.#draw();
    this.#askForRuns(jobs.filter((job) => job.state === "pending" && job.dag_id && job.run_id).slice(0, 20));
  }

  #choose(key) {
    this.#filter = key;
    for (const button of this.#buttons) button.setAttribute("aria-pressed", String(button.dataset.filter === key));
    this.#draw();
  }

  // A gate that failed leaves no event: Airflow knows how the run ended.
  async #askForRuns(jobs) {
    const states = await Promise.all(jobs.map((job) => runState(job.dag_id, job.run_id)));
    const failed = new Set(jobs.filter((_, index) => states[index] === "failed"));
    if (failed.size === 0 || !jobs.every((job) => this.#jobs.includes(job))) return;
    for (const job of failed) job.state = "failed";
    this.#draw();
  }

  #draw() {
    const [, , chosen] = FILTERS.find(([key]) => key === this.#filter);
    const found = this.#jobs.filter((job) => chosen(job) && matches(job, this.#text));
    const focused = document.activeElement?.dataset?.job;
    this.#body.replaceChildren(...found.slice(0, SHOWN).flatMap((job) => attempt(() => this.#rows(job), (why) => unread(job, why))));
    this.#shown.textContent =
      found.length > SHOWN
        ? `${SHOWN} of ${count(found.length, "job")} shown: search for the others`
        : `${count(found.length, "job")}${found.length < this.#jobs.length ? ` of ${this.#jobs.length}` : ""}`;
    if (focused) this.#body.querySelector(`button[data-job="${CSS.escape(focused)}"]`)?.focus();
  }

  #rows(job) {
    const key = `${job.project}/${job.zone}/${job.job}`;
    const id = `exceptions-${this.#jobs.indexOf(job)}`;
    const exceptions = job.exceptions ?? [];
    const todo = advice(job);
    const openable = exceptions.length > 0 || todo.length > 0;
    // A search for a name opens the job whose exception it is.
    const found = this.#text.trim() && exceptions.some((exception) => exceptionMatches(exception, this.#text));
    const open = openable && (this.#open.has(key) || found);
    const toggle = () => {
      if (!this.#open.delete(key)) this.#open.add(key);
      this.#draw();
    };
    const row = el(
      "tr",
      { "data-state": job.state, "data-job-row": job.job },
      el("td", {}, el("span", { class: `state ${job.state}`, title: MEANING[job.state] }, job.phase === "released" ? "released" : job.state)),
      el("td", {}, el("strong", {}, job.job), el("div", { class: "quiet" }, job.dns_name ?? `zone ${job.zone}`)),
      el("td", {}, claimant(job)),
      el("td", { class: "number" }, ...names(job)),
      el("td", {}, job.since ? moment(job.since, age(job.since, Date.now())) : ""),
      el("td", {}, job.expires ? moment(job.expires, new Date(job.expires).toLocaleString([], SHORT)) : el("span", { class: "quiet" }, "no end")),
      el("td", {}, gate(job)),
      el(
        "td",
        {},
        openable
          ? el("button", { type: "button", class: "plain", "data-job": key, "aria-expanded": String(Boolean(open)), "aria-controls": id, onclick: toggle }, (exceptions.length > 0 && drift(job)) || "what to do")
          : drift(job),
      ),
    );
    if (!open) return [row];
    return [row, el("tr", { id, class: "opened" }, el("td", { colspan: COLUMNS.length }, ...todo.map((line) => el("p", { class: "todo" }, line)), exceptions.length > 0 ? exceptionTable(job, exceptions, found ? this.#text : "") : null))];
  }
}

function unread(job, why) {
  return [el("tr", { "data-job-row": job.job }, el("td", { class: "warn" }, "unknown"), el("td", {}, job.job), el("td", { colspan: COLUMNS.length - 2 }, why))];
}

function names({ phase, records, pending }) {
  if (phase === "released") return records === null ? [] : [el("span", { class: "quiet" }, `${number(records)} removed`)];
  return [records === null || records === undefined ? "" : number(records), pending ? el("div", { class: "quiet" }, `${number(pending)} not written`) : null];
}

function claimant(job) {
  const run = job.run_id ?? "";
  return [
    job.dag_id ? uiLink(uiAddress("dags", job.dag_id), job.dag_id) : el("span", {}, job.claimant || "shared"),
    job.dag_id && run
      ? el("div", {}, uiLink(uiAddress("dags", job.dag_id, "runs", run), run), job.run_state ? ` ${job.run_state}` : "")
      : el("div", { class: "quiet" }, run),
  ];
}

function gate(job) {
  if (!job.gate) return el("span", { class: "quiet" }, job.state === "pending" ? "waiting" : "");
  const { ok, seconds, names, servers } = job.gate;
  return el("span", { title: `${count(names ?? 0, "name")} on ${count(servers ?? 0, "server")}` }, `${ok === false ? "failed" : "open"} after ${seconds} s`);
}

function drift(job) {
  const parts = Object.entries(job.drift ?? {}).filter(([, found]) => found > 0);
  if (parts.length === 0) return job.drift ? "none" : "";
  return parts.map(([what, found]) => `${number(found)} ${what}`).join(", ");
}

function exceptionTable(job, exceptions, text) {
  const shown = text ? exceptions.filter((exception) => exceptionMatches(exception, text)) : exceptions;
  const total = job.exceptions_total ?? exceptions.length;
  const columns = ["Name", "Type", "What", "Server", "Expected", "Got", "What to do"];
  return el(
    "div",
    {},
    el(
      "table",
      { class: "inner" },
      el("caption", {}, `${shown.length} of ${count(total, "exception")} of ${job.job}`),
      el("thead", {}, el("tr", {}, ...columns.map((name) => el("th", { scope: "col" }, name)))),
      el(
        "tbody",
        {},
        ...shown.map((exception) =>
          el(
            "tr",
            {},
            ...["name", "type", "what", "server", "expected", "got", "do"].map((field) => el("td", {}, String(exception[field] ?? ""))),
          ),
        ),
      ),
    ),
  );
}
