// Airflow's own API, asked with the viewer's own cookie: whoever may not see a DAG or an asset sees nothing of it here.

const ROOT = new URL("../", document.baseURI); // both pages lie one step below Airflow's own root, prefix or not
const PAGE = 100; // Airflow's largest page unless configured otherwise
const MOST_DAGS = 50; // each a request, where posted events fill the window

/** The API said no: 401 for nobody, 403 for somebody without the right. */
export class Refused extends Error {}

/** The API did not answer, or not as an API should. */
export class Unavailable extends Error {}

/** GET a path below /api/v2 as JSON. */
export async function get(path, parameters = {}) {
  const url = new URL(`api/v2/${path}`, ROOT);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  let response;
  try {
    response = await fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin" });
  } catch {
    throw new Unavailable("Airflow's API server does not answer");
  }
  if (response.status === 401 || response.status === 403) throw new Refused(`HTTP ${response.status}`);
  if (!response.ok) throw new Unavailable(`Airflow's API answered HTTP ${response.status} for ${path}`);
  return response.json();
}

/** Where Airflow's UI shows something, as an absolute address. */
export function uiAddress(...segments) {
  return new URL(segments.map(encodeURIComponent).join("/"), ROOT).href;
}

/**
 * Asset events that a task emitted, newest first, read page by page until `enough(events, page)` or `most` of them.
 * Whoever may post events over the API could else make up what this page shows: posted ones have no task. Where they
 * fill the window, each DAG that emits such events is asked about its own, so that they push no real one out.
 */
export async function events(parameters, { enough = () => true, most = PAGE } = {}) {
  const { found, posted, whole } = await scan(parameters, enough, most);
  if (posted === 0 || whole) return found;
  const dags = await emittingDags();
  const apart = await Promise.all(dags.map((dag) => scan({ ...parameters, source_dag_id: dag }, enough, most)));
  return apart.flatMap((one) => one.found).sort((a, b) => (a.timestamp < b.timestamp ? 1 : -1));
}

/** `{found, posted, whole}`: emitted events, how many others there were, and whether there was no need to stop early. */
async function scan(parameters, enough, most) {
  const found = [];
  let posted = 0;
  for (let offset = 0; offset < most; offset += PAGE) {
    const answer = await get("assets/events", { order_by: "-timestamp", limit: Math.min(PAGE, most - offset), offset, ...parameters });
    const page = answer.asset_events.filter((event) => event.source_task_id);
    found.push(...page);
    posted += answer.asset_events.length - page.length;
    const last = offset + PAGE >= answer.total_entries || answer.asset_events.length === 0;
    if (last || (page.length > 0 && enough(found, page))) return { found, posted, whole: true };
  }
  return { found, posted, whole: false };
}

/** The DAGs whose tasks emit events of jobs or check zones: they declare the assets of mldns. */
async function emittingDags() {
  const { assets } = await get("assets", { name_prefix_pattern: "mldns", limit: PAGE });
  const tasks = assets.flatMap((asset) => [...(asset.producing_tasks ?? []), ...(asset.consuming_tasks ?? [])]);
  return [...new Set(tasks.map((task) => task.dag_id))].slice(0, MOST_DAGS);
}

/** The state of a DAG run, or null where the viewer may not see it or it is gone. */
export async function runState(dagId, runId) {
  try {
    return (await get(`dags/${encodeURIComponent(dagId)}/dagRuns/${encodeURIComponent(runId)}`)).state;
  } catch {
    return null;
  }
}
