// The page of all zones and jobs, read anew every half minute while somebody looks at it.

import "./theme.js";
import { Refused, events, get, uiAddress } from "./api.js";
import { gateChart } from "./chart.js";
import { count, el, moment, notice, uiLink } from "./dom.js";
import { JobTable } from "./jobs.js";
import { age, currentJobs, currentZones, extras, gateHistory, needsAttention, spoken, uncheckedZones, zoneCount, zoneReasons } from "./model.js";
import { zoneCards } from "./cards.js";

const EVERY = 30_000; // ms
const ZONES = { name_prefix_pattern: "mldns checks" };
const JOBS = { name_prefix_pattern: "mldns jobs" };
const MOST_REASONS = 10; // in the headline
const STALE = 60 * 60 * 1000; // ms: the check runs four times an hour unless set otherwise

const content = document.getElementById("content");
const checked = document.getElementById("checked");
const table = new JobTable(asked());
const summary = el("div");
const zoneList = el("section", { "aria-labelledby": "zones-title" });
const gates = el("section", { "aria-labelledby": "gates-title" });
let drawn = false;

// A link to one job says which in the address of Airflow's page around this frame.
function asked() {
  const outer = window.parent === window ? window : window.parent;
  return new URLSearchParams(outer.location.search).get("search") ?? "";
}

async function read() {
  const jobEvents = events(JOBS, { most: 300, enough: () => false });
  // Assets that no DAG names are inactive to Airflow, and those of zones are made by the task that checks them.
  const assets = await get("assets", { ...ZONES, only_active: false, limit: 1 });
  // Each check writes one event for every zone: a page without a zone that is new lies before the newest check.
  const zonesIn = (found) => new Set(found.map((event) => event.asset_id)).size;
  const snapshots = await events(ZONES, {
    most: 2_000,
    enough: (found, page) => zonesIn(found) >= assets.total_entries || zonesIn(found) === zonesIn(found.slice(0, -page.length)),
  });
  return { snapshots: extras(snapshots, "zone"), jobEvents: extras(await jobEvents, "job") };
}

function draw({ snapshots, jobEvents }) {
  const zones = currentZones(snapshots);
  const jobs = currentJobs(zones, jobEvents);
  if (zones.length === 0 && jobs.length === 0) {
    empty();
    return;
  }
  const attention = jobs.filter(needsAttention).length + zones.reduce((sum, zone) => sum + zoneCount(zone, jobs), 0);
  summary.replaceChildren(headline(zones, jobs, attention));
  zoneList.replaceChildren(el("h2", { id: "zones-title" }, "Zones"), ...zoneCards(zones));
  table.show(jobs);
  const history = gateHistory(jobEvents);
  gates.replaceChildren(el("h2", { id: "gates-title" }, "Gates"), history.length > 0 ? gateChart(history) : el("p", { class: "quiet" }, "No gate has opened yet."));
  if (!drawn) {
    content.replaceChildren(summary, table.element, zoneList, gates);
    performance.mark("mldns-drawn"); // measured by the benchmark of this page
  }
  drawn = true;
  showCheck(zones);
}

function headline(zones, jobs, attention) {
  const unchecked = uncheckedZones(zones, jobs);
  if (attention > 0)
    return notice("bad", `${count(attention, "thing")} to look at`, "The jobs that need somebody are listed first; open a row to see which names, and what to do.", reasons(zones), notChecked(unchecked));
  if (unchecked.length > 0)
    return notice("warn", `${count(unchecked.length, "zone")} not checked yet`, zones.length > 0 ? `All names as claimed in ${count(zones.length, "other zone")}.` : "", notChecked(unchecked));
  return notice("good", "All names as claimed", `${count(jobs.filter((job) => job.state !== "ended").length, "job")} in ${count(zones.length, "zone")}.`);
}

function notChecked(zones) {
  if (zones.length === 0) return null;
  const more = zones.length > MOST_REASONS ? ` and ${zones.length - MOST_REASONS} more` : "";
  return el("p", { id: "unchecked" }, `Jobs have names in ${zones.slice(0, MOST_REASONS).join(", ")}${more}, where no check has looked: switch on or trigger `, link("mldns_reconcile"), ".");
}

// What no name of a job says: it would be green otherwise.
function reasons(zones) {
  const found = zones.flatMap((zone) => zoneReasons(zone).map((one) => `zone ${zone.zone}: ${spoken(one)}`));
  if (found.length === 0) return null;
  const more = found.length - MOST_REASONS;
  return el("ul", { id: "reasons" }, ...found.slice(0, MOST_REASONS).map((line) => el("li", {}, line)), more > 0 ? el("li", {}, `and ${more} more, with the zones below`) : null);
}

function showCheck(zones) {
  const newest = zones.map((zone) => zone.taken).sort().at(-1);
  if (!newest) {
    checked.textContent = "";
    return;
  }
  const { dag_id, run_id } = zones.find((zone) => zone.taken === newest).run ?? {};
  const old = Date.now() - new Date(newest) > STALE;
  checked.classList.toggle("warn", old);
  checked.replaceChildren(
    "Checked ",
    moment(newest, `${age(newest, Date.now())} ago`),
    ...(dag_id ? [" by ", uiLink(uiAddress("dags", dag_id, "runs", run_id), dag_id)] : []),
    old ? ": is it paused?" : "",
  );
}

function link(dagId) {
  return uiLink(uiAddress("dags", dagId), dagId);
}

function instead(element) {
  content.replaceChildren(element);
  checked.textContent = "";
  drawn = false;
}

function empty() {
  const text = el("p", {}, "Trigger ", link("example_training"), " to see one, or ", link("mldns_pretraining"), " with your own workers; ", link("mldns_reconcile"), " fills this page, every 15 minutes once it is switched on.");
  instead(el("section", { class: "notice" }, el("h2", {}, "No job has names yet"), text));
}

function failed(error) {
  const again = el("button", { type: "button", onclick: refresh }, "Try again");
  if (error instanceof Refused) {
    instead(notice("error", "You may not see this", "Your user may not read assets in Airflow, and this page shows nothing that you may not see elsewhere. Ask whoever runs this Airflow for the right to view assets.", again));
  } else if (drawn) {
    // What was read before is still worth something at 3 a.m., as long as its age is said.
    checked.textContent = `${error.message}: this is what was known before`;
    checked.classList.add("warn");
  } else {
    instead(notice("error", "Airflow did not say", error.message, again));
  }
}

async function refresh() {
  content.setAttribute("aria-busy", "true");
  try {
    draw(await read());
  } catch (error) {
    failed(error);
  } finally {
    content.setAttribute("aria-busy", "false");
  }
}

document.getElementById("refresh").addEventListener("click", refresh);
setInterval(() => document.visibilityState === "visible" && refresh(), EVERY);
refresh();
