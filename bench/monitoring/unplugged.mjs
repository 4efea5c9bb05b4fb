import { register } from 'node:module';

// Loaded before the built service: what UNPLUGGED names is left out of it. `log`: the lines of requests; `metrics`: what
// requests and reads of canvases report.
const hook = `
const pieces = {
  log: { file: '/dist/http/requests/request-log.js', from: /= infoLines\\(.*;/g, to: '= () => {};', times: 1 },
  metrics: { file: '/dist/metrics/metrics.js', from: /observe(?=Request:|Canvases:)(\\w+): .*,/g, to: 'observe$1: () => {},', times: 2 },
};
export async function load(url, context, next) {
  const loaded = await next(url, context);
  for (const name of (process.env.UNPLUGGED ?? '').split(' ').filter(Boolean)) {
    const { file, from, to, times } = pieces[name];
    if (!url.endsWith(file)) continue;
    const source = String(loaded.source);
    if ((source.match(from) ?? []).length !== times) throw new Error(name + ' is not where it was');
    return { ...loaded, source: source.replace(from, to) };
  }
  return loaded;
}`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
