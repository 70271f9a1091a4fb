// Reads YAML documents from standard input and prints them as a JSON list. With `--validate SCHEMAS` it prints their
// problems instead: core kinds by the strict JSON Schemas of Kubernetes, where an unknown field is a problem, kinds of
// Traefik and others by the models of their CRDs.
// Without network. Node finds its packages in `target/parts/helm`, where this folder appears as `tests`.
import fs from "node:fs";
import path from "node:path";
import Ajv from "ajv/dist/2020.js";
import { parseAllDocuments } from "yaml";

const MODELS = ["traefik", "gateway-api", "prometheus-operator", "cert-manager"];
const BASE = "https://schemas.invalid";

function documents() {
  return parseAllDocuments(fs.readFileSync(0, "utf8"), { uniqueKeys: true }).flatMap((document) => {
    if (document.errors.length) throw document.errors[0];
    const value = document.toJS();
    return value === null ? [] : [value];
  });
}

class Core {
  constructor(folder) {
    this.folder = folder;
    this.ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
    const definitions = JSON.parse(fs.readFileSync(path.join(folder, "_definitions.json"), "utf8"));
    this.ajv.addSchema({ ...definitions, $id: `${BASE}/api/_definitions.json` });
  }

  // The problems of a document, or null where there is no schema for its kind.
  problems({ apiVersion, ...rest }, whole) {
    const [group, version] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
    const name = [rest.kind.toLowerCase(), ...(group ? [group.split(".")[0]] : []), version].join("-");
    const file = path.join(this.folder, `${name}.json`);
    if (!fs.existsSync(file)) return null;
    const key = `${BASE}/${name}`;
    const check =
      this.ajv.getSchema(key) ?? this.ajv.compile({ ...JSON.parse(fs.readFileSync(file, "utf8")), $id: key });
    if (check(whole)) return [];
    return check.errors.map((error) => `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`);
  }
}

async function modelled(document) {
  for (const models of MODELS) {
    let module;
    try {
      module = await import(`@kubernetes-models/${models}/${document.apiVersion}/${document.kind}`);
    } catch {
      continue;
    }
    try {
      new module[document.kind](document).validate();
      return [];
    } catch (error) {
      return [error.message];
    }
  }
  return null;
}

const all = documents();
if (process.argv[2] !== "--validate") {
  process.stdout.write(JSON.stringify(all));
} else {
  const core = new Core(process.argv[3]);
  for (const document of all) {
    const problems = core.problems(document, document) ?? (await modelled(document)) ?? ["there is no schema for this kind"];
    const who = `${document.apiVersion} ${document.kind} ${document.metadata?.name}`;
    for (const problem of problems) console.log(`${who}: ${problem}`);
  }
}
