import path from 'node:path';
import { z } from 'zod';

const list = (text: string) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

/** The environment as it is read: every name, its form and its default. Paths may be relative to the working folder. */
const environmentSchema = z.object({
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: z.coerce.number('expected a port number').int().min(0).max(65535).default(8000),
  DATA_DIR: z.string().min(1).default('data'),
  VAULT_DIR: z.string().min(1).optional(),
  LANCEDB_URI: z.string().min(1).optional(),
  OPTIMIZATION_CONFIG: z.string().min(1).default('config/optimization.yaml'),
  API_TOKEN: z.string().min(16, 'expected at least 16 characters').optional(),
  CORS_ORIGINS: z.string().default(''),
  ALLOWED_HOSTS: z.string().default(''),
  IMPORT_DIRS: z.string().optional(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});

/**
 * Process settings, checked. Folders are absolute; lists are split; an unset token means loopback only.
 * @source product contract, "Process settings come from the environment"
 */
export interface Settings {
  host: string;
  port: number;
  dataDir: string;
  vaultDir: string;
  lanceUri: string;
  optimizationConfig: string;
  apiToken: string | undefined;
  corsOrigins: string[];
  allowedHosts: string[];
  importDirs: string[];
  logLevel: string;
}

const isLoopback = (host: string) => host === 'localhost' || host === '::1' || /^127\./.test(host);

/**
 * Reads the settings, or says which variable is wrong, what was expected and what was got (secrets excepted).
 * An empty variable counts as unset.
 * @throws Error whose message names each wrong variable, one a line
 * @source product contract, "Process settings"; house rules ("process.env only in settings.ts")
 */
export function readSettings(environment: NodeJS.ProcessEnv = process.env): Settings {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = environmentSchema.safeParse(given);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => {
      const name = String(issue.path[0]);
      const got = name === 'API_TOKEN' ? '' : `, got "${environment[name]}"`;
      return `${name}: ${issue.message}${got}`;
    });
    throw new Error(lines.join('\n'));
  }
  const env = parsed.data;
  if (!isLoopback(env.HOST) && env.API_TOKEN === undefined) {
    throw new Error(`HOST: expected a loopback address while API_TOKEN is not set, got "${env.HOST}"`);
  }
  const dataDir = path.resolve(env.DATA_DIR);
  return {
    host: env.HOST,
    port: env.PORT,
    dataDir,
    vaultDir: path.resolve(env.VAULT_DIR ?? path.join(dataDir, 'vault')),
    lanceUri: path.resolve(env.LANCEDB_URI ?? path.join(dataDir, 'lancedb')),
    optimizationConfig: path.resolve(env.OPTIMIZATION_CONFIG),
    apiToken: env.API_TOKEN,
    corsOrigins: list(env.CORS_ORIGINS),
    allowedHosts: list(env.ALLOWED_HOSTS),
    importDirs: list(env.IMPORT_DIRS ?? path.join(dataDir, 'inbox')).map((dir) => path.resolve(dir)),
    logLevel: env.LOG_LEVEL,
  };
}
