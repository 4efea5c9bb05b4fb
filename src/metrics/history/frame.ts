import type { SeriesReader } from '../series-reader.js';
import { longWork } from '../summary/reading/reading.js';
import type { ProcessReader } from './process-readings.js';
import { readMetrics } from './readings.js';
import { type Frame, readMetricNames } from './series.js';

const isLongWork = new RegExp(`^(?:${longWork})$`);

/**
 * Reads a frame: the metrics that are kept, and the process.
 * @source product contract, Promises 7
 */
export async function readFrame(
  readSeries: SeriesReader,
  process: ProcessReader,
  elapsedSeconds: number,
): Promise<Frame> {
  const readings = await readMetrics(readSeries, readMetricNames);
  const latency = readings.histogram(
    'canvas_api_request_latency_seconds',
    ({ endpoint }) => !isLongWork.test(String(endpoint)),
  );
  return { readings, latency, process: process.read(elapsedSeconds) };
}
