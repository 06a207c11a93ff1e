// A DAG run's tab: what this run did to names, from its own asset events and XComs.

import "./theme.js";
import { Refused, events, get, uiAddress } from "./api.js";
import { attempt, count, el, moment, notice, uiLink } from "./dom.js";
import { extras } from "./model.js";

const EVERY = 10_000; // ms
const MOST_RESULTS = 12; // of tasks, each a request
const MOST_JOBS = 20; // of a run that maps over many
const MOST_EVENTS = 20; // of a job: the newest
const MOST_FAILED = 20; // task instances
const FAILURE = "mldns_failure"; // the XCom in which a failed task of ours says why

const PHASES = {
  claimed: "claimed the names",
  written: "wrote the records",
  ready: "opened the gate: every name answers",
  released: "released the names",
};

const content = document.getElementById("content");
const here = new URLSearchParams(window.location.search);
const dagId = here.get("dag_id") ?? "";
const runId = here.get("run_id") ?? "";
let timer = null;

/** The card of each kind of result, known by the fields that only it has; the first that fits. */
const CARDS = [
  [(value) => "endpoint" in value && "pattern" in value, "Hand-off", ["job", "zone", "endpoint", "master", "world_size", "count", "pattern", "digest"]],
  [(value) => "answers" in value && "servers" in value, "Gate", ["ok", "names", "servers", "answers", "passes", "seconds"]],
  [(value) => "released" in value && "deleted" in value, "Release", ["owner", "deleted", "released", "overtaken_by"]],
  [(value) => "created" in value && "changed" in value && "generation" in value, "Records", ["owner", "created", "changed", "deleted", "unchanged", "names", "changes", "status", "expires"]],
  [(value) => "proof" in value && "role" in value, "Access", ["scope", "resource", "role", "added", "already", "proof"]],
  [(value) => "generation" in value && "lease" in value, "Claim", ["owner", "names", "generation", "expires"]],
  [(value) => "nameServers" in value, "Zone", ["name", "dnsName", "visibility", "nameServers", "created"]],
];

async function read() {
  const path = `dags/${encodeURIComponent(dagId)}/dagRuns/${encodeURIComponent(runId)}`;
  const [run, failed, entries, found] = await Promise.all([
    get(path),
    failures(path),
    get(`${path}/taskInstances/~/xcomEntries`, { xcom_key_pattern: "return_value", limit: 100 }),
    events({ source_dag_id: dagId, source_run_id: runId }),
  ]);
  const wanted = entries.xcom_entries.filter((entry) => entry.key === "return_value").slice(0, MOST_RESULTS);
  const results = await Promise.all(wanted.map((entry) => result(path, entry)));
  return { run, failed, events: extras(found, "job").reverse(), results: results.filter(Boolean) };
}

// A task that fails emits no event: Airflow knows which ones did.
async function failures(path) {
  try {
    const failed = await get(`${path}/taskInstances`, { state: "failed", limit: MOST_FAILED });
    if (failed.task_instances.length > 0) await explain(path, failed.task_instances);
    return failed;
  } catch {
    return { task_instances: [], total_entries: 0 }; // not the viewer's to see: the rest is still worth showing
  }
}

/** Give the failed tasks of ours the `why` that they left: `{"what", "todo"}`. */
async function explain(path, failed) {
  try {
    const left = await get(`${path}/taskInstances/~/xcomEntries`, { xcom_key_pattern: FAILURE, limit: 100 });
    const its = (one) => left.xcom_entries.some((entry) => entry.key === FAILURE && entry.task_id === one.task_id && entry.map_index === one.map_index);
    await Promise.all(failed.filter(its).map(async (one) => (one.why = await xcom(path, one, FAILURE))));
  } catch (error) {
    console.error(error); // gone, not JSON, or not the viewer's to see: the log has it
  }
}

async function xcom(path, { task_id: taskId, map_index: mapIndex }, key) {
  const entry = await get(`${path}/taskInstances/${encodeURIComponent(taskId)}/xcomEntries/${key}`, { map_index: mapIndex });
  return typeof entry.value === "string" ? JSON.parse(entry.value) : entry.value;
}

async function result(path, entry) {
  const taskId = entry.task_id;
  try {
    const value = await xcom(path, entry, "return_value");
    if (value === null || typeof value !== "object" || Array.isArray(value)) return null;
    const kind = CARDS.find(([fits]) => fits(value));
    return kind ? { taskId, value, title: kind[1], fields: kind[2] } : null;
  } catch {
    return null; // gone, not JSON, or not the viewer's to see: the rest is still worth showing
  }
}

function draw({ run, failed, events: found, results }) {
  if (found.length === 0 && results.length === 0) {
    content.replaceChildren(why(failed), notice("", "No names in this run", run.state === "running" || run.state === "queued" ? "Nothing was claimed or written so far." : "This run claimed and wrote none."));
  } else {
    const cards = results.map((one) => attempt(() => card(one), (unread) => el("article", { class: "card" }, el("p", { class: "warn" }, `${one.taskId}: ${unread}`))));
    content.replaceChildren(why(failed), story(found), el("div", { class: "cards" }, ...cards));
  }
  clearTimeout(timer);
  if (["running", "queued"].includes(run.state)) timer = setTimeout(refresh, EVERY);
}

/** Which tasks failed, each with the way to its log. */
function why({ task_instances: failed, total_entries: total }) {
  if (failed.length === 0) return "";
  return el(
    "section",
    { class: "notice bad", id: "failed", "aria-labelledby": "failed-title" },
    el("h2", { id: "failed-title" }, `${count(total, "task")} failed`),
    el("ul", {}, ...failed.map(failure)),
  );
}

function failure({ task_id: taskId, map_index: mapIndex, operator_name: operator, end_date: ended, try_number: tries, why: said }) {
  const mapped = mapIndex >= 0 ? ["mapped", String(mapIndex)] : [];
  const log = `${uiAddress("dags", dagId, "runs", runId, "tasks", taskId, ...mapped)}?try_number=${encodeURIComponent(tries)}`;
  return el(
    "li",
    {},
    el("strong", {}, mapIndex >= 0 ? `${taskId} [${mapIndex}]` : taskId),
    el("span", { class: "quiet" }, ` ${operator ?? ""} `),
    ended ? [moment(ended, new Date(ended).toLocaleTimeString()), " "] : null,
    uiLink(log, "what its log says"),
    said?.what ? el("p", {}, String(said.what)) : null,
    said?.todo ? el("p", {}, el("strong", {}, "To do: "), String(said.todo)) : null,
  );
}

function story(found) {
  if (found.length === 0) return "";
  const jobs = new Map();
  for (const event of found) {
    const key = JSON.stringify([event.project, event.zone, event.job]);
    jobs.set(key, [...(jobs.get(key) ?? []), event]);
  }
  return el("div", {}, ...[...jobs.values()].slice(0, MOST_JOBS).map((its) => attempt(() => chapter(title(its), its.slice(-MOST_EVENTS)), (unread) => el("p", { class: "warn" }, unread))));
}

// Not every task knows the zone's DNS name.
function title(its) {
  const { job, zone } = its[0];
  return `Job ${job} in ${its.find((event) => event.dns_name)?.dns_name ?? `zone ${zone}`}`;
}

function chapter(name, found) {
  return el(
    "section",
    {},
    el("h2", {}, name),
    el(
      "ol",
      { class: "story" },
      ...found.map((event) =>
        el(
          "li",
          {},
          el("span", { class: `state ${event.phase === "ready" ? "ready" : "pending"}` }, event.phase),
          " ",
          moment(event.at, new Date(event.at).toLocaleTimeString()),
          ` ${event.run?.task_id ?? ""} ${PHASES[event.phase] ?? ""} ${said(event)}`,
        ),
      ),
    ),
  );
}

function said({ records, gate }) {
  const parts = [records === null ? null : count(records, "record set"), gate ? `${gate.seconds} s` : null].filter(Boolean);
  return parts.length > 0 ? `(${parts.join(", ")})` : "";
}

function card({ taskId, value, title, fields }) {
  const task = uiLink(uiAddress("dags", dagId, "runs", runId, "tasks", taskId), taskId);
  return el(
    "article",
    { class: "card", "aria-label": title },
    el("h3", {}, title),
    el("p", { class: "quiet" }, "task ", task),
    el("dl", {}, ...fields.filter((field) => value[field] !== undefined && value[field] !== null).flatMap((field) => [el("dt", {}, field), el("dd", {}, plain(value[field]))])),
  );
}

function plain(value) {
  if (Array.isArray(value)) return value.map(plain).join(", ") || "none";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

async function refresh() {
  content.setAttribute("aria-busy", "true");
  try {
    draw(await read());
  } catch (error) {
    const again = el("button", { type: "button", onclick: refresh }, "Try again");
    content.replaceChildren(
      error instanceof Refused
        ? notice("error", "You may not see this", "Your user may not read this run's assets or XComs in Airflow.", again)
        : notice("error", "Airflow did not say", error.message, again),
    );
  } finally {
    content.setAttribute("aria-busy", "false");
  }
}

refresh();
