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
  ALERTS_CONFIG: z.string().min(1).default('config/alerts.yaml'),
  ALERT_WEBHOOK_URL: z.url({ protocol: /^https?$/, error: 'expected an http or https address' }).optional(),
  API_TOKEN: z.string().min(16, 'expected at least 16 characters').optional(),
  CORS_ORIGINS: z.string().default(''),
  ALLOWED_HOSTS: z.string().default(''),
  IMPORT_DIRS: z.string().optional(),
  OPENAI_BASE_URL: z.url({ protocol: /^https?$/, error: 'expected an http or https address' }).optional(),
  OPENAI_API_KEY: z.string().optional(),
  OPENAI_MODEL: z.string().optional(),
  OPENAI_ANSWER_FORMAT: z.enum(['json_schema', 'json_object', 'prompt']).default('json_schema'),
  EMBEDDING_PROVIDER: z.enum(['builtin', 'openai']).default('builtin'),
  EMBEDDING_BASE_URL: z.url({ protocol: /^https?$/, error: 'expected an http or https address' }).optional(),
  EMBEDDING_API_KEY: z.string().optional(),
  EMBEDDING_MODEL: z.string().optional(),
  EMBEDDING_DIMENSIONS: z.coerce
    .number('expected a whole number')
    .int('expected a whole number')
    .min(8, 'expected 8 or more')
    .max(8192, 'expected 8192 or less')
    .optional(),
  GRAPHITI_URL: z.url({ protocol: /^https?$/, error: 'expected an http or https address' }).optional(),
  EVENT_RETENTION_DAYS: z.coerce
    .number('expected a whole number of days')
    .int('expected a whole number of days')
    .min(1, 'expected 1 or more')
    .max(18_250, 'expected 18250 or less')
    .default(730),
  SLOW_QUERY_MS: z.coerce
    .number('expected a whole number of milliseconds')
    .int('expected a whole number of milliseconds')
    .min(0, 'expected 0 (off) or more')
    .max(600_000, 'expected 600000 or less')
    .default(300),
  MAX_PAGE_BYTES: z.coerce
    .number('expected a whole number of bytes')
    .int('expected a whole number of bytes')
    .min(1024 ** 2, 'expected 1048576 (1 MiB) or more')
    .max(1024 ** 3, 'expected 1073741824 (1 GiB) or less')
    .default(64 * 1024 ** 2),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});

/**
 * The name of each setting, and what it is when it is not set, as it would stand in the environment; undefined where that
 * depends on others, or nothing.
 * @source product contract, "Process settings come from the environment"
 */
export function settingDefaults(): Map<string, string | undefined> {
  const unset: Record<string, unknown> = environmentSchema.parse({});
  const textOf = (value: unknown) => (value === undefined || value === '' ? undefined : String(value));
  return new Map(Object.keys(environmentSchema.shape).map((name) => [name, textOf(unset[name])]));
}

/**
 * The chat model that agents ask; `answerFormat` says how its server is told the form of an answer.
 * @source product contract, "Process settings" (`OPENAI_BASE_URL/API_KEY/MODEL`), Settled details (`response_format`)
 */
export interface ChatSettings {
  baseUrl: string;
  apiKey: string | undefined;
  model: string;
  answerFormat: 'json_schema' | 'json_object' | 'prompt';
}

/**
 * What makes vectors of texts: the model in this process, or a server with OpenAI's `/embeddings`. `dimensions` is the
 * length of the vectors; `asksForDimensions` says whether the operator chose it.
 * @source product contract, Settled details (`EMBEDDING_*`)
 */
export type EmbeddingSettings =
  | { kind: 'builtin' }
  | {
      kind: 'openai';
      baseUrl: string;
      apiKey: string | undefined;
      model: string;
      dimensions: number;
      asksForDimensions: boolean;
    };

/**
 * Process settings, checked. Folders are absolute; lists are split; an unset token means loopback only.
 * @source product contract, "Process settings come from the environment"
 */
export interface Settings {
  host: string;
  port: number;
  dataDir: string;
  /** For what libraries write down for a moment; whatever lies there at a start is left over. */
  temporaryDir: string;
  vaultDir: string;
  lanceUri: string;
  optimizationConfig: string;
  alertsConfig: string;
  /** Where alerts are posted; undefined: nowhere. */
  alertWebhookUrl: string | undefined;
  apiToken: string | undefined;
  corsOrigins: string[];
  allowedHosts: string[];
  importDirs: string[];
  /** Undefined: agents are refused, all else works. */
  chat: ChatSettings | undefined;
  embedding: EmbeddingSettings;
  /** Base URL of a Graphiti server; undefined: the graph memory is kept here. */
  graphitiUrl: string | undefined;
  /** How long learning events are kept. */
  eventRetentionDays: number;
  /** Queries that take longer are noted; 0: none. */
  slowQueryMs: number;
  /** Text of records that one page may hold. */
  maxPageBytes: number;
  logLevel: string;
}

/** Their values are never shown; an address may hold a password. */
const secrets = new Set([
  'API_TOKEN',
  'OPENAI_API_KEY',
  'OPENAI_BASE_URL',
  'EMBEDDING_API_KEY',
  'EMBEDDING_BASE_URL',
  'GRAPHITI_URL',
  'ALERT_WEBHOOK_URL',
]);

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
      const got = secrets.has(name) ? '' : `, got "${environment[name]}"`;
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
    temporaryDir: path.join(dataDir, '.canvas-learning-backend-temporary'),
    vaultDir: path.resolve(env.VAULT_DIR ?? path.join(dataDir, 'vault')),
    lanceUri: path.resolve(env.LANCEDB_URI ?? path.join(dataDir, 'lancedb')),
    optimizationConfig: path.resolve(env.OPTIMIZATION_CONFIG),
    alertsConfig: path.resolve(env.ALERTS_CONFIG),
    alertWebhookUrl: env.ALERT_WEBHOOK_URL,
    apiToken: env.API_TOKEN,
    corsOrigins: list(env.CORS_ORIGINS),
    allowedHosts: list(env.ALLOWED_HOSTS),
    importDirs: list(env.IMPORT_DIRS ?? path.join(dataDir, 'inbox')).map((dir) => path.resolve(dir)),
    chat: chatOf(env),
    embedding: embeddingOf(env),
    graphitiUrl: env.GRAPHITI_URL,
    eventRetentionDays: env.EVENT_RETENTION_DAYS,
    slowQueryMs: env.SLOW_QUERY_MS,
    maxPageBytes: env.MAX_PAGE_BYTES,
    logLevel: env.LOG_LEVEL,
  };
}

/**
 * What the command line needs of the environment: the running service's address as its own settings name it, its token,
 * and whether the terminal can redraw a line.
 * @param tokenName the variable that holds the token; API_TOKEN when not given
 * @source product contract, "Process settings come from the environment" (HOST, PORT, API_TOKEN)
 */
export function readClientSettings(
  tokenName = 'API_TOKEN',
  environment: NodeJS.ProcessEnv = process.env,
): { url: string; token: string | undefined; isDumbTerminal: boolean } {
  const host = environment.HOST || '127.0.0.1';
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return {
    url: `http://${name.includes(':') ? `[${name}]` : name}:${environment.PORT || '8000'}`,
    token: environment[tokenName] || undefined,
    isDumbTerminal: environment.TERM === 'dumb',
  };
}

const openAiUrl = 'https://api.openai.com/v1';

/** A key alone chooses nothing: many machines have one in their environment for other programs. */
function chatOf(env: z.infer<typeof environmentSchema>): ChatSettings | undefined {
  if (env.OPENAI_MODEL === undefined) {
    if (env.OPENAI_BASE_URL === undefined) return undefined;
    throw new Error('OPENAI_MODEL: expected the name of the model to ask at OPENAI_BASE_URL');
  }
  return {
    baseUrl: env.OPENAI_BASE_URL ?? openAiUrl,
    apiKey: env.OPENAI_API_KEY,
    model: env.OPENAI_MODEL,
    answerFormat: env.OPENAI_ANSWER_FORMAT,
  };
}

/** Lengths of the vectors of OpenAI's own models. */
const knownDimensions = new Map([
  ['text-embedding-3-small', 1536],
  ['text-embedding-3-large', 3072],
  ['text-embedding-ada-002', 1536],
]);

function embeddingOf(env: z.infer<typeof environmentSchema>): EmbeddingSettings {
  const names = ['BASE_URL', 'API_KEY', 'MODEL', 'DIMENSIONS'].map((name) => `EMBEDDING_${name}` as keyof typeof env);
  if (env.EMBEDDING_PROVIDER === 'builtin') {
    const [name] = names.filter((each) => env[each] !== undefined);
    if (name === undefined) return { kind: 'builtin' };
    throw new Error(`${name}: expected nothing unless EMBEDDING_PROVIDER is "openai"`);
  }
  const model = env.EMBEDDING_MODEL ?? 'text-embedding-3-small';
  const dimensions = env.EMBEDDING_DIMENSIONS ?? knownDimensions.get(model);
  if (dimensions === undefined) {
    throw new Error(`EMBEDDING_DIMENSIONS: expected the length of the vectors of "${model}", which is not known`);
  }
  return {
    kind: 'openai',
    baseUrl: env.EMBEDDING_BASE_URL ?? openAiUrl,
    apiKey: env.EMBEDDING_API_KEY,
    model,
    dimensions,
    asksForDimensions: env.EMBEDDING_DIMENSIONS !== undefined,
  };
}

/**
 * Says where libraries in native code put their temporary files, unless the environment says so itself. It counts for the
 * whole process.
 * @param folder need not exist yet
 * @source The Open Group Base Specifications, "Environment Variables" (TMPDIR)
 */
export function keepTemporaryFilesIn(folder: string, environment: NodeJS.ProcessEnv = process.env): void {
  environment.TMPDIR ||= folder;
}
