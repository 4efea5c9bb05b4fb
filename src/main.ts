import { readFileSync } from 'node:fs';
import type { App } from './app.js';
import { createLogger, type Logger, standardOutput } from './logger.js';
import { keepTemporaryFilesIn, readSettings, type Settings } from './settings.js';

/** How long a stop may take before the process gives up waiting. */
const stopDeadlineMs = 10_000;

const version = (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string })
  .version;

function refuseToStart(reason: string): never {
  process.stderr.write(`canvas-learning-backend cannot start:\n${reason}\n`);
  process.exit(1);
}

function settingsOrExit(): Settings {
  try {
    return readSettings();
  } catch (error) {
    return refuseToStart((error as Error).message);
  }
}

/** The first signal stops in order; a second one, or the deadline, stops at once. */
function stopOnSignal(app: App, logger: Logger): void {
  let stopping = false;
  const stop = async (signal: string) => {
    if (stopping) process.exit(130);
    stopping = true;
    logger.info({ signal }, 'stopping');
    setTimeout(() => {
      logger.fatal({ deadlineMs: stopDeadlineMs }, 'could not stop in time');
      process.exit(1);
    }, stopDeadlineMs).unref();
    try {
      await app.close();
      logger.info('stopped');
      process.exit(0);
    } catch (error) {
      logger.fatal({ err: error }, 'stopped with an error');
      process.exit(1);
    }
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', () => app.reload());
}

function announce(address: string, logger: Logger): void {
  const places = {
    api: address,
    documentation: `${address}/docs`,
    dashboard: `${address}/dashboard`,
    metrics: `${address}/metrics`,
  };
  logger.info({ version, ...places }, 'listening');
  if (process.stdout.isTTY) {
    const lines = Object.entries(places).map(([name, url]) => `  ${name.padEnd(14)}${url}`);
    process.stdout.write(`\n${lines.join('\n')}\n\n`);
  }
}

const settings = settingsOrExit();
const logger = createLogger(settings.logLevel, standardOutput());
process.on('unhandledRejection', (error) => {
  logger.fatal({ err: error }, 'unhandled rejection');
  process.exit(1);
});
try {
  keepTemporaryFilesIn(settings.temporaryDir);
  // Only now, so that a setting that cannot be used is told at once.
  const { buildApp } = await import('./app.js');
  const app = await buildApp(settings, logger, version);
  stopOnSignal(app, logger);
  announce(await app.server.listen({ host: settings.host, port: settings.port }), logger);
} catch (error) {
  refuseToStart((error as Error).message);
}
