// A real browser does what it is told, step by step, and says where it came to: its address, what the page shows, what
// it complained about (a broken content security policy, for one), and a picture of each page that was asked for.
import { pathToFileURL } from 'node:url';

const library = `${process.env.BROWSER_MODULES}/playwright-core/index.mjs`;
const { chromium } = await import(pathToFileURL(library).href);
const { steps, profile } = JSON.parse(process.argv[2]);

const context = await chromium.launchPersistentContext(profile, {
  executablePath: '/usr/bin/chromium',
  headless: true,
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

const actions = {
  open: (url) => page.goto(url),
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
console.log(JSON.stringify({ url: page.url(), text: await page.innerText('body'), complaints, cookies }));
await context.close();
