import { drawnRows } from './panel.js';
import { dashboardRows } from './rows.js';

/**
 * The dashboard for Grafana, as the text of `config/grafana/dashboard.json`. It asks whatever Prometheus is chosen in it;
 * the provisioning beside it brings one.
 * @source Grafana documentation, "Dashboard JSON model"; story-17.4 AC6
 */
export function grafanaDashboardText(): string {
  const dashboard = {
    uid: 'canvas-learning',
    title: 'Canvas Learning System',
    description: 'Written by `npm run grafana`: change src/metrics/grafana/ instead.',
    tags: ['canvas-learning-backend'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '10s',
    time: { from: 'now-1h', to: 'now' },
    timezone: 'browser',
    templating: {
      list: [{ name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus', hide: 0 }],
    },
    annotations: {
      list: [
        {
          name: 'A switch was turned',
          datasource: { type: 'prometheus', uid: '$' + '{datasource}' },
          enable: true,
          iconColor: 'purple',
          expr: 'changes(canvas_optimization_enabled[1m]) > 0',
          titleFormat: '{{flag}}',
        },
      ],
    },
    panels: drawnRows(dashboardRows),
  };
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}
