import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { grafanaDashboardText } from '../../metrics/index.js';

// `npm run grafana`: writes the dashboard for Grafana that is kept in the repository.
const file = fileURLToPath(new URL('../../../config/grafana/dashboard.json', import.meta.url));
await mkdir(path.dirname(file), { recursive: true });
await writeFile(file, grafanaDashboardText());
process.stdout.write('written: config/grafana/dashboard.json\n');
