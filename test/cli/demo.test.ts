import { access } from 'node:fs/promises';
import path from 'node:path';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createChance } from '../../src/cli/demo/chance.js';
import { runDemoCommand } from '../../src/cli/demo/demo-command.js';
import { nowLine, type Summary, savingLines } from '../../src/cli/demo/demo-report.js';
import { startModelStandIn } from '../../src/cli/demo/model-stand-in.js';
import { writeSampleCanvases } from '../../src/cli/demo/sample-canvases.js';
import { sampleTrajectories } from '../../src/cli/demo/sample-trajectories.js';
import { openTestApp } from '../support/app.js';
import { clientOf } from '../support/client.js';
import { temporaryFolder } from '../support/folder.js';

/** Output that a test reads, and waits for. */
class Spoken extends Writable {
  text = '';
  #waiting: { words: string; heard(): void }[] = [];
  override _write(chunk: Buffer, _encoding: string, done: () => void) {
    this.text += chunk;
    for (const { words, heard } of this.#waiting) if (this.text.includes(words)) heard();
    done();
  }
  says(words: string): Promise<void> {
    return new Promise((heard) => {
      this.#waiting.push({ words, heard });
      if (this.text.includes(words)) heard();
    });
  }
}

const main = ['--import', 'tsx', fileURLToPath(new URL('../../src/main.ts', import.meta.url))];

function run(argv: string[], service = main) {
  const interruption = new AbortController();
  const [stdout, stderr] = [new Spoken(), new Spoken()];
  const io = { stdin: process.stdin, stdout, stderr, interrupted: interruption.signal };
  const ended = runDemoCommand(argv, io, service);
  onTestFinished(async () => {
    interruption.abort();
    await ended.catch(() => {});
  });
  return { ended, stdout, stderr, interrupt: () => interruption.abort() };
}

describe('the demo', () => {
  it('shows a first saving within a minute, and leaves neither a process nor a file behind', async () => {
    const startedAt = performance.now();
    const demo = run(['--trajectories', '160']);
    await demo.stdout.says('/dashboard');
    const [, url = ''] = /dashboard +(http:\S+)\/dashboard/.exec(demo.stdout.text) ?? [];
    const [, flagsFile = ''] = /switches +(\S+)/.exec(demo.stdout.text) ?? [];
    expect((await fetch(`${url}/dashboard`)).status).toBe(200);
    await demo.stdout.says(' % saved (');
    expect(performance.now() - startedAt).toBeLessThan(60_000);
    demo.interrupt();
    expect(await demo.ended).toBe(0);
    expect(demo.stderr.text).toBe('');
    expect(demo.stdout.text).toMatch(/\d+ requests, \d+ a second/);
    expect(demo.stdout.text).not.toContain('refused');
    await expect(fetch(`${url}/ready`)).rejects.toThrow();
    await expect(access(path.dirname(flagsFile))).rejects.toThrow();
  }, 90_000);

  it('ends in order when it is interrupted, also while the service starts', async () => {
    const demo = run([]);
    demo.interrupt();
    expect(await demo.ended).toBe(0);
    expect(demo.stdout.text).toContain('The demo has ended');
  }, 60_000);

  it.each([
    [['--minutes', 'five'], '--minutes: expected a number from 0 to 60, got "five"'],
    [['--trajectories', '0'], '--trajectories: expected a number'],
    [['--speed', '2'], 'speed'],
  ])('refuses %j', async (argv, message) => {
    const demo = run(argv);
    expect(await demo.ended).toBe(2);
    expect(demo.stderr.text).toContain(message);
    expect(demo.stderr.text).toContain('Usage: npm run demo');
  });

  it('explains itself', async () => {
    const demo = run(['--help']);
    expect(await demo.ended).toBe(0);
    expect(demo.stdout.text).toContain('Usage: npm run demo');
  });

  it('says why when the service does not start, and leaves no file', async () => {
    const demo = run([], ['-e', 'console.log("no room"); process.exit(1)']);
    expect(await demo.ended).toBe(3);
    expect(demo.stderr.text).toContain('The service did not start; the end of its log:\nno room');
    expect(demo.stdout.text).toContain('its files are gone');
  });
});

describe('what the demo is made of', () => {
  it('are canvases and trajectories that the service takes, the same on every run', async () => {
    const app = await openTestApp();
    const { canvases, trajectories } = clientOf(app.server);
    for (const { path: file, nodeIds } of await writeSampleCanvases(app.vault, 1)) {
      const { body } = await canvases.getCanvas({ params: { path: file } });
      expect(body?.nodes?.map(({ id }) => id)).toEqual(nodeIds);
    }
    const lines = await new Response(sampleTrajectories(100)).text();
    expect(await new Response(sampleTrajectories(100)).text()).toBe(lines);
    const headers = { 'content-type': 'application/x-ndjson' };
    const { body } = await trajectories.importStream({ query: { wait: true }, headers, body: lines });
    expect(body).toMatchObject({ success: true, imported_count: 100, failed_count: 0 });
  });

  it('is a stand-in that answers in the form that it is asked for', async () => {
    const standIn = await startModelStandIn();
    onTestFinished(() => standIn.close());
    const folder = await temporaryFolder();
    const app = await openTestApp({
      folder,
      environment: { OPENAI_BASE_URL: standIn.baseUrl, OPENAI_MODEL: 'stand-in' },
    });
    const { agents } = clientOf(app.server);
    const [canvas] = await writeSampleCanvases(app.vault, 1);
    const types = [
      'scoring-agent',
      'comparison-table',
      'four-level-explanation',
      'memory-anchor',
      'basic-decomposition',
    ] as const;
    const answers = await Promise.all(
      types.map((agent_type) =>
        agents.invokeAgent({
          body: {
            agent_type,
            canvas_path: canvas?.path ?? '',
            target_node_id: canvas?.nodeIds[1] ?? '',
            parameters: { dry_run: true },
          },
        }),
      ),
    );
    expect(answers.map(({ body }) => JSON.stringify(body).includes('invented'))).toEqual(types.map(() => true));
  });

  it('are numbers that look random, within their bounds', () => {
    const chance = createChance(42);
    const drawn = Array.from({ length: 1000 }, () => chance.whole(3, 7));
    expect([...new Set(drawn)].sort()).toEqual([3, 4, 5, 6, 7]);
    expect(createChance(42).next()).toBe(createChance(42).next());
    expect(['a', 'b']).toContain(chance.pick(['a', 'b']));
  });
});

describe('what the demo says', () => {
  const side = (mean_ms: number) => ({ count: 9, mean_ms, p95_ms: mean_ms * 2 });
  const summary = {
    api: { requests_total: 12_345, requests_per_second: 61.2, p95_latency_ms: 8.25 },
    cache_hit_rate: 0.973,
    agents: { invocations_total: 7 },
    resources: { scheduler: { limit: 12, running: 3, waiting: 0 } },
    optimization_savings: {
      native_query: {
        baseline: side(48),
        optimized: side(2.5),
        saved_ratio: 0.948,
        samples: 34,
        distinguishable: true,
        unit: 'ms',
      },
      fast_json: {
        baseline: side(0.31),
        optimized: side(0.3),
        saved_ratio: 0.03,
        samples: 5,
        distinguishable: false,
        unit: 'ms',
      },
      batch_import: {
        baseline: side(0),
        optimized: side(0),
        saved_ratio: null,
        samples: 0,
        distinguishable: false,
        unit: 'ms',
      },
    },
  } as unknown as Summary;

  it('is one line for now', () => {
    expect(nowLine(65, summary, 'imported 400 of 10000')).toBe(
      ' 1:05  12,345 requests, 61 a second · p95 8.25 ms · canvases from the cache 97 % · agents 7 · slots 3 of 12 · imported 400 of 10000',
    );
  });

  it('is a line for each optimisation that was measured, honest about noise', () => {
    const [query, json, ...none] = savingLines(summary);
    expect(query).toContain('before    48.0 ms  after    2.50 ms  95 % saved (34 measured)');
    expect(json).toBe('       not yet told from noise: fast_json (5)');
    expect(none).toEqual([]);
  });
});
