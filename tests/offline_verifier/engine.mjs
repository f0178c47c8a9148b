// The engine of verify.html in one long-lived process of Node: one order as a line of JSON in, one answer out.
// engine.mjs BUNDLE; an order has the paths of `file`, `trust`, `crls` and `data` (null for a PDF), `at` and `nonce`;
// or that of a package's `folder` instead of `file` and `data`.

import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const { judge, verifyPdf, verifyTimestamp } = await import(pathToFileURL(process.argv[2]).href);

const read = (path) => new Uint8Array(readFileSync(path));
const english = ({ template, values }) => template.replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
const told = (verdict) => ({
  indication: verdict.indication,
  subindication: verdict.subindication,
  reasons: verdict.reasons.map(english),
});

const within = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name))
    .map((path) => ({ path: `package/${relative(folder, path)}`, octets: read(path) }));

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  const [trust, at, more] = [order.trust.map(read), new Date(order.at), { crls: order.crls.map(read) }];
  if (order.nonce !== null) more.nonce = BigInt(order.nonce);
  const report = order.folder
    ? await judge(within(order.folder), trust, at)
    : order.data === null
      ? await verifyPdf(read(order.file), trust, at, more)
      : await verifyTimestamp(read(order.file), read(order.data), trust, at, more);
  const signatures = report.signatures.map((each) => ({ ...each, ...told(each.verdict) }));
  const remarks = report.remarks.map(english);
  process.stdout.write(`${JSON.stringify({ ...report, ...told(report.verdict), signatures, remarks })}\n`);
}
