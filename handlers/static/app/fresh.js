/** @file Keeping what is shown true while somebody looks: it is read anew at times, and on coming back to the page. */

/** Between two readings, ms; after ones that failed twice as long each time, up to the second. */
const EVERY_MS = 20_000;
const MOST_MS = 160_000;
/** Of a wait, more or less: pages that were opened together do not ask together. */
const SPREAD = 0.1;

/**
 * @param {() => Promise<boolean>} read whether it could be read; never two at once
 * @param {object} [by] of tests
 */
export function keepFresh(read, { page = document, after = setTimeout, cancel = clearTimeout, now = () => performance.now(), random = Math.random } = {}) {
  let timer = null;
  let reading = false;
  let wait = EVERY_MS;
  let readAt = now();
  const plan = () => {
    cancel(timer);
    timer = page.visibilityState === "visible" ? after(run, wait * (1 + SPREAD * (2 * random() - 1))) : null;
  };
  async function run() {
    if (reading) return;
    reading = true;
    wait = (await read()) ? EVERY_MS : Math.min(MOST_MS, 2 * wait);
    reading = false;
    readAt = now();
    plan();
  }
  page.addEventListener("visibilitychange", () => (page.visibilityState === "visible" && now() - readAt >= wait ? run() : plan()));
  plan();
}
