import { z } from 'zod';
import { severitySchema } from './rules/alert-rule.js';

/**
 * An alert that fires: the rule's name, since when its condition holds, what was measured last and the threshold it
 * passed. `labels` say of what, where a rule watches several things.
 * @source product contract, Monitoring (`GET /metrics/alerts`); story-17.4 Dev Notes (`AlertList`)
 */
export const alertSchema = z.object({
  name: z.string(),
  severity: severitySchema,
  since: z.iso.datetime(),
  value: z.number(),
  threshold: z.number(),
  summary: z.string(),
  labels: z.record(z.string(), z.string()),
});

/**
 * See {@link alertSchema}.
 * @source product contract, Monitoring (`GET /metrics/alerts`)
 */
export type Alert = z.infer<typeof alertSchema>;

/**
 * An alert that began to fire, or ended.
 * @source product contract, "Facts from the documents that the seeds cite" (channels)
 */
export interface AlertChange {
  event: 'firing' | 'resolved';
  /** Epoch ms. */
  atMs: number;
  alert: Alert;
}
