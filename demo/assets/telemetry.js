// How this page fares, for whoever operates it: numbers under known names, nothing about who is looking.
// Comes before the application, whose own errors count too.

const PATH = "/api/v1/metrics";
const PAGE = "home";

/** Vitals that were not sent yet, by name: milliseconds, but for cls. */
const vitals = new Map();
let errors = 0;

/** Tells `take` of every performance entry of a kind, those from before included. */
function observe(type, take) {
  if (!PerformanceObserver.supportedEntryTypes.includes(type)) return;
  new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true });
}

observe("navigation", (entry) => vitals.set("ttfb", entry.responseStart));
observe("paint", (entry) => {
  if (entry.name === "first-contentful-paint") vitals.set("fcp", entry.startTime);
});
observe("largest-contentful-paint", (entry) => vitals.set("lcp", entry.startTime));

for (const kind of ["error", "unhandledrejection"]) addEventListener(kind, () => { errors += 1; });

/** A beacon outlives the page, and holds up nobody who leaves it. */
function report() {
  const events = [...vitals].map(([name, value]) => ({ name, value, page: PAGE }));
  if (errors > 0) events.push({ name: "errors", value: Math.min(errors, 1000), page: PAGE });
  if (events.length === 0) return;
  if (navigator.sendBeacon(PATH, JSON.stringify({ events }))) {
    vitals.clear();
    errors = 0;
  }
}

// Hidden is the last that a page surely hears of itself: phones end it in the background.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") report();
});
addEventListener("pagehide", report);
