import type { ScalarIndex } from '../../lance/index.js';

/** The indexes of the trajectories. @source trajectory-optimization 2.2-C */
export const trajectoryIndexes: readonly ScalarIndex[] = [
  ...['trajectory_id', 'data_id', 'reward', 'created_at', 'step_count', 'exec_time'].map(
    (column) => ({ column, kind: 'btree' }) as const,
  ),
  ...['agent_name', 'termination_reason', 'is_bookmarked', 'is_success'].map(
    (column) => ({ column, kind: 'bitmap' }) as const,
  ),
];

/** The indexes of the analysis rows. @source trajectory-optimization 2.2-C */
export const analysisIndexes: readonly ScalarIndex[] = [{ column: 'trajectory_id', kind: 'btree' }];
