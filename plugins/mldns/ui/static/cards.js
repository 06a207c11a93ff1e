// A card for each zone: who answers for it, how full it is, and what the last check found.

import { attempt, count, el, moment } from "./dom.js";
import { age, spoken, zoneReasons } from "./model.js";

const NEARLY_FULL = 0.9;

/** @param zones snapshots (see `model.currentZones`). */
export function zoneCards(zones) {
  return [el("div", { class: "cards" }, ...zones.map((zone) => attempt(() => card(zone), (why) => unread(zone, why))))];
}

function unread(zone, why) {
  return el("article", { class: "card", "data-zone": zone.zone }, el("h3", {}, zone.zone), el("p", { class: "warn" }, why));
}

function card(zone) {
  return el(
    "article",
    { class: "card", "data-zone": zone.zone, "aria-label": `Zone ${zone.zone}` },
    el("h3", {}, zone.zone, " ", el("span", { class: "chip" }, zone.visibility ?? "")),
    el("p", {}, el("code", {}, zone.dns_name), el("span", { class: "quiet" }, ` ${zone.project}`)),
    reasons(zone),
    quota(zone),
    fact("Jobs", String(zone.jobs_total ?? zone.jobs?.length ?? 0)),
    fact("Resolve", resolution(zone)),
    zone.iam ? fact("Grants", grants(zone.iam)) : null,
    zone.foreign?.count ? fact("Not ours", count(zone.foreign.count, "record set"), zone.foreign.first?.join(", ")) : null,
    actions(zone.actions),
    zone.actions?.refused.length ? fact("Refused", el("span", { class: "warn" }, zone.actions.refused.join("; "))) : null,
    servers(zone),
    el("p", { class: "quiet" }, "checked ", moment(zone.taken, `${age(zone.taken, Date.now())} ago`)),
  );
}

function reasons(zone) {
  const found = zoneReasons(zone);
  const cut = Math.max(0, (zone.reasons_total ?? 0) - zone.reasons.length);
  if (found.length === 0) return null;
  return el("ul", { class: "warn", "aria-label": "to look at" }, ...found.map((one) => el("li", {}, spoken(one))), cut > 0 ? el("li", {}, `and ${cut} more`) : null);
}

function fact(name, value, title = null) {
  return el("p", { class: "fact", title }, el("span", { class: "quiet" }, `${name} `), value);
}

function quota({ quota: found, quota_reason: reason }) {
  if (!found) return fact("Quota", reason ?? "not known");
  const share = found.limit > 0 ? found.rrsets / found.limit : 0;
  const text = `${found.rrsets.toLocaleString("en")} of ${found.limit.toLocaleString("en")} record sets`;
  return el(
    "div",
    { class: "fact" },
    el("meter", { min: 0, max: found.limit, high: found.limit * NEARLY_FULL, optimum: 0, value: found.rrsets, "aria-label": `Quota: ${text}` }),
    el("div", { class: share >= NEARLY_FULL ? "warn" : "quiet" }, text),
  );
}

function resolution({ resolution: found, resolution_reason: reason }) {
  if (!found) return el("span", { class: "quiet" }, reason ?? "not asked");
  const all = found.ok === found.names;
  return el("span", { class: all ? "fine" : "warn" }, `${found.ok.toLocaleString("en")} of ${count(found.names, "name")} in ${found.seconds} s`);
}

function grants({ recorded, standing, lost }) {
  return el("span", { class: lost?.length ? "warn" : "", title: lost?.join("\n") ?? null }, `${standing} of ${recorded} still there`);
}

function actions(found) {
  if (!found || (!found.repaired && !found.collected?.length)) return null;
  const did = [
    found.repaired ? count(found.repaired, "record set") + (found.dry_run ? " to repair" : " repaired") : null,
    found.collected?.length ? `${found.collected.join(", ")} ${found.dry_run ? "to collect" : "collected"}` : null,
  ].filter(Boolean);
  return fact(found.dry_run ? "Would do" : "Did", did.join("; "));
}

function servers(zone) {
  const asked = zone.resolution?.servers ?? [];
  const names = zone.name_servers ?? [];
  if (asked.length === 0 && names.length === 0) return null;
  return el(
    "details",
    {},
    el("summary", {}, count(names.length || asked.length, "name server")),
    el("ul", {}, ...names.map((name) => el("li", {}, el("code", {}, name)))),
    asked.length > 0
      ? el(
          "ul",
          { "aria-label": "asked by the check" },
          ...asked.map((server) => el("li", { class: server.failed ? "warn" : "" }, el("code", {}, server.server), ` ${server.role}: ${server.ok} ok, ${server.failed} failed`)),
        )
      : null,
  );
}
