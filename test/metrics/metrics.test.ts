import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openEventStream } from '../../src/http/index.js';
import { createMetrics, metricsRoutes } from '../../src/metrics/index.js';
import { openEvents } from '../http/event-client.js';
import { startTestServer } from '../support/server.js';

function testMetrics() {
  const metrics = createMetrics('1.2.3');
  onTestFinished(() => metrics.close());
  return metrics;
}

/** The samples of a scrape: series text to value. */
function samples(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

const answered = (endpoint: string, status = 200, durationSeconds = 0.003, method = 'GET') =>
  ({ type: 'answered', method, endpoint, status, durationSeconds }) as const;

describe('request metrics', () => {
  it('count by method, route and status, and time by method and route', async () => {
    const metrics = testMetrics();
    metrics.observeRequest(answered('/canvas/*', 200, 0.0005));
    metrics.observeRequest(answered('/canvas/*', 200, 0.03));
    metrics.observeRequest(answered('/canvas/*', 304, 60));
    metrics.observeRequest(answered('/canvas/*', 200, 0.03, 'PUT'));
    const found = samples(await metrics.text());
    const get = 'method="GET",endpoint="/canvas/*"';
    expect(found.get(`canvas_api_requests_total{${get},status="200"}`)).toBe(2);
    expect(found.get(`canvas_api_requests_total{${get},status="304"}`)).toBe(1);
    expect(found.get('canvas_api_requests_total{method="PUT",endpoint="/canvas/*",status="200"}')).toBe(1);
    expect(found.get(`canvas_api_request_latency_seconds_bucket{le="0.0005",${get}}`)).toBe(1);
    expect(found.get(`canvas_api_request_latency_seconds_bucket{le="0.01",${get}}`)).toBe(1);
    expect(found.get(`canvas_api_request_latency_seconds_bucket{le="0.05",${get}}`)).toBe(2);
    expect(found.get(`canvas_api_request_latency_seconds_bucket{le="10",${get}}`)).toBe(2);
    expect(found.get(`canvas_api_request_latency_seconds_bucket{le="+Inf",${get}}`)).toBe(3);
    expect(found.get(`canvas_api_request_latency_seconds_count{${get}}`)).toBe(3);
    expect(found.get(`canvas_api_request_latency_seconds_sum{${get}}`)).toBeCloseTo(60.0305, 10);
  });

  it('know how many requests run', async () => {
    const metrics = testMetrics();
    const started = { ...answered(''), type: 'started' } as const;
    metrics.observeRequest(started);
    metrics.observeRequest(started);
    metrics.observeRequest(answered('/x'));
    expect(samples(await metrics.text()).get('canvas_api_concurrent_requests')).toBe(1);
  });

  it('count an open event stream as a stream, not as a request that waits, until its reader has left', async () => {
    const metrics = testMetrics();
    let wake = () => {};
    const routes: FastifyPluginAsyncZod = async (server) => {
      server.get('/events', (request, reply) => {
        openEventStream(request, reply);
        return reply;
      });
    };
    const server = await startTestServer([routes], {
      onEvent: (event) => {
        metrics.observeRequest(event);
        if (event.type === 'answered') wake();
      },
    });
    const gauges = async () => {
      const found = samples(await metrics.text());
      return [found.get('canvas_api_concurrent_requests'), found.get('canvas_api_event_streams')];
    };
    const client = await openEvents(server, '/events');
    expect(await gauges()).toEqual([0, 1]);
    const left = new Promise<void>((resolve) => {
      wake = resolve;
    });
    client.leave();
    await left;
    expect(await gauges()).toEqual([0, 0]);
    const found = samples(await metrics.text());
    expect(found.get('canvas_api_requests_total{method="GET",endpoint="/events",status="499"}')).toBe(1);
    expect(found.get('canvas_api_request_latency_seconds_count{method="GET",endpoint="/events"}')).toBe(0);
  });

  it('stay bounded whatever methods and endpoints come', async () => {
    const metrics = testMetrics();
    for (let i = 0; i < 5000; i++) metrics.observeRequest(answered(`/route-${i}`));
    for (let i = 0; i < 5000; i++) metrics.observeRequest(answered('/route-1', 200, 0.1, `METHOD${i}`));
    const found = [...samples(await metrics.text())].filter(([name]) => name.startsWith('canvas_api_requests_total'));
    expect(found.length).toBeLessThanOrEqual(1003);
    expect(found.reduce((total, [, value]) => total + value, 0)).toBe(10_000);
    expect(found.map(([name]) => name).join()).not.toContain('METHOD');
  });

  it('label by the route of the real server, never by what was asked for', async () => {
    const metrics = testMetrics();
    const routes: FastifyPluginAsyncZod = async (server) => {
      server.get('/canvas/*', async () => 'x');
    };
    const server = await startTestServer([routes, metricsRoutes(metrics)], { onEvent: metrics.observeRequest });
    await server.inject('/metrics');
    for (let i = 0; i < 300; i++) {
      await server.inject(`/canvas/some/${i}.canvas`);
      await server.inject(`/nowhere/${i}"\\%0a`);
    }
    const afterSome = (await server.inject('/metrics')).body;
    for (let i = 0; i < 300; i++) {
      await server.inject(`/canvas/others/${i}.canvas`);
      await server.inject({ method: 'DELETE', url: `/nowhere/else/${i}` });
    }
    const afterMany = (await server.inject('/metrics')).body;
    const found = samples(afterMany);
    expect(found.get('canvas_api_requests_total{method="GET",endpoint="/canvas/*",status="200"}')).toBe(600);
    expect(found.get('canvas_api_requests_total{method="GET",endpoint="unmatched",status="404"}')).toBe(300);
    expect(found.get('canvas_api_requests_total{method="DELETE",endpoint="unmatched",status="404"}')).toBe(300);
    expect(found.get('canvas_api_concurrent_requests')).toBe(1);
    const apiSeries = (text: string) =>
      [...samples(text).keys()].filter((name) => name.startsWith('canvas_api')).length;
    expect(apiSeries(afterMany) - apiSeries(afterSome)).toBe(17);
  });
});

describe('flag metrics', () => {
  it('say what is on, what failed and whether the file was good', async () => {
    const metrics = testMetrics();
    metrics.observeFlags({ type: 'config_read', result: 'defaults' });
    metrics.observeFlags({ type: 'switch_set', flag: 'all', effective: true });
    metrics.observeFlags({ type: 'switch_set', flag: 'fast_json', effective: true });
    metrics.observeFlags({ type: 'switch_set', flag: 'batch_writer', effective: false });
    metrics.observeFlags({ type: 'optimization_failed', flag: 'fast_json' });
    metrics.observeFlags({ type: 'optimization_failed', flag: 'fast_json' });
    let found = samples(await metrics.text());
    expect(found.get('canvas_optimization_enabled{flag="all"}')).toBe(1);
    expect(found.get('canvas_optimization_enabled{flag="fast_json"}')).toBe(1);
    expect(found.get('canvas_optimization_enabled{flag="batch_writer"}')).toBe(0);
    expect(found.get('canvas_optimization_failures_total{flag="fast_json"}')).toBe(2);
    expect(found.get('canvas_optimization_failures_total{flag="batch_writer"}')).toBe(0);
    expect(found.has('canvas_optimization_failures_total{flag="all"}')).toBe(false);
    expect(found.get('canvas_config_reload_success')).toBe(1);
    expect(found.get('canvas_config_reloads_total{result="success"}')).toBe(0);
    metrics.observeFlags({ type: 'config_read', result: 'invalid' });
    found = samples(await metrics.text());
    expect(found.get('canvas_config_reload_success')).toBe(0);
    expect(found.get('canvas_config_reloads_total{result="invalid"}')).toBe(1);
    metrics.observeFlags({ type: 'config_read', result: 'success' });
    metrics.observeFlags({ type: 'config_read', result: 'missing' });
    found = samples(await metrics.text());
    expect(found.get('canvas_config_reload_success')).toBe(0);
    expect(found.get('canvas_config_reloads_total{result="success"}')).toBe(1);
    expect(found.get('canvas_config_reloads_total{result="missing"}')).toBe(1);
  });
});

describe('GET /metrics', () => {
  it('is text for Prometheus, not kept by caches, with build and process figures', async () => {
    const metrics = testMetrics();
    const server = await startTestServer([metricsRoutes(metrics)]);
    const answer = await server.inject('/metrics');
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.body).toContain(`canvas_build_info{version="1.2.3",node_version="${process.versions.node}"} 1`);
    expect(answer.body).toMatch(/^process_resident_memory_bytes \d+$/m);
    expect((await server.inject('/metrics?x=1')).statusCode).toBe(400);
  });

  it('escapes what labels hold, and every line is well formed', async () => {
    const metrics = testMetrics();
    metrics.observeRequest(answered('/a"b\\c\nd'));
    const text = await metrics.text();
    expect(text).toContain('endpoint="/a\\"b\\\\c\\nd"');
    for (const line of text.split('\n')) {
      expect(line).toMatch(
        /^$|^# HELP \w+ .+$|^# TYPE \w+ (counter|gauge|histogram)$|^\w+(\{\w+="([^"\\\n]|\\.)*"(,\w+="([^"\\\n]|\\.)*")*\})? (-?[\d.e+-]+|Nan|\+Inf)$/,
      );
    }
  });

  it('belongs to one instance: two registries know nothing of each other', async () => {
    const [one, other] = [testMetrics(), testMetrics()];
    one.observeRequest(answered('/x'));
    expect(await other.text()).not.toContain('endpoint="/x"');
  });
});
