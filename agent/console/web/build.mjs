// Builds the page into `built`: names that change with what is in them, compressed, and the digest of the sources, by which
// a test notices that somebody changed the sources and did not build.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const out = "built";
const sources = ["build.mjs", "index.html", "package-lock.json", ...walk("src")].sort();
// What shows messages while no page is open; the page names it.
const worker = await build({ entryPoints: ["src/worker.js"], minify: true, target: "es2022", write: false, legalComments: "none" });
const workerName = `worker-${sha256(worker.outputFiles[0].contents).slice(0, 10)}.js`;
const result = await build({
  define: { WORKER: JSON.stringify(`/assets/${workerName}`) },
  entryPoints: ["src/main.tsx"],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  outdir: "out",
  write: false,
  legalComments: "none",
});

rmSync(out, { recursive: true, force: true });
mkdirSync(out);
let html = readFileSync("index.html", "utf8");
for (const file of result.outputFiles) {
  const extension = file.path.split(".").pop();
  const name = `app-${sha256(file.contents).slice(0, 10)}.${extension}`;
  put(name, file.contents);
  html = html.replace(`/assets/app.${extension}`, `/assets/${name}`);
}
const icon = readFileSync("src/icon.svg");
put("icon.svg", icon);
put(workerName, worker.outputFiles[0].contents);
put("index.html", Buffer.from(html));
const digest = sources.map((path) => `${sha256(readFileSync(path))}  ${path}\n`).join("");
writeFileSync(`${out}/SOURCES.sha256`, digest);

function walk(dir) {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? walk(`${dir}/${entry.name}`) : [`${dir}/${entry.name}`],
  );
}

function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

function put(name, bytes) {
  const packed = gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION });
  // The system that packed it, which nobody needs to know, would differ from box to box.
  packed[9] = 255;
  writeFileSync(`${out}/${name}.gz`, packed);
  console.log(`${name}: ${bytes.length} bytes, ${packed.length} compressed`);
}
