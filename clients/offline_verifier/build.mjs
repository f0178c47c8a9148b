// Builds verify.html: one file with its script and style inside, byte for byte the same wherever it is built.
//
//   node build.mjs TARGET
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const read = (path) => readFileSync(here(path), "utf8");

/** Digest and name of every checker that a package ever had; verify.html itself is in the list too, and cannot be in itself. */
const checkers = read("../../hsm/checkers.txt").split("\n").filter((line) => / {2}check\.(?:sh|py)$/.test(line));

const common = { bundle: true, write: false, minify: true, charset: "utf8", legalComments: "inline", absWorkingDir: here("."), logLevel: "warning" };
const script = await esbuild.build({
  ...common,
  entryPoints: ["src/main.ts"],
  format: "iife",
  target: ["es2022"],
  define: { CHECKERS: JSON.stringify(checkers) },
});
const style = await esbuild.build({ ...common, entryPoints: ["page/page.css"] });

/** What stands in the page: no end tag of a script may be in it, wherever it comes from. */
const code = script.outputFiles[0].text.trim().replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
const sheet = style.outputFiles[0].text.trim();
const digest = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
const policy = [
  "default-src 'none'",
  `script-src ${digest(code)}`,
  `style-src ${digest(sheet)}`,
  "img-src data:",
  "worker-src blob:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

const parts = { policy, style: sheet, script: code };
const page = read("page/page.html").replace(/\{\{(\w+)\}\}/g, (_, name) => parts[name]);
writeFileSync(process.argv[2], page);
