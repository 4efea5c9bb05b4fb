import type { Row } from './panel.js';

/** The step that Grafana finds right for the range shown and the pause between two scrapes. */
const range = '[$__rate_interval]';
const rate = (series: string, by = '') => `sum ${by && `by (${by}) `}(rate(${series}${range}))`;
/** A mean over the range; no value where nothing happened. */
const mean = (metric: string, by = '', where = '') =>
  `${rate(`${metric}_sum${where}`, by)} / ${rate(`${metric}_count${where}`, by)}`;
const quantile = (share: number, metric: string, by = '') =>
  `histogram_quantile(${share}, ${rate(`${metric}_bucket`, by === '' ? 'le' : `le, ${by}`)})`;

const requests = 'canvas_api_requests_total';
const latency = 'canvas_api_request_latency_seconds';

/** The dashboard of the seed's system, top to bottom. */
const seedRows: Row[] = [
  {
    title: 'Requests',
    panels: [
      {
        title: 'Requests a second',
        unit: 'reqps',
        targets: [
          [rate(requests), 'all'],
          [`topk(5, ${rate(requests, 'method, endpoint')})`, '{{method}} {{endpoint}}'],
        ],
      },
      {
        title: 'Latency',
        description: 'Event streams are counted as requests and have no latency.',
        unit: 's',
        warnAt: 1,
        targets: [
          [mean(latency), 'mean'],
          [quantile(0.5, latency), 'p50'],
          [quantile(0.95, latency), 'p95'],
        ],
      },
      {
        title: 'Error rate',
        description: 'Share of answers with a status of 500 or more.',
        unit: 'percentunit',
        warnAt: 0.01,
        failAt: 0.05,
        targets: [[`(${rate(`${requests}{status=~"5.."}`)} or vector(0)) / ${rate(requests)}`, 'errors']],
      },
    ],
  },
  {
    title: 'Latency of the last hour',
    panels: [
      {
        title: 'Distribution of latency',
        unit: 's',
        kind: 'heatmap',
        width: 24,
        timeFrom: '1h',
        targets: [[`sum by (le) (increase(${latency}_bucket${range}))`, '{{le}}']],
      },
    ],
  },
  {
    title: 'Agents and memory',
    panels: [
      {
        title: 'Agents by type, p95',
        unit: 's',
        width: 12,
        warnAt: 10,
        targets: [[quantile(0.95, 'canvas_agent_execution_seconds', 'agent_type'), '{{agent_type}}']],
      },
      {
        title: 'Memory by type, p95',
        unit: 's',
        width: 12,
        warnAt: 0.5,
        targets: [
          [quantile(0.95, 'canvas_memory_query_seconds', 'memory_type, operation'), '{{memory_type}} {{operation}}'],
        ],
      },
    ],
  },
  {
    title: 'CPU and memory',
    panels: [
      {
        title: 'Processor time a second',
        unit: 's',
        targets: [
          [`rate(process_cpu_user_seconds_total${range})`, 'program'],
          [`rate(process_cpu_system_seconds_total${range})`, 'system'],
        ],
        stacked: true,
      },
      {
        title: 'Memory',
        unit: 'bytes',
        targets: [
          ['process_resident_memory_bytes', 'process'],
          ['nodejs_heap_size_used_bytes', 'heap in use'],
          ['nodejs_external_memory_bytes', 'outside the heap'],
        ],
      },
      {
        title: 'Event loop delay',
        unit: 's',
        warnAt: 0.05,
        targets: [
          ['nodejs_eventloop_lag_p50_seconds', 'p50'],
          ['nodejs_eventloop_lag_p99_seconds', 'p99'],
        ],
      },
    ],
  },
];

const beforeAndAfter: Row = {
  title: 'Optimisations: before and after',
  panels: [
    {
      title: 'The same answers both ways, mean time',
      description:
        'Of requests that were also answered the original way (verification.sample_rate), with equal answers.',
      unit: 's',
      width: 16,
      targets: [[mean('canvas_optimization_compared_seconds', 'flag, variant'), '{{flag}} {{variant}}']],
    },
    {
      title: 'Switches',
      unit: 'none',
      kind: 'state-timeline',
      targets: [['canvas_optimization_enabled', '{{flag}}']],
    },
    {
      title: 'Answers compared',
      unit: 'short',
      targets: [
        [`sum by (result) (increase(canvas_optimization_comparisons_total${range}))`, '{{result}}'],
        [
          `sum by (flag) (increase(canvas_optimization_comparisons_total{result="mismatch"}${range}))`,
          'mismatch: {{flag}}',
        ],
      ],
    },
    {
      title: 'Failed, or turned off by the service',
      unit: 'short',
      failAt: 1,
      targets: [
        [`sum by (flag) (increase(canvas_optimization_failures_total${range}))`, 'failures: {{flag}}'],
        ['canvas_optimization_rolled_back > 0', 'turned off: {{flag}}'],
      ],
    },
    {
      title: 'Reading from the database, mean',
      unit: 's',
      targets: [[mean('canvas_query_seconds', 'operation, variant'), '{{operation}} {{variant}}']],
    },
    {
      title: 'Storing a canvas, mean',
      unit: 's',
      targets: [[mean('canvas_write_seconds', 'variant'), '{{variant}}']],
    },
    {
      title: 'Writes that clients asked for, and writes of files',
      unit: 'wps',
      targets: [
        [rate('canvas_writes_total{outcome="stored"}'), 'asked for'],
        [rate('canvas_file_writes_total{outcome="stored"}'), 'files'],
      ],
    },
    {
      title: 'Hit ratio of the caches',
      unit: 'percentunit',
      max: 1,
      targets: [
        [
          `${rate('canvas_cache_requests_total{outcome="hit"}', 'cache')} / ${rate('canvas_cache_requests_total', 'cache')}`,
          '{{cache}}',
        ],
      ],
    },
    {
      title: 'Rows that imports stored',
      unit: 'rowsps',
      targets: [[rate('canvas_import_committed_rows_total', 'variant'), '{{variant}}']],
    },
    {
      title: 'Learning events looked at',
      unit: 'cps',
      targets: [[rate('canvas_events_scanned_total', 'variant'), '{{variant}}']],
    },
    {
      title: 'Texts of one call of the embedding model, mean',
      unit: 'short',
      targets: [[mean('canvas_embedding_batch_texts', 'variant'), '{{variant}}']],
    },
  ],
};

const insides: Row[] = [
  {
    title: 'Scheduler and other servers',
    panels: [
      {
        title: 'Scheduler',
        unit: 'short',
        targets: [
          ['canvas_scheduler_limit', 'limit'],
          ['canvas_scheduler_running', 'running'],
          ['canvas_scheduler_waiting', 'waiting'],
        ],
      },
      {
        title: 'Changes of the limit',
        unit: 'short',
        targets: [
          [
            `sum by (reason, direction) (increase(canvas_scheduler_limit_changes_total${range}))`,
            '{{direction}}: {{reason}}',
          ],
        ],
      },
      {
        title: 'Other servers, p95',
        unit: 's',
        targets: [[quantile(0.95, 'canvas_upstream_attempt_seconds', 'upstream, outcome'), '{{upstream}} {{outcome}}']],
      },
    ],
  },
  {
    title: 'Storage and alerts',
    panels: [
      {
        title: 'On disk',
        unit: 'bytes',
        stacked: true,
        targets: [
          ['canvas_database_bytes', 'database: {{table}}'],
          ['canvas_memory_storage_bytes', 'memory: {{memory_type}}'],
          ['canvas_cache_file_bytes', 'cache.db'],
        ],
      },
      {
        title: 'Growth of the database',
        unit: 'Bps',
        targets: [['canvas_database_growth_bytes_per_second', 'over the last day']],
      },
      {
        title: 'Slow queries',
        unit: 'short',
        targets: [[`sum by (operation) (increase(canvas_slow_queries_total${range}))`, '{{operation}}']],
      },
      {
        title: 'Alerts that fire',
        unit: 'short',
        failAt: 1,
        targets: [
          ['canvas_alerts_firing', '{{severity}}'],
          ['1 - canvas_memory_up', 'unreachable: {{memory_type}}'],
        ],
      },
    ],
  },
  {
    title: 'Writer, imports, configuration',
    panels: [
      {
        title: 'Writes that are not in their files yet',
        unit: 'short',
        targets: [['canvas_writer_pending_writes', 'writes']],
      },
      {
        title: 'Imports',
        unit: 'short',
        targets: [
          ['canvas_imports_running', 'running'],
          ['canvas_imports_waiting', 'waiting'],
        ],
      },
      {
        title: 'Configuration',
        unit: 'none',
        kind: 'state-timeline',
        targets: [['canvas_config_reload_success', 'the last reading was good']],
      },
    ],
  },
];

/**
 * What the dashboard shows, top to bottom: the seed's system first, then what is this one's own.
 * @source product contract, "Dashboard of the seed's system, top to bottom"; story-17.4 AC6
 */
export const dashboardRows: readonly Row[] = [...seedRows, beforeAndAfter, ...insides];
