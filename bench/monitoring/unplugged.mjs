import { register } from 'node:module';

// Loaded before the built service: what UNPLUGGED names is left out of it. `log`: the lines of requests; `metrics`: what
// requests and reads of canvases report. All of that is in the one large file of the build.
const hook = `
const pieces = {
  log: { from: /= infoLines\\(.*;/g, to: '= () => {};', times: 1 },
  metrics: { from: /observe(?=Request:|Canvases:)(\\w+): .*,/g, to: 'observe$1: () => {},', times: 2 },
};
export async function load(url, context, next) {
  const loaded = await next(url, context);
  if (!/[/]dist[/]app-[^/]*[.]js$/.test(url)) return loaded;
  let source = String(loaded.source);
  for (const name of (process.env.UNPLUGGED ?? '').split(' ').filter(Boolean)) {
    const { from, to, times } = pieces[name];
    if ((source.match(from) ?? []).length !== times) throw new Error(name + ' is not where it was');
    source = source.replace(from, to);
  }
  return { ...loaded, source };
}`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
