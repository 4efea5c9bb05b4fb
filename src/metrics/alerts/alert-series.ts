import { Counter, Gauge, type Registry } from 'prom-client';
import type { Alert } from './alert.js';
import type { DeliveryOutcome } from './channels/delivery.js';

/**
 * What monitoring tells of itself.
 * @source product contract, Monitoring ("Names")
 */
export interface AlertSeries {
  setFiring(alerts: Alert[]): void;
  countDelivery(channel: string, outcome: DeliveryOutcome, changes: number): void;
  setConfigGood(isGood: boolean): void;
  setMemoryUp(memoryType: string, isUp: boolean): void;
}

/**
 * The metrics of alerts and of the memories' reachability.
 * @source product contract, Monitoring ("Names"), Settled details (`canvas_config_reload_success`)
 */
export function alertSeries(registry: Registry): AlertSeries {
  const registers = [registry];
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name, help, labelNames, registers });
  const firing = gauge('canvas_alerts_firing', 'Alerts that fire now', ['severity']);
  const configGood = gauge('canvas_alert_config_reload_success', 'Whether config/alerts.yaml was good when last read');
  const memoryUp = gauge('canvas_memory_up', 'Whether a memory could be reached when last looked at', ['memory_type']);
  const notifications = new Counter({
    name: 'canvas_alert_notifications_total',
    help: 'Alerts that began or ended, by whether a channel was told',
    labelNames: ['channel', 'outcome'],
    registers,
  });
  const severities = ['critical', 'warning', 'info'] as const;
  const setFiring = (alerts: Alert[]) => {
    for (const severity of severities) {
      firing.set({ severity }, alerts.filter((alert) => alert.severity === severity).length);
    }
  };
  setFiring([]);
  configGood.set(1);
  return {
    setFiring,
    countDelivery: (channel, outcome, changes) => notifications.inc({ channel, outcome }, changes),
    setConfigGood: (isGood) => configGood.set(isGood ? 1 : 0),
    setMemoryUp: (memory_type, isUp) => memoryUp.set({ memory_type }, isUp ? 1 : 0),
  };
}
