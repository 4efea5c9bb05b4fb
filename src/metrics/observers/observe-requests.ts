import { Gauge, type Registry } from 'prom-client';
import type { RequestEvent } from '../../http/index.js';
import { type Distribution, HotCounter, HotHistogram, type Tally } from '../hot-series.js';
import { requestSeconds } from './buckets.js';

const maxEndpoints = 1000;
const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

interface Endpoint {
  labels: { method: string; endpoint: string };
  seconds: Distribution;
  answers: Map<number, Tally>;
}

/**
 * Counts and times requests. The labels are bounded whatever clients send: the endpoint is the route's pattern, a
 * method that no route has is `other`, and past 1000 endpoints the rest is `unmatched`.
 * @source story-17.4 AC5; product contract, "Names"
 */
export function observeRequests(registry: Registry): (event: RequestEvent) => void {
  const total = new HotCounter(registry, 'canvas_api_requests_total', 'Requests answered', [
    'method',
    'endpoint',
    'status',
  ]);
  const latency = new HotHistogram(
    registry,
    'canvas_api_request_latency_seconds',
    'Time from the arrival of a request to the end of its answer',
    ['method', 'endpoint'],
    requestSeconds,
  );
  new Gauge({
    name: 'canvas_api_concurrent_requests',
    help: 'Requests being answered now, open event streams apart',
    registers: [registry],
    collect() {
      this.set(running);
    },
  });
  new Gauge({
    name: 'canvas_api_event_streams',
    help: 'Event streams that are open now',
    registers: [registry],
    collect() {
      this.set(streams);
    },
  });
  const byMethod = new Map<string, Map<string, Endpoint>>();
  let running = 0;
  let streams = 0;
  let endpoints = 0;

  function endpointOf(method: string, endpoint: string): Endpoint {
    const known = byMethod.get(method)?.get(endpoint);
    if (known) return known;
    const labels = {
      method: knownMethods.has(method) ? method : 'other',
      endpoint: endpoints < maxEndpoints ? endpoint : 'unmatched',
    };
    const ofMethod = byMethod.get(labels.method) ?? new Map<string, Endpoint>();
    const bounded = ofMethod.get(labels.endpoint);
    if (bounded) return bounded;
    const created = {
      labels,
      seconds: latency.bind(labels.method, labels.endpoint),
      answers: new Map<number, Tally>(),
    };
    byMethod.set(labels.method, ofMethod.set(labels.endpoint, created));
    endpoints += 1;
    return created;
  }

  return (event) => {
    if (event.type === 'started') {
      running += 1;
      return;
    }
    if (event.type === 'stream_opened') {
      running -= 1;
      streams += 1;
      return;
    }
    const { method, endpoint, status, durationSeconds } = event;
    if (durationSeconds === undefined) streams -= 1;
    else running -= 1;
    const { labels, seconds, answers } = endpointOf(method, endpoint);
    if (durationSeconds !== undefined) seconds.observe(durationSeconds);
    let tally = answers.get(status);
    if (!tally) {
      tally = total.bind(labels.method, labels.endpoint, String(status));
      answers.set(status, tally);
    }
    tally.value += 1;
  };
}
