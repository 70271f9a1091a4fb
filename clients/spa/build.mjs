// Makes dist: `node build.mjs [DIR]`. The same sources make the same bytes, which tests/spa_test.py compares.
import { spawnSync } from "node:child_process";
import { build } from "esbuild";

const into = process.argv[2] ?? "dist";

await build({
  entryPoints: ["src/index.ts", "src/react.ts"],
  outdir: into,
  bundle: true,
  format: "esm",
  target: "es2022",
  external: ["react"],
  charset: "utf8",
});

const types = spawnSync("node_modules/.bin/tsc", ["--project", "tsconfig.build.json", "--outDir", into], { stdio: "inherit" });
process.exitCode = types.status ?? 1;
