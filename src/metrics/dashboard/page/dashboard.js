// Reads /metrics and /admin/flags every two seconds and shows rates since the reading before.
const everyMs = 2000;
let before;
let beforeMs = 0;

/** Prometheus text to a list of {name, labels, value}. */
function parseMetrics(text) {
  const series = [];
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!match) continue;
    const labels = {};
    for (const [, key, value] of (match[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[key] = value;
    series.push({ name: match[1], labels, value: Number(match[3]) });
  }
  return series;
}

/** The sum of one metric over the series whose labels pass. */
const sum = (series, name, passes = () => true) =>
  series.reduce((total, one) => (one.name === name && passes(one.labels) ? total + one.value : total), 0);

const milliseconds = (seconds, count) => (count > 0 ? `${number((1000 * seconds) / count, 2)} ms` : '–');
const number = (value, digits = 0) =>
  Number.isFinite(value) ? value.toLocaleString('en', { maximumFractionDigits: digits }) : '–';
const percent = (part, whole) => (whole > 0 ? `${number((100 * part) / whole, 1)} %` : '–');
const mebibytes = (bytes) => `${number(bytes / 1048576, 1)} MiB`;

function fill(id, rows) {
  const list = document.getElementById(id);
  list.replaceChildren(
    ...rows.flatMap(([name, value]) => {
      const term = document.createElement('dt');
      const description = document.createElement('dd');
      term.textContent = name;
      description.textContent = value;
      return [term, description];
    }),
  );
}

function showFlags(flags) {
  document.getElementById('flags').replaceChildren(
    ...Object.entries(flags).map(([name, flag]) => {
      const row = document.createElement('tr');
      const head = document.createElement('th');
      head.scope = 'row';
      head.textContent = name;
      const cells = [flag.effective ? 'on' : 'off', new Date(flag.since).toLocaleString(), flag.reason].map((text) => {
        const cell = document.createElement('td');
        cell.textContent = text;
        return cell;
      });
      cells[0].className = flag.effective ? 'on' : 'off';
      row.append(head, ...cells);
      return row;
    }),
  );
}

function show(now, seconds) {
  const rate = (name, passes) => (sum(now, name, passes) - sum(before, name, passes)) / seconds;
  const isError = (labels) => /^5/.test(labels.status);
  const requests = sum(now, 'canvas_api_requests_total');
  const latency = 'canvas_api_request_latency_seconds';
  fill('requests', [
    ['per second', number(rate('canvas_api_requests_total'), 1)],
    ['mean latency', milliseconds(rate(`${latency}_sum`), rate(`${latency}_count`))],
    ['in progress', number(sum(now, 'canvas_api_concurrent_requests'))],
    ['failed, of all', percent(sum(now, 'canvas_api_requests_total', isError), requests)],
    ['all', number(requests)],
  ]);
  const reads = (outcome) =>
    sum(now, 'canvas_cache_requests_total', (l) => l.cache === 'canvas_files' && l.outcome === outcome);
  fill('canvases', [
    ['cache hit ratio', percent(reads('hit'), reads('hit') + reads('miss'))],
    ['writes accepted', number(sum(now, 'canvas_writes_total'))],
    ['files written', number(sum(now, 'canvas_file_writes_total'))],
    ['bytes written', mebibytes(sum(now, 'canvas_file_write_bytes_total'))],
    ['waiting', number(sum(now, 'canvas_writer_pending_writes'))],
  ]);
  fill('trajectories', [
    ['rows imported', number(sum(now, 'canvas_import_rows_total', (l) => l.outcome === 'imported'))],
    ['imports running', number(sum(now, 'canvas_imports_running'))],
    ['imports waiting', number(sum(now, 'canvas_imports_waiting'))],
    ['queries', number(sum(now, 'canvas_query_seconds_count'))],
    ['mean query', milliseconds(rate('canvas_query_seconds_sum'), rate('canvas_query_seconds_count'))],
  ]);
  fill('process', [
    ['processor', `${number(100 * rate('process_cpu_seconds_total'), 1)} %`],
    ['memory', mebibytes(sum(now, 'process_resident_memory_bytes'))],
    ['heap', mebibytes(sum(now, 'nodejs_heap_size_used_bytes'))],
    ['event loop delay p99', `${number(1000 * sum(now, 'nodejs_eventloop_lag_p99_seconds'), 1)} ms`],
  ]);
}

async function tick() {
  const state = document.getElementById('state');
  try {
    const [metrics, flags] = await Promise.all([fetch('/metrics'), fetch('/admin/flags')]);
    const now = parseMetrics(await metrics.text());
    showFlags((await flags.json()).flags);
    const nowMs = performance.now();
    show(now, (nowMs - beforeMs) / 1000);
    before = now;
    beforeMs = nowMs;
    state.textContent = 'live';
    state.className = '';
  } catch {
    state.textContent = 'no answer from the service';
    state.className = 'lost';
  }
  setTimeout(tick, everyMs);
}

fetch('/metrics')
  .then(async (answer) => {
    before = parseMetrics(await answer.text());
    beforeMs = performance.now();
  })
  .catch(() => {
    before = [];
  })
  .finally(tick);
