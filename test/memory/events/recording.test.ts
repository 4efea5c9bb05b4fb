import { describe, expect, it } from 'vitest';
import { createLogger } from '../../../src/logger.js';
import { type EventStoreEvent, recordEvents } from '../../../src/memory/index.js';
import { temporaryFolder } from '../../support/folder.js';
import { ManualClock } from '../../support/manual-clock.js';
import { everything, openTestEvents } from './event-fixtures.js';

async function openRecorder() {
  const clock = new ManualClock();
  const { store } = await openTestEvents(await temporaryFolder(), { clock });
  const reports: EventStoreEvent[] = [];
  const recorder = recordEvents({
    store,
    clock,
    logger: createLogger('silent'),
    onEvent: (event) => reports.push(event),
  });
  const recorded = async () => {
    await recorder.close();
    const { texts } = await store.read(everything);
    return texts.map((text) => JSON.parse(text)).reverse();
  };
  return { clock, store, recorder, reports, recorded };
}

const autosave = { path: 'notes/a.canvas', kind: 'changed', origin: 'api' } as const;

describe('recording canvases', () => {
  it('makes one event of an autosave every 50 ms, when the canvas is left alone', async () => {
    const { clock, recorder, reports, recorded, store } = await openRecorder();
    for (let i = 0; i < 200; i++) {
      recorder.canvasChanged(autosave);
      await clock.advance(50);
    }
    expect(reports).toEqual([]);
    await clock.advance(30_000);
    const [event, ...others] = await recorded();
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      event_type: 'canvas_changed',
      canvas_path: 'notes/a.canvas',
      timestamp: '2026-01-01T00:00:09.950Z',
      metadata: { changes: 200, external_changes: 0, duration_ms: 9950 },
    });
    expect(reports).toEqual([{ type: 'events_recorded', source: 'canvas', outcome: 'stored' }]);
    await store.close();
  });

  it('makes an event every five minutes of a canvas that is never left alone', async () => {
    const { clock, recorder, recorded, store } = await openRecorder();
    for (let i = 0; i < 70; i++) {
      recorder.canvasChanged({ ...autosave, origin: i % 2 === 0 ? 'api' : 'external' });
      await clock.advance(10_000);
    }
    const events = await recorded();
    expect(events.map(({ metadata }) => metadata.changes)).toEqual([30, 30, 10]);
    expect(events[0].metadata.external_changes).toBe(15);
    await store.close();
  });

  it('tells at once what creates, moves or deletes one, after what was gathered about it', async () => {
    const { clock, recorder, recorded, store } = await openRecorder();
    recorder.canvasChanged({ ...autosave, kind: 'created' });
    await clock.advance(5);
    recorder.canvasChanged(autosave);
    await clock.advance(5);
    recorder.canvasChanged({ path: 'b.canvas', from: autosave.path, kind: 'moved', origin: 'api' });
    await clock.advance(5);
    recorder.canvasChanged({ path: 'b.canvas', kind: 'deleted', origin: 'external' });
    const events = await recorded();
    expect(events.map(({ event_type, canvas_path }) => [event_type, canvas_path])).toEqual([
      ['canvas_created', 'notes/a.canvas'],
      ['canvas_changed', 'notes/a.canvas'],
      ['canvas_moved', 'b.canvas'],
      ['canvas_deleted', 'b.canvas'],
    ]);
    expect(events[2].metadata).toEqual({ origin: 'api', from: 'notes/a.canvas' });
    expect(clock.timers).toBe(1);
    await store.close();
  });

  it('gathers about a thousand canvases at most, and ends the one that is quiet for longest', async () => {
    const { clock, recorder, recorded, store } = await openRecorder();
    for (let i = 0; i < 1001; i++) recorder.canvasChanged({ ...autosave, path: `${i}.canvas` });
    // The event of the one that was ended waits for others.
    expect(clock.timers).toBe(1002);
    expect(await recorded()).toHaveLength(1000);
    await store.close();
  });
});

describe('recording agents', () => {
  const run = {
    agent: 'scoring-agent',
    outcome: 'done',
    isDryRun: false,
    durationSeconds: 1.5,
    canvasPath: 'a.canvas',
  };

  it('makes an event of each run, but of trials none', async () => {
    const { recorder, recorded, store } = await openRecorder();
    recorder.agentRan({ ...run, nodeId: 'n1' });
    recorder.agentRan({ ...run, isDryRun: true });
    expect(await recorded()).toMatchObject([
      { event_type: 'agent_run', agent_type: 'scoring-agent', canvas_path: 'a.canvas', node_id: 'n1' },
    ]);
    await store.close();
  });

  it('stores the runs of 200 ms as one group, and what is left when it closes', async () => {
    const { clock, store } = await openRecorder();
    const groups: number[] = [];
    const recorder = recordEvents({
      store: {
        ...store,
        append(events) {
          groups.push(events.length);
          return store.append(events);
        },
      },
      clock,
      logger: createLogger('silent'),
      onEvent: () => {},
    });
    for (let i = 0; i < 5; i++) {
      recorder.agentRan(run);
      await clock.advance(50);
    }
    expect(groups).toEqual([4]);
    await clock.advance(200);
    expect(groups).toEqual([4, 1]);
    recorder.agentRan(run);
    await recorder.close();
    expect(groups).toEqual([4, 1, 1]);
    expect((await store.read(everything)).texts).toHaveLength(6);
    expect(clock.timers).toBe(1);
    await store.close();
  });

  it('drops what cannot be stored, says so, and disturbs nobody', async () => {
    const { recorder, reports, store } = await openRecorder();
    recorder.agentRan({ ...run, nodeId: 'n'.repeat(70_000) });
    await store.close();
    recorder.agentRan(run);
    await recorder.close();
    expect(reports).toEqual([
      { type: 'events_recorded', source: 'agent', outcome: 'failed' },
      { type: 'events_recorded', source: 'agent', outcome: 'failed' },
    ]);
  });
});
