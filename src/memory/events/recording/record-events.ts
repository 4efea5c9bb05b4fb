import type { Logger } from '../../../logger.js';
import { type Clock, systemClock } from '../clock.js';
import type { EventStoreEvent } from '../event-store-event.js';
import type { LearningEvent, PreparedEvent } from '../learning-event.js';
import type { LearningEvents } from '../open-events.js';
import { CanvasEvents, type RecordedChange } from './canvas-events.js';

/**
 * A run of an agent that ended, as far as it is recorded.
 * @source issue "agent runs record events by themselves"
 */
export interface RecordedAgentRun {
  agent: string;
  outcome: string;
  isDryRun: boolean;
  durationSeconds: number;
  canvasPath?: string;
  nodeId?: string;
}

/** @source issue "canvas changes and agent runs record events by themselves" */
export interface EventRecorderOptions {
  store: Pick<LearningEvents, 'prepare' | 'fault' | 'append'>;
  logger: Logger;
  onEvent(event: EventStoreEvent): void;
  clock?: Clock;
}

/**
 * Records what happens in the service as learning events, in the background; never throws, and never lets anybody wait.
 * What the last 200 ms brought is lost when the process is killed.
 * @source issue "canvas changes and agent runs record events by themselves"
 */
export interface EventRecorder {
  canvasChanged(change: RecordedChange): void;
  agentRan(run: RecordedAgentRun): void;
  /** Resolves when all that was gathered is stored. */
  close(): Promise<void>;
}

type Source = 'canvas' | 'agent';

/** Beyond it events are dropped: the disk cannot follow. */
const maxWaiting = 1000;
/** Events of this time go to the disk as one group: each group is a flush, and nobody waits for it. */
const gatheredMs = 200;

/** @source issue "canvas changes and agent runs record events by themselves" */
export function recordEvents(options: EventRecorderOptions): EventRecorder {
  const { store, logger, onEvent, clock = systemClock } = options;
  const storing = new Set<Promise<void>>();
  let gathered: { source: Source; event: PreparedEvent }[] = [];
  let waiting = 0;
  let stopTimer: (() => void) | undefined;
  let hasFailed = false;

  function fail(sources: readonly Source[], error: unknown): void {
    for (const source of sources) onEvent({ type: 'events_recorded', source, outcome: 'failed' });
    if (!hasFailed) logger.warn({ err: error }, 'an event of the service itself could not be recorded');
    hasFailed = true;
  }

  function storeGathered(): void {
    stopTimer?.();
    stopTimer = undefined;
    if (gathered.length === 0) return;
    const sources = gathered.map(({ source }) => source);
    const events = gathered.map(({ event }) => event);
    gathered = [];
    const stored = () => {
      hasFailed = false;
      for (const source of sources) onEvent({ type: 'events_recorded', source, outcome: 'stored' });
    };
    const group = store
      .append(events)
      .then(stored, (error: unknown) => fail(sources, error))
      .finally(() => {
        storing.delete(group);
        waiting -= sources.length;
      });
    storing.add(group);
  }

  function record(source: Source, event: LearningEvent): void {
    const prepared = store.prepare(event);
    const fault = waiting >= maxWaiting ? 'too many events wait' : store.fault(prepared)?.message;
    if (fault !== undefined) {
      fail([source], new Error(fault));
      return;
    }
    waiting += 1;
    gathered.push({ source, event: prepared });
    stopTimer ??= clock.after(gatheredMs, storeGathered);
  }

  const canvases = new CanvasEvents((event) => record('canvas', event), clock);
  return {
    canvasChanged: (change) => canvases.changed(change),
    agentRan({ agent, outcome, isDryRun, durationSeconds, canvasPath, nodeId }) {
      // A trial leaves no trace in the canvas, and none here.
      if (isDryRun) return;
      record('agent', {
        event_type: 'agent_run',
        timestamp: new Date(clock.wall()).toISOString(),
        canvas_path: canvasPath,
        node_id: nodeId,
        agent_type: agent,
        metadata: { outcome, duration_ms: Math.round(durationSeconds * 1000) },
      });
    },
    async close() {
      canvases.close();
      storeGathered();
      await Promise.all(storing);
    },
  };
}
