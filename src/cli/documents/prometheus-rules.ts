import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readPrometheusRules } from '../../metrics/index.js';
import { configFiles } from '../../optimizations/index.js';

const [from = 'config/alerts.yaml', to = 'config/prometheus/alerts.yml'] = process.argv.slice(2);
try {
  const text = readPrometheusRules(configFiles, from);
  await mkdir(path.dirname(to), { recursive: true });
  await writeFile(to, text);
} catch (error) {
  process.stderr.write(`${from}: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
