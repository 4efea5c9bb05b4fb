/** One expression of a panel and what its lines are called; `{{label}}` stands for a label's value. */
type Target = [expression: string, legend: string];

/**
 * What a panel shows: its title, the unit of its values in Grafana's words, its expressions, and how it is drawn.
 * `width` is of 24 columns; from `warnAt` on, values are drawn in orange, from `failAt` on in red.
 * @source Grafana documentation, "Dashboard JSON model"
 */
export interface Panel {
  title: string;
  description?: string;
  unit: string;
  targets: Target[];
  kind?: 'timeseries' | 'heatmap' | 'stat' | 'state-timeline';
  width?: number;
  max?: number;
  stacked?: boolean;
  warnAt?: number;
  failAt?: number;
  /** A time range of its own, such as 1h. */
  timeFrom?: string;
}

/** A heading with the panels below it. @source Grafana documentation, "Dashboard JSON model" */
export interface Row {
  title: string;
  panels: Panel[];
}

const height = 8;
const columns = 24;
const datasource = { type: 'prometheus', uid: '$' + '{datasource}' };

function thresholdsOf({ warnAt, failAt }: Panel) {
  return {
    mode: 'absolute',
    steps: [
      { color: 'green', value: null },
      ...(warnAt === undefined ? [] : [{ color: 'orange', value: warnAt }]),
      ...(failAt === undefined ? [] : [{ color: 'red', value: failAt }]),
    ],
  };
}

function optionsOf(kind: Panel['kind']): Record<string, unknown> {
  if (kind === 'heatmap') {
    return {
      calculate: false,
      color: { mode: 'scheme', scheme: 'Oranges', steps: 64, exponent: 0.5 },
      cellGap: 1,
      yAxis: { unit: 's' },
      tooltip: { mode: 'single', yHistogram: true },
    };
  }
  if (kind === 'stat') return { colorMode: 'background', reduceOptions: { calcs: ['lastNotNull'] }, textMode: 'auto' };
  if (kind === 'state-timeline') return { showValue: 'never', mergeValues: true, rowHeight: 0.8 };
  return { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } };
}

function fieldsOf(panel: Panel): Record<string, unknown> {
  const { kind = 'timeseries', unit, max, stacked = false } = panel;
  const isRated = panel.warnAt !== undefined || panel.failAt !== undefined;
  return {
    unit,
    ...(kind === 'timeseries' && { min: 0 }),
    ...(max !== undefined && { max }),
    thresholds: thresholdsOf(panel),
    ...(kind === 'state-timeline' && {
      color: { mode: 'thresholds' },
      mappings: [
        {
          type: 'value',
          options: { 0: { text: 'off', color: 'dark-orange' }, 1: { text: 'on', color: 'dark-green' } },
        },
      ],
    }),
    ...(kind === 'timeseries' && {
      custom: {
        fillOpacity: stacked ? 40 : 10,
        stacking: { mode: stacked ? 'normal' : 'none' },
        thresholdsStyle: { mode: isRated ? 'dashed' : 'off' },
        spanNulls: false,
      },
    }),
  };
}

function drawn(panel: Panel, id: number, x: number, y: number): Record<string, unknown> {
  const { kind = 'timeseries', width = 8 } = panel;
  return {
    id,
    type: kind,
    title: panel.title,
    ...(panel.description !== undefined && { description: panel.description }),
    datasource,
    gridPos: { h: height, w: width, x, y },
    ...(panel.timeFrom !== undefined && { timeFrom: panel.timeFrom }),
    fieldConfig: { defaults: fieldsOf(panel), overrides: [] },
    options: optionsOf(kind),
    targets: panel.targets.map(([expr, legendFormat], index) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + index),
      datasource,
      expr,
      legendFormat,
      format: kind === 'heatmap' ? 'heatmap' : 'time_series',
      range: true,
    })),
  };
}

/**
 * Panels under their headings, in Grafana's model: laid out from left to right and from top to bottom.
 * @source Grafana documentation, "Dashboard JSON model" (panels)
 */
export function drawnRows(rows: readonly Row[]): Record<string, unknown>[] {
  const panels: Record<string, unknown>[] = [];
  let y = 0;
  for (const row of rows) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title: row.title,
      collapsed: false,
      gridPos: { h: 1, w: columns, x: 0, y },
      panels: [],
    });
    y += 1;
    let x = 0;
    for (const panel of row.panels) {
      const { width = 8 } = panel;
      if (x + width > columns) {
        x = 0;
        y += height;
      }
      panels.push(drawn(panel, panels.length + 1, x, y));
      x += width;
    }
    y += height;
  }
  return panels;
}
