import { runDemoCommand } from './demo-command.js';

// `npm run demo`. The first interruption lets it end in order, the second ends it at once; the service goes with it.
const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (interruption.signal.aborted) process.exit(130);
    interruption.abort();
  });
}
const { stdin, stdout, stderr } = process;
process.exitCode = await runDemoCommand(process.argv.slice(2), {
  stdin,
  stdout,
  stderr,
  interrupted: interruption.signal,
});
