import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openTestApp } from '../../support/app.js';
import { clientOf } from '../../support/client.js';
import { madeUpSources, openStage, playTraffic, type Stage } from './stage.js';

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const hasBrowser = existsSync(executablePath);
/** A folder to leave pictures in, for people to look at. */
const pictures = process.env.DASHBOARD_PICTURES;

/** A quarter of an hour for a picture, two minutes otherwise. */
const looks = pictures === undefined ? 60 : 450;

let browser: Browser;
/** Most tests share a window: a new one costs as much as the test. */
let desktop: Page;

async function ownWindow(options: BrowserContextOptions): Promise<Page> {
  const context = await browser.newContext(options);
  onTestFinished(() => context.close());
  return context.newPage();
}

async function open(
  { server }: Pick<Stage, 'server'>,
  options?: BrowserContextOptions,
): Promise<{ page: Page; faults: string[] }> {
  const origin = await server.listen({ host: '127.0.0.1', port: 0 });
  const page = options === undefined ? desktop : await ownWindow(options);
  const faults: string[] = [];
  page.on('console', (line) => line.type() === 'error' && faults.push(line.text()));
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('request', (request) => request.url().startsWith(origin) || faults.push(`asked ${request.url()}`));
  onTestFinished(async () => {
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    for (const event of ['console', 'pageerror', 'request']) page.removeAllListeners(event);
    await page.goto('about:blank');
  });
  await page.goto(`${origin}/dashboard`);
  return { page, faults };
}

const picture = (page: Page, name: string) =>
  pictures === undefined ? undefined : page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });

/** Also on a machine that does other work. */
const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 10_000 });

/** What the browser measured of loading the page. */
const loadFigures = `({
  paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Infinity,
  bytes: [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
    .reduce((sum, entry) => sum + entry.decodedBodySize, 0),
})`;
/** The tables of which a part is out of sight. */
const cutOff = `[...document.querySelectorAll('.scroll')]
  .filter((table) => table.scrollWidth > table.clientWidth).map((table) => table.id)`;
const background = (page: Page) => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');

const live = (page: Page) => page.locator('#state.live').waitFor();
const switchOf = (page: Page, name: string) => page.getByRole('switch', { name, exact: true });

describe.skipIf(!hasBrowser)(
  `the dashboard in a browser${hasBrowser ? '' : ` (skipped: no ${executablePath})`}`,
  () => {
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
      const context = await browser.newContext({ viewport: { width: 1360, height: 900 } });
      desktop = await context.newPage();
    }, 30_000);
    afterAll(async () => {
      await browser?.close();
    });

    it('is painted within a second, weighs less than 300 KB, and asks nobody else', async () => {
      const stage = await openStage();
      await playTraffic(stage, looks);
      const { page, faults } = await open(stage);
      await live(page);
      await eventually(() => page.locator('#requests .value').first().textContent()).toMatch(/\/s/);
      await picture(page, 'light');
      const paints: number[] = [];
      let weight = 0;
      // On a machine that does other work, too, the quickest of a few is what the page itself takes.
      for (let load = 0; load < 5 && !(Math.min(...paints) < 1000); load++) {
        const seen = await page.evaluate<{ paint: number; bytes: number }>(loadFigures);
        paints.push(seen.paint);
        weight = Math.max(weight, seen.bytes);
        await page.reload();
        await live(page);
      }
      expect(Math.min(...paints)).toBeLessThan(1000);
      expect(weight).toBeGreaterThan(60_000);
      expect(weight).toBeLessThan(300_000);
      expect(faults).toEqual([]);
    });

    it('shows what the service says: before and after, what cannot be told apart, what is missing', async () => {
      const stage = await openStage();
      await playTraffic(stage, 30);
      const { page } = await open(stage);
      await live(page);
      const flag = (name: string) => page.locator('.flag', { has: page.locator(`#flag-${name}`) });
      const text = async (name: string) => ((await flag(name).textContent()) ?? '').replaceAll('\u202f', ' ');
      expect(await text('canvas_cache')).toMatch(/before\s*2\.31 ms\s*p95 4\.1 ms\s*after\s*0\.42 ms/);
      expect(await text('canvas_cache')).toMatch(/saves 1\.89 ms \(81\.8 %\)\s*1\.7 ms to 2\.05 ms, 240 samples/);
      expect(await text('fast_json')).toContain('not distinguishable');
      expect(await text('batch_writer')).toContain('no samples yet');
      expect(await text('query_cache')).toContain('off: 2 mismatches within 60 s');
      expect(await page.title()).toBe('(1) canvas-learning-backend');
      const all = ((await page.locator('body').textContent()) ?? '').replaceAll('\u202f', ' ');
      for (const words of [
        'warning: p95 of API requests above 1 s',
        '3 of 25 slots taken',
        'processor 92 %',
        'No chat model is configured',
        'not asked yet',
        '6,200 stored, 10 skipped, 3 failed, 1,800 rows/s',
      ]) {
        expect(all).toContain(words);
      }
    });

    it('says why nothing is measured when nothing is sampled', async () => {
      const stage = await openStage({ sources: { ...madeUpSources(), savings: () => ({}), sampleRate: () => 0 } });
      const { page } = await open(stage);
      await live(page);
      await page.getByText('no samples yet: verification.sample_rate is 0').first().waitFor();
      await page.locator('#latency').getByText('no request in this range of time').waitFor();
    });

    it('turns a switch by keyboard, and shows a refusal beside it', async () => {
      const stage = await openStage();
      const { page } = await open(stage);
      await live(page);
      const named = (name: string) => switchOf(page, name);
      await named('batch_writer').focus();
      expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
      await page.keyboard.press('Space');
      await eventually(() => named('batch_writer').getAttribute('aria-checked')).toBe('false');
      expect(stage.flips).toEqual([{ name: 'batch_writer', enabled: false }]);
      await stage.look();
      await page.getByText('by hand').waitFor();
      expect(await named('batch_writer').getAttribute('aria-checked')).toBe('false');
      await named('query_cache').click();
      await page.getByText('Not switched: rolled back; see docs/rollback.md').waitFor();
      expect(await named('query_cache').getAttribute('aria-checked')).toBe('false');
      await page.route('**/admin/flags/*', (route) => route.fulfill({ status: 401 }));
      await named('fast_json').click();
      await page.getByText('Not switched: the service asks for a token').waitFor();
    });

    it('switches in the file of the real service, and shows what is edited there by hand', async () => {
      const written = (enabled: boolean) =>
        `# Ours.\nenabled: true\ncanvas_cache: # files in memory\n  enabled: ${enabled} # since May\n`;
      const app = await openTestApp({ flags: written(true) });
      const { page, faults } = await open(app);
      await live(page);
      await switchOf(page, 'canvas_cache').click();
      await page
        .locator('.flag', { has: page.locator('#flag-canvas_cache') })
        .locator('strong.off')
        .waitFor();
      expect(await readFile(app.flagsFile, 'utf8')).toBe(written(false));
      const { flags } = (await clientOf(app.server).admin.listFlags()).body;
      expect(flags.canvas_cache).toMatchObject({ enabled: false, effective: false });
      await writeFile(app.flagsFile, written(true));
      await eventually(() => switchOf(page, 'canvas_cache').getAttribute('aria-checked')).toBe('true');
      expect(faults).toEqual([]);
    });

    it('says that the past cannot be had, and asks for it again', async () => {
      const stage = await openStage();
      await playTraffic(stage, 20);
      await desktop.route('**/dashboard/history*', (route) =>
        route.fulfill({ status: 503, json: { detail: 'the store is closed' } }),
      );
      const { page } = await open(stage);
      const rate = page.locator('#requests .value').first();
      await page.getByText('no past to show: the store is closed').waitFor();
      await stage.look();
      await page.getByText('no past to show: the store is closed').waitFor();
      expect(await rate.textContent()).not.toMatch(/\d/);
      await page.unrouteAll();
      await stage.look();
      await eventually(() => rate.textContent()).toMatch(/\d/);
      await stage.look();
      await live(page);
    });

    it('follows the service, in another range of time and through a restart', async () => {
      const first = await openStage();
      await playTraffic(first, 20);
      const { page } = await open(first);
      await live(page);
      const columns = async () =>
        (await page.locator('#requests .value').first().textContent())?.replaceAll('\u202f', ' ');
      await page.getByRole('button', { name: '1 h', exact: true }).click();
      expect(await page.getByRole('button', { name: '1 h', exact: true }).getAttribute('aria-pressed')).toBe('true');
      await eventually(columns).toMatch(/\d \/s/);
      const before = await columns();
      await playTraffic(first, 10);
      await eventually(columns).not.toBe(before);
      const { port } = first.server.server.address() as AddressInfo;
      await first.close();
      await page.locator('#state.lost').waitFor();

      const second = await openStage({ folder: first.folder, clock: first.clock });
      await second.server.listen({ host: '127.0.0.1', port });
      await live(page);
      await eventually(columns).toMatch(/\d \/s/);
    });

    it('asks for the token where there is one, and keeps it for the tab only', async () => {
      const stage = await openStage({ server: { apiToken: 'secret-token' } });
      const { page } = await open(stage);
      const field = page.getByLabel('Token (API_TOKEN)');
      await field.fill('wrong');
      await page.keyboard.press('Enter');
      await page.getByText('The token was not the right one.').waitFor();
      await field.fill('secret-token');
      await page.getByRole('button', { name: 'Continue' }).click();
      await live(page);
      expect(await page.evaluate('[sessionStorage.length, localStorage.length]')).toEqual([1, 0]);
    });

    it('fits a phone, in the dark', async () => {
      const stage = await openStage();
      await playTraffic(stage, looks);
      const { page, faults } = await open(stage, {
        viewport: { width: 390, height: 844 },
        deviceScaleFactor: 2,
        isMobile: true,
        hasTouch: true,
        colorScheme: 'dark',
      });
      await live(page);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
      expect(await page.evaluate(cutOff)).toEqual([]);
      expect(await background(page)).toBe('rgb(15, 19, 24)');
      await picture(page, 'phone');
      await page.setViewportSize({ width: 1360, height: 900 });
      await picture(page, 'dark');
      await page.emulateMedia({ colorScheme: 'light' });
      await eventually(() => background(page)).toBe('rgb(244, 245, 247)');
      expect(faults).toEqual([]);
    });

    it('shows nothing of what the service tells as markup', async () => {
      const stage = await openStage();
      const name = '<img src=x onerror=alert(1)>';
      Object.assign(stage.sources.flags(), {
        [name]: { enabled: true, effective: true, since: '2025-12-31T23:50:00.000Z', reason: name },
      });
      await stage.look();
      const { page, faults } = await open(stage);
      await page.getByText(name).first().waitFor();
      expect(await page.locator('img').count()).toBe(0);
      expect(faults).toEqual([]);
    });

    it('reads a chart by the arrow keys', async () => {
      const stage = await openStage();
      await playTraffic(stage, 60);
      const { page } = await open(stage);
      await live(page);
      await eventually(() => page.locator('#requests .value').first().textContent()).toMatch(/\/s/);
      await page.locator('#requests').focus();
      for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowLeft');
      await eventually(() => page.locator('#requests .when').textContent()).toMatch(/^\d\d:\d\d:\d\d$/);
      await page.keyboard.press('Escape');
      await eventually(() => page.locator('#requests .when').textContent()).toBe('');
    });
  },
);
