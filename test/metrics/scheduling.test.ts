import { describe, expect, it, onTestFinished } from 'vitest';
import { createMetrics } from '../../src/metrics/index.js';

function testMetrics() {
  const metrics = createMetrics('1.2.3');
  onTestFinished(() => metrics.close());
  const lines = async (start: string) => (await metrics.text()).split('\n').filter((line) => line.startsWith(start));
  return { metrics, lines };
}

describe('the metrics of the scheduler', () => {
  it('show the limit, what runs and what waits, and the load, as it is at the scrape', async () => {
    const { metrics, lines } = testMetrics();
    metrics.watchScheduler(() => ({ limit: 20, running: 7, waiting: 3, load: { cpu: 0.5, event_loop: 12 } }));
    expect(await lines('canvas_scheduler_')).toEqual(
      expect.arrayContaining([
        'canvas_scheduler_limit 20',
        'canvas_scheduler_running 7',
        'canvas_scheduler_waiting 3',
        'canvas_scheduler_load_ratio{signal="cpu"} 0.5',
      ]),
    );
    expect((await lines('canvas_scheduler_load_ratio')).length).toBe(1);
  });

  it('count decisions by why, and time tasks by kind and by how they ended', async () => {
    const { metrics, lines } = testMetrics();
    const change = { type: 'limit', load: {}, waiting: 0, running: 0 } as const;
    metrics.observeScheduler({ ...change, limit: 10, previous: 20, reason: 'memory' });
    metrics.observeScheduler({ ...change, limit: 20, previous: 10, reason: 'calm' });
    metrics.observeScheduler({ ...change, limit: 10, previous: 10, reason: 'cpu' });
    metrics.observeScheduler({
      type: 'upstream_limit',
      upstream: 'model',
      limit: 4,
      previous: 10,
      reason: 'busy',
      running: 6,
    });
    metrics.observeScheduler({ type: 'task_started', kind: 'agent', waitSeconds: 0.3 });
    metrics.observeScheduler({ type: 'task_ended', kind: 'agent', outcome: 'completed', durationSeconds: 3 });
    const found = await lines('canvas_scheduler_');
    expect(found).toEqual(
      expect.arrayContaining([
        'canvas_scheduler_limit_changes_total{reason="memory",direction="down"} 1',
        'canvas_scheduler_limit_changes_total{reason="calm",direction="up"} 1',
        'canvas_scheduler_limit_changes_total{reason="cpu",direction="none"} 1',
        'canvas_scheduler_upstream_limit{upstream="model"} 4',
        'canvas_scheduler_upstream_limit_changes_total{upstream="model",reason="busy"} 1',
        'canvas_scheduler_wait_seconds_bucket{le="0.25",kind="agent"} 0',
        'canvas_scheduler_wait_seconds_bucket{le="0.5",kind="agent"} 1',
        'canvas_scheduler_task_seconds_sum{kind="agent",outcome="completed"} 3',
      ]),
    );
  });
});

describe('the metrics of jobs', () => {
  it('count their tasks, and time them by how they ended', async () => {
    const { metrics, lines } = testMetrics();
    metrics.observeJobs({ type: 'job_accepted', tasks: 12 });
    metrics.observeJobs({ type: 'job_ended', status: 'cancelled', durationSeconds: 4 });
    expect(await lines('canvas_job_')).toEqual(
      expect.arrayContaining(['canvas_job_tasks_total 12', 'canvas_job_seconds_sum{status="cancelled"} 4']),
    );
  });
});

describe('the metrics of other servers', () => {
  it('time tries by how they ended, count pauses and what failed in the end, and show the circuit', async () => {
    const { metrics, lines } = testMetrics();
    const attempt = {
      type: 'attempt',
      upstream: 'model',
      retryAfterSeconds: undefined,
      othersRunning: 0,
      isStream: false,
    } as const;
    metrics.observeUpstream({ ...attempt, outcome: 'busy', durationSeconds: 0.5 });
    metrics.observeUpstream({ type: 'retry', upstream: 'model', reason: 'busy', delaySeconds: 2 });
    metrics.observeUpstream({ ...attempt, outcome: 'ok', durationSeconds: 2 });
    metrics.observeUpstream({ type: 'gave_up', upstream: 'graph', reason: 'quota', class: 'fatal', attempts: 1 });
    metrics.observeUpstream({ type: 'circuit', upstream: 'model', state: 'open' });
    expect(await lines('canvas_upstream_')).toEqual(
      expect.arrayContaining([
        'canvas_upstream_attempt_seconds_sum{upstream="model",outcome="busy"} 0.5',
        'canvas_upstream_attempt_seconds_count{upstream="model",outcome="ok"} 1',
        'canvas_upstream_retries_total{upstream="model",reason="busy"} 1',
        'canvas_upstream_failures_total{upstream="graph",reason="quota"} 1',
        'canvas_upstream_circuit_open{upstream="model"} 1',
      ]),
    );
    metrics.observeUpstream({ type: 'circuit', upstream: 'model', state: 'half_open' });
    expect(await lines('canvas_upstream_circuit_open')).toEqual(['canvas_upstream_circuit_open{upstream="model"} 1']);
    metrics.observeUpstream({ type: 'circuit', upstream: 'model', state: 'closed' });
    expect(await lines('canvas_upstream_circuit_open')).toEqual(['canvas_upstream_circuit_open{upstream="model"} 0']);
  });
});
