// What the events say, merged: pure functions, no page and no network.

import { jobShape, zoneShape } from "./shapes.js";

const SCHEMA = 1;
const SHAPES = { zone: zoneShape, job: jobShape };

/** What to do about a job in a state, where no name of it says so. */
const ADVICE = {
  failed: "its run failed before the names were proven: look at the failed task's log, and run it again",
  orphaned: "its run has ended and released nothing: run mldns_reconcile with collect",
  expired: "its lease is over and was not released: run mldns_reconcile with collect",
};

/** The extras that this page understands of `kind` ("zone" or "job"), newest first as given. */
export function extras(assetEvents, kind) {
  return assetEvents
    .filter(({ extra }) => extra?.kind === kind && extra.schema === SCHEMA && typeof extra.zone === "string")
    .map(({ extra, timestamp }) => SHAPES[kind](extra, timestamp))
    .filter(Boolean);
}

/** The newest snapshot of each zone, without the zones that the newest run of the same check no longer found. */
export function currentZones(snapshots) {
  const newestRun = new Map(); // project and DAG -> run id
  const zones = new Map();
  for (const snapshot of snapshots) {
    const check = `${snapshot.project} ${snapshot.run?.dag_id}`;
    if (!newestRun.has(check)) newestRun.set(check, snapshot.run?.run_id);
    const key = zoneKey(snapshot);
    if (!zones.has(key)) zones.set(key, newestRun.get(check) === snapshot.run?.run_id ? snapshot : null);
  }
  return [...zones.values()].filter(Boolean).sort((a, b) => natural(a.zone, b.zone));
}

/** Jobs of all zones, each with the newest that is known of it; those that need somebody first. */
export function currentJobs(zones, jobEvents) {
  const jobs = new Map();
  const whole = new Map(); // zone -> when a check listed every job of it
  for (const zone of zones) {
    if (!zone.error && zone.unread.length === 0 && zone.jobs.length >= (zone.jobs_total ?? 0)) whole.set(zoneKey(zone), zone.taken);
    for (const job of zone.jobs) {
      const reasons = zone.reasons.filter((reason) => reason.job === job.job);
      jobs.set(`${zoneKey(zone)}/${job.job}`, { ...job, ...place(zone), reasons, since: null, checked: zone.taken });
    }
  }
  const newest = new Map();
  for (const event of jobEvents) {
    const key = `${zoneKey(event)}/${event.job}`;
    if (!newest.has(key)) newest.set(key, []);
    newest.get(key).push(event);
  }
  for (const [key, emitted] of newest) {
    const known = jobs.get(key);
    const [latest, ...older] = completed(emitted);
    const gate = [latest, ...older].find((event) => event.gate && event.lease === latest.lease)?.gate ?? null;
    if (known && latest.at <= known.checked) {
      const same = known.run_id === null || latest.lease === known.run_id;
      jobs.set(key, { ...known, since: latest.at, gate: same ? gate : null });
    } else if (known || (latest.phase !== "released" && !(latest.at <= whole.get(zoneKey(latest))))) {
      jobs.set(key, { ...beforeCheck(known), ...fromEvent(latest), dns_name: latest.dns_name ?? known?.dns_name ?? null, gate });
    }
  }
  return [...jobs.values()].sort((a, b) => urgency(a) - urgency(b) || natural(a.job, b.job) || natural(a.zone, b.zone));
}

/** The names of zones in which jobs have names, and that no check has seen. */
export function uncheckedZones(zones, jobs) {
  const seen = new Set(zones.map(zoneKey));
  return [...new Set(jobs.filter((job) => job.state !== "ended" && !seen.has(zoneKey(job))).map((job) => job.zone))].sort(natural);
}

/** Gates that opened, oldest first: `{at, seconds, job, names}`. */
export function gateHistory(jobEvents, most = 60) {
  return jobEvents
    .filter((event) => event.phase === "ready" && typeof event.gate?.seconds === "number")
    .slice(0, most)
    .map((event) => ({ at: event.at, seconds: event.gate.seconds, job: event.job, zone: event.zone, names: event.gate.names }))
    .reverse();
}

/** Whether a person should look at a job. */
export function needsAttention(job) {
  return ["failed", "drifted", "expired", "orphaned"].includes(job.state) || job.exceptions_total > 0 || job.reasons?.length > 0;
}

/** What to do about a job, beside its exceptions: a line each. */
export function advice(job) {
  const usual = ADVICE[job.state];
  return [...(usual ? [usual] : []), ...(job.reasons ?? []).map(spoken)];
}

/** Why somebody should look at a zone, beside the names of its jobs: `{what, job, do}`. */
export function zoneReasons(zone) {
  const unread = zone.unread.length > 0 ? [reason(`an event of the last check does not read: ${zone.unread.join(", ")}`, "run mldns_reconcile again, in the version of this page")] : [];
  const error = zone.error ? [reason(zone.error, "put that right, and run mldns_reconcile again")] : [];
  const damaged = zone.reasons.length > 0 ? [] : zone.damaged.map((line) => reason(line, null));
  const found = [...error, ...unread, ...zone.reasons, ...damaged];
  const explained = found.length > 0 || zone.jobs.some(needsAttention);
  return zone.attention && !explained ? [reason("the last check says that somebody should look at it", "see the log of its task in mldns_reconcile")] : found;
}

/** How many reasons there are, with those that an event has no room for, and without those of jobs that are counted. */
export function zoneCount(zone, jobs) {
  const counted = new Set(jobs.filter((job) => zoneKey(job) === zoneKey(zone)).map((job) => job.job));
  const cut = Math.max(0, (zone.reasons_total ?? 0) - zone.reasons.length);
  return zoneReasons(zone).filter((one) => !counted.has(one.job)).length + cut;
}

/** A reason as one line. */
export function spoken({ what, job, do: todo }) {
  return `${job ? `job ${job}: ` : ""}${what}${todo ? ` (${todo})` : ""}`;
}

/** Whether a job's text matches what was typed: job, zone, claimant, run, or a name among its exceptions. */
export function matches(job, text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return true;
  const fields = [job.job, job.zone, job.dns_name, job.claimant, job.run_id, job.state];
  return (
    fields.some((field) => String(field ?? "").toLowerCase().includes(wanted)) ||
    (job.exceptions ?? []).some((exception) => exceptionMatches(exception, wanted))
  );
}

/** Whether an exception is about what was typed. */
export function exceptionMatches(exception, text) {
  const wanted = text.trim().toLowerCase();
  return [exception.name, exception.server, exception.expected, exception.got, exception.what].some((field) =>
    String(field ?? "").toLowerCase().includes(wanted),
  );
}

/** The DAG of a claimant "deployment/dag_id"; null for a digest, which public zones hold instead. */
export function dagOf(claimant) {
  const cut = String(claimant ?? "").lastIndexOf("/"); // a deployment below a prefix has slashes of its own
  return cut < 0 ? null : claimant.slice(cut + 1);
}

/** "3 min", "2 h", "5 d" between two moments. */
export function age(from, to) {
  const seconds = Math.max(0, (new Date(to) - new Date(from)) / 1000);
  for (const [unit, size] of [["d", 86_400], ["h", 3_600], ["min", 60]])
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  return `${Math.floor(seconds)} s`;
}

// A gate knows neither claimant nor lease: the claim of the same run has said them.
function completed(emitted) {
  return emitted.map((event) => {
    const claim = emitted.find((other) => other.claimant && other.run?.run_id === event.run?.run_id) ?? emitted.find((other) => other.claimant);
    const lacking = Object.entries(event).filter(([, value]) => value === null).map(([field]) => field);
    return { ...event, ...Object.fromEntries(lacking.filter((field) => field !== "gate").map((field) => [field, claim?.[field] ?? null])) };
  });
}

function fromEvent(event) {
  const state = { claimed: "pending", written: "pending", ready: "ready", released: "ended" }[event.phase] ?? "pending";
  return {
    ...place(event),
    job: event.job,
    claimant: event.claimant,
    dag_id: dagOf(event.claimant) ?? event.run?.dag_id ?? null,
    run_id: dagOf(event.claimant) === null ? (event.run?.run_id ?? null) : event.lease,
    expires: event.expires,
    records: event.records,
    state,
    since: event.at,
    phase: event.phase,
  };
}

// What a snapshot found is not true of the phase that came after it.
function beforeCheck(known) {
  return { ...known, pending: null, drift: null, exceptions: [], exceptions_total: 0, expired: false, run_state: null };
}

function place({ project, zone, dns_name }) {
  return { project, zone, dns_name };
}

function reason(what, todo) {
  return { what, job: null, do: todo };
}

function zoneKey({ project, zone }) {
  return `${project}/${zone}`;
}

function urgency(job) {
  if (needsAttention(job)) return 0;
  return { pending: 1, ready: 2, ended: 3 }[job.state] ?? 2;
}

const collator = new Intl.Collator("en", { numeric: true });

function natural(a, b) {
  return collator.compare(a, b);
}
