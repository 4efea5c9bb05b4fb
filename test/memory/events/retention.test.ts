import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { temporaryFolder } from '../../support/folder.js';
import { ManualClock, settle } from '../../support/manual-clock.js';
import { allIds, dayMs, eventAt, openTestEvents, prepared } from './event-fixtures.js';

const hourMs = 3_600_000;
const partitionsIn = async (folder: string) =>
  (await readdir(path.join(folder, 'events'))).filter((name) => name.endsWith('.events')).sort();

describe('retention', () => {
  it('removes whole days that are older, for good, and takes their ids anew', async () => {
    const folder = await temporaryFolder();
    const { store, clock, reports } = await openTestEvents(folder, { retentionDays: 10 });
    await store.append(prepared(eventAt(9, { event_id: 'old' }), eventAt(1, { event_id: 'new' })));
    await clock.advance(hourMs);
    expect(await allIds(store)).toEqual(['new', 'old']);
    for (let passed = 0; passed < 3; passed++) {
      await clock.advance(dayMs);
      await store.append(prepared(eventAt(-1 - passed, { event_id: `day${passed}` })));
    }
    await clock.advance(hourMs);
    await eventually(() => expect(reports).toContainEqual({ type: 'partition_expired', partition: '2025-12-23' }));
    expect(await allIds(store)).toEqual(['day2', 'day1', 'day0', 'new']);
    expect(await partitionsIn(folder)).not.toContain('2025-12-23.events');
    expect(await store.append(prepared(eventAt(9, { event_id: 'old', session_id: 'other' })))).toMatchObject({
      accepted: 1,
    });
    await store.close();
  });

  it('removes nothing while the date has jumped, and nothing because it jumped before the start', async () => {
    const folder = await temporaryFolder();
    const clock = new ManualClock();
    const first = await openTestEvents(folder, { retentionDays: 10, clock });
    await first.store.append(prepared(eventAt(1, { event_id: 'a' })));
    let jumpedMs = 3650 * dayMs;
    clock.wall = () => Date.UTC(2026, 0, 1) + clock.now() + jumpedMs;
    await clock.advance(2 * hourMs);
    await settle();
    expect(await partitionsIn(folder)).toEqual(['2025-12-31.events']);
    await first.store.close();
    const second = await openTestEvents(folder, { retentionDays: 10, clock });
    await clock.advance(2 * hourMs);
    await settle();
    expect(await partitionsIn(folder)).toEqual(['2025-12-31.events']);
    jumpedMs = 0;
    expect(await allIds(second.store)).toEqual(['a']);
    await second.store.close();
  });

  it('takes events up to a day ahead, and refuses later ones, and those it would remove at once', async () => {
    const { store } = await openTestEvents(await temporaryFolder(), { retentionDays: 30 });
    const faultAt = (daysBefore: number) => store.fault(store.prepare(eventAt(daysBefore)));
    expect(faultAt(-1)).toBeUndefined();
    expect(faultAt(-1.001)?.message).toMatch(/has happened/);
    expect(faultAt(30)).toBeUndefined();
    expect(faultAt(30.001)?.message).toMatch(/30 days/);
    const large = eventAt(1, { metadata: { concept: 'a', text: '文'.repeat(25_000) } });
    expect(store.fault(store.prepare(large))).toMatchObject({
      member: '',
      message: expect.stringMatching(/65536 bytes/),
    });
    await store.close();
  });
});
