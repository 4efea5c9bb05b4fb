import { isObject, maxRecordDepth, unfitReason } from '../../trajectory-values.js';
import { fromAtif, isAtif } from './atif.js';
import type { Fields } from './foreign-values.js';
import { fromRllm, isRllmTrajectory } from './rllm.js';
import { fromSweAgent, isSweAgentRun } from './swe-agent.js';
import { fromTauBench, isTauBenchResult } from './tau-bench.js';

/**
 * Tells whether a value may be another tool's: it says so, or it names neither of the ids that records must have.
 * @source product contract, Import formats ("detected by content, not by name")
 */
export function isOfOtherTool(value: unknown): boolean {
  if (!isObject(value)) return false;
  if (isAtif(value)) return true;
  const inner = value.trajectory;
  return value.trajectory_id === undefined && value.data_id === undefined && !isObject(inner);
}

/**
 * A record in the words of this service, from a run as SWE-agent, tau-bench, rLLM or an ATIF writer dump it. Fields
 * that have no place of their own are kept; ids are made from the content, so that the same file gives the same ids.
 * @param wrapper fields of the object around the list in which the value stood
 * @returns the value itself when no tool is recognised
 * @source product contract, Import formats; SWE-agent, tau-bench, rLLM and Harbor documentation
 */
export function fromOtherTool(value: unknown, wrapper: Fields | undefined): unknown {
  if (!isObject(value) || unfitReason(value, maxRecordDepth)) return value;
  if (isAtif(value)) return fromAtif(value);
  if (isSweAgentRun(value)) return fromSweAgent(value);
  if (isTauBenchResult(value)) return fromTauBench(value);
  if (isRllmTrajectory(value, wrapper)) return fromRllm(value, wrapper);
  return value;
}
