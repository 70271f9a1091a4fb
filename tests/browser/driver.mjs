// Holds one Chromium and does what the test tells it over HTTP on loopback: node driver.mjs PORT
import http from 'node:http';
import { chromium } from 'playwright-core';

const LIMIT = 25_000;
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  headless: true,
  args: [
    '--no-sandbox', '--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update',
    '--disable-sync', '--no-first-run', '--disable-quic', '--disable-gpu', '--host-resolver-rules=MAP *.test 127.0.0.1',
  ],
});

const contexts = new Map();
function contextOf(profile) {
  if (!contexts.has(profile)) {
    contexts.set(profile, browser.newContext().then((context) => {
      context.setDefaultTimeout(LIMIT);
      return context;
    }));
  }
  return contexts.get(profile);
}

const profiles = new Map();
async function profile(name) {
  if (!profiles.has(name)) {
    const context = await contextOf(name.split('/')[0]);
    const page = await context.newPage();
    const requests = [];
    const console = [];
    page.on('response', (r) => requests.push({ method: r.request().method(), url: r.url(), status: r.status(), type: r.request().resourceType() }));
    page.on('console', (m) => console.push(`${m.type()}: ${m.text()}`));
    page.on('pageerror', (e) => console.push(`uncaught: ${e.message}`));
    profiles.set(name, { context, page, requests, console });
  }
  return profiles.get(name);
}

const orders = {
  open: async ({ page }, { url }) => ({ status: (await page.goto(url))?.status() ?? 0 }),
  fill: ({ page }, { selector, text }) => page.fill(selector, text).then(() => null),
  click: ({ page }, { selector }) => page.click(selector).then(() => null),
  // Of what the user can see: pages keep other states of themselves hidden.
  text: ({ page }, { selector }) => page.locator(selector).locator('visible=true').first().innerText(),
  arrives: async ({ page }, { prefix }) => { await page.waitForURL((url) => url.href.startsWith(prefix)); return page.url(); },
  script: async ({ page }, { body }) => (await page.evaluate(`(async () => { ${body} })()`)) ?? null,
  cookies: ({ context }) => context.cookies(),
  requests: ({ requests }) => requests,
  console: ({ console }) => console,
  close: async ({ page }, { profile }) => { profiles.delete(profile); await page.close(); return null; },
  screenshot: ({ page }, { path }) => page.screenshot({ path, fullPage: true }).then(() => null),
};

async function read(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString());
}

http.createServer(async (request, response) => {
  if (request.method === 'GET') return response.end('ready');
  try {
    const order = await read(request);
    const result = await orders[order.do](await profile(order.profile), order);
    response.setHeader('content-type', 'application/json');
    return response.end(JSON.stringify(result));
  } catch (error) {
    const { page } = [...profiles.values()].at(-1) ?? {};
    response.statusCode = 500;
    return response.end(`${error.message}\nat ${page?.url()}\n${await page?.content().catch(() => '')}`);
  }
}).listen(Number(process.argv[2]), '127.0.0.1');
