import { dependencyCycle, dependencyUnknown, taskIdTaken } from './errors.js';

/**
 * What has to be known of a task to order it.
 * @source story-17.4 ADR-0004
 */
export interface Dependent {
  id: string;
  dependsOn: readonly string[];
}

/**
 * The tasks in an order in which each comes after those it depends on; otherwise in the order they were given in.
 * @param pointer JSON pointer of their list, for faults
 * @throws Problem `JOB_TASK_ID_TAKEN`, `JOB_DEPENDENCY_UNKNOWN`, `JOB_DEPENDENCY_CYCLE` (which names the circle)
 * @source story-17.4 ADR-0004 (topological order); Kahn (1962), "Topological sorting of large networks"
 */
export function dependencyOrder<T extends Dependent>(tasks: readonly T[], pointer = '/tasks'): T[] {
  const byId = new Map<string, T>();
  for (const [index, task] of tasks.entries()) {
    if (byId.has(task.id)) throw taskIdTaken(task.id, `${pointer}/${index}/id`);
    byId.set(task.id, task);
  }
  const missing = new Map<string, Set<string>>();
  const dependants = new Map<string, T[]>();
  for (const [index, task] of tasks.entries()) {
    for (const wanted of task.dependsOn) {
      if (!byId.has(wanted)) throw dependencyUnknown(task.id, wanted, `${pointer}/${index}/depends_on`);
      const waiting = dependants.get(wanted);
      if (waiting) waiting.push(task);
      else dependants.set(wanted, [task]);
    }
    missing.set(task.id, new Set(task.dependsOn));
  }
  const ordered = tasks.filter(({ dependsOn }) => dependsOn.length === 0);
  for (let next = 0; next < ordered.length; next++) {
    const { id } = ordered[next] as T;
    for (const dependant of dependants.get(id) ?? []) {
      const left = missing.get(dependant.id) as Set<string>;
      if (left.delete(id) && left.size === 0) ordered.push(dependant);
    }
  }
  if (ordered.length < tasks.length) throw dependencyCycle(findCycle(missing));
  return ordered;
}

/** Each task left over waits for another one left over: following them leads around a circle. */
function findCycle(missing: Map<string, Set<string>>): string[] {
  const left = [...missing].find(([, waitsFor]) => waitsFor.size > 0);
  const trail: string[] = [];
  for (let id = left?.[0] as string; ; ) {
    const start = trail.indexOf(id);
    if (start >= 0) return [...trail.slice(start), id];
    trail.push(id);
    id = [...(missing.get(id) as Set<string>)].find((each) => (missing.get(each)?.size ?? 0) > 0) as string;
  }
}
