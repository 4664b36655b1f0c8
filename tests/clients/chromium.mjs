// A real browser does what it is told, step by step, and says where it came to: its address, what the page shows, what
// it complained about (a broken content security policy, for one), and a picture of each page that was asked for.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const library = `${process.env.BROWSER_MODULES}/playwright-core/index.mjs`;
const { chromium } = await import(pathToFileURL(library).href);
const { steps, profile } = JSON.parse(process.argv[2]);

const context = await chromium.launchPersistentContext(profile, {
  executablePath: '/usr/bin/chromium',
  headless: true,
  // Nothing moves: what is looked at is as it stays.
  reducedMotion: 'reduce',
  // The gateway's own authority is in no browser's store.
  ignoreHTTPSErrors: true,
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--host-resolver-rules=MAP *.gateway.test 127.0.0.1',
  ],
});
const page = context.pages()[0] ?? (await context.newPage());
page.setDefaultTimeout(30_000);
const complaints = [];
page.on('console', (message) => {
  const from = message.location().url || page.url();
  if (message.type() === 'error') complaints.push(`${from}: ${message.text()}`);
});
page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error}`));

const roles = new Set(
  ('article button checkbox combobox dialog heading link list listbox listitem menuitem navigation option radio region ' +
    'row status switch tab table textbox timer toolbar').split(' '),
);

// Something by what it is to people: `button:Approve`, or just `Approve` for whatever says so. `dialog:Deny this? >
// button:Deny` is a part of it.
const found = (what) =>
  what.split(' > ').reduce((where, part) => {
    const [role, name] = part.split(/:(.*)/s);
    if (!roles.has(role)) return where.getByText(part).first();
    return where.getByRole(role, name ? { name } : {}).first();
  }, page);

// What axe finds that is serious or worse, one line each.
const barriers = async () => {
  const source = readFileSync(`${process.env.BROWSER_MODULES}/axe-core/axe.min.js`, 'utf8');
  await page.evaluate(`${source}; undefined`);
  const { violations } = await page.evaluate('axe.run(document, { resultTypes: ["violations"] })');
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  return serious.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
};

// Once nothing moves any more; what turns for ever is left out.
const still = () =>
  page.evaluate(async () => {
    const frame = () => new Promise(requestAnimationFrame);
    const ending = () =>
      document.getAnimations().filter((a) => a.effect?.getComputedTiming().endTime !== Number.POSITIVE_INFINITY);
    do {
      await frame();
      await frame();
      await Promise.allSettled(ending().map((a) => a.finished));
    } while (ending().some((a) => a.playState === 'running'));
  });

// What is being fetched now, but for the stream of what changes, which stays open; and when the last of it came.
const fetching = new Set();
let fetched = Date.now();
const begins = (request) => request.resourceType() !== 'eventsource' && fetching.add(request);
const ends = (request) => fetching.delete(request) && (fetched = Date.now());
page.on('request', begins).on('requestfinished', ends).on('requestfailed', ends);
let opened = Date.now();
// How long pages took until all of them was there.
const took = [];

// What is wrong with pages, said at the end so that one look finds all of it.
const faults = [];

const actions = {
  // People, rather than parts of the page.
  press: (what) => found(what).click(),
  write: ([what, value]) => found(what).fill(value),
  choose: ([what, value]) => found(what).selectOption(value),
  keys: (keys) => page.keyboard.press(keys),
  type: (text) => page.keyboard.type(text),
  gone: (what) => found(what).waitFor({ state: 'hidden' }),
  shows: (what) => found(what).waitFor(),
  scheme: async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    const there = (scheme) => document.documentElement.dataset.mantineColorScheme === scheme;
    await page.waitForFunction(there, colorScheme);
    await still();
  },
  size: async ([width, height]) => {
    await page.setViewportSize({ width, height });
    await still();
  },
  accessible: async (where) => {
    const all = await barriers();
    faults.push(...all.map((barrier) => `${where} keeps people out: ${barrier}`));
  },
  // Nothing is wider than the screen.
  fits: async (where) => {
    const over = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
    if (over > 0) faults.push(`${where} is ${over} pixels too wide`);
  },
  // Nothing more is being fetched for the page (the stream of what changes stays open).
  quiet: async () => {
    let last = Date.now();
    const busy = () => (last = Date.now());
    page.on('response', busy);
    while (Date.now() - last < 500) await page.waitForTimeout(100);
    page.off('response', busy);
  },
  // Everything that the page fetches has come.
  settled: async (name) => {
    let idle = 0;
    for (; idle < 5; idle = fetching.size === 0 ? idle + 1 : 0) await page.waitForTimeout(50);
    took.push({ name, millis: fetched - opened });
  },
  // Tells whoever waits for it that the browser has come so far.
  mark: async (path) => writeFileSync(path, ''),
  // Waits for a file that somebody else writes.
  until: async (path) => {
    while (!existsSync(path)) await page.waitForTimeout(50);
  },
  open: (url) => {
    opened = Date.now();
    return page.goto(url);
  },
  fill: ([selector, value]) => page.fill(selector, value),
  click: (selector) => page.click(selector),
  // A text that the page comes to show.
  see: (text) => page.getByText(text).first().waitFor(),
  at: (part) => page.waitForURL((url) => url.href.includes(part)),
  picture: (path) => page.screenshot({ path, fullPage: true }),
};
try {
  for (const step of steps) {
    const [[name, argument]] = Object.entries(step);
    await actions[name](argument);
  }
  if (faults.length > 0) throw new Error(faults.join('\n'));
} catch (error) {
  console.error(`${error}\nat ${page.url()}\n${await page.innerText('body')}`);
  process.exitCode = 1;
}
const cookies = (await context.cookies()).map(({ name, httpOnly, secure, sameSite }) => ({
  name,
  httpOnly,
  secure,
  sameSite,
}));
console.log(JSON.stringify({ url: page.url(), text: await page.innerText('body'), complaints, cookies, took }));
await context.close();
