import path from 'node:path';
import { expect, test } from 'vitest';
import { keepTemporaryFilesIn, readSettings } from '../src/settings.js';

test('with nothing set, the service is for this machine only and keeps everything in one folder', () => {
  const settings = readSettings({});
  expect(settings).toMatchObject({ host: '127.0.0.1', port: 8000, apiToken: undefined, logLevel: 'info' });
  for (const folder of [settings.vaultDir, settings.lanceUri, ...settings.importDirs]) {
    expect(path.dirname(folder)).toBe(settings.dataDir);
  }
});

test('folders become absolute, lists are split, and an empty variable counts as unset', () => {
  const settings = readSettings({
    VAULT_DIR: 'notes',
    IMPORT_DIRS: 'a, b,',
    CORS_ORIGINS: 'https://x.example',
    PORT: '',
  });
  expect(settings.vaultDir).toBe(path.resolve('notes'));
  expect(settings.importDirs).toEqual([path.resolve('a'), path.resolve('b')]);
  expect(settings.corsOrigins).toEqual(['https://x.example']);
  expect(settings.port).toBe(8000);
});

test('each wrong variable is named with what was got, but a token is never shown', () => {
  const read = () => readSettings({ PORT: 'eighty', LOG_LEVEL: 'loud', API_TOKEN: 'short' });
  expect(read).toThrow(/PORT: .*got "eighty"/);
  expect(read).toThrow(/LOG_LEVEL: .*got "loud"/);
  expect(read).toThrow(/API_TOKEN: expected at least 16 characters$/m);
});

test('slow queries are those over 300 ms, unless another threshold is set; 0 notes none', () => {
  expect(readSettings({}).slowQueryMs).toBe(300);
  expect(readSettings({ SLOW_QUERY_MS: '0' }).slowQueryMs).toBe(0);
  for (const wrong of ['-1', '1.5', 'x', '600001']) {
    expect(() => readSettings({ SLOW_QUERY_MS: wrong })).toThrow(/^SLOW_QUERY_MS: expected/);
  }
});

test('a page holds 64 MiB of records, unless another bound between 1 MiB and 1 GiB is set', () => {
  expect(readSettings({}).maxPageBytes).toBe(67_108_864);
  expect(readSettings({ MAX_PAGE_BYTES: '1048576' }).maxPageBytes).toBe(1_048_576);
  for (const wrong of ['0', '1048575', '1073741825', '2e6x', '1048576.5']) {
    expect(() => readSettings({ MAX_PAGE_BYTES: wrong })).toThrow(/^MAX_PAGE_BYTES: expected/);
  }
});

test('other machines are served only with a token', () => {
  expect(() => readSettings({ HOST: '0.0.0.0' })).toThrow(/HOST: expected a loopback address/);
  expect(readSettings({ HOST: '0.0.0.0', API_TOKEN: 'a-token-of-some-length' }).host).toBe('0.0.0.0');
  for (const host of ['localhost', '::1', '127.0.0.9']) expect(readSettings({ HOST: host }).host).toBe(host);
});

test('a chat model is asked where one is named; a key alone chooses none, and an address without a model is refused', () => {
  expect(readSettings({ OPENAI_API_KEY: 'secret' }).chat).toBeUndefined();
  expect(readSettings({ OPENAI_MODEL: 'small', OPENAI_API_KEY: 'secret' }).chat).toEqual({
    baseUrl: 'https://api.openai.com/v1',
    apiKey: 'secret',
    model: 'small',
    answerFormat: 'json_schema',
  });
  const local = { OPENAI_BASE_URL: 'http://127.0.0.1:11434/v1' };
  expect(() => readSettings(local)).toThrow(/OPENAI_MODEL: expected/);
  const chat = readSettings({ ...local, OPENAI_MODEL: 'small', OPENAI_ANSWER_FORMAT: 'json_object' }).chat;
  expect(chat).toMatchObject({ baseUrl: local.OPENAI_BASE_URL, answerFormat: 'json_object' });
  expect(() => readSettings({ OPENAI_BASE_URL: 'ftp://user:secret@host', OPENAI_MODEL: 'm' })).toThrow(
    /^((?!secret).)*$/,
  );
});

test('vectors come from the built-in model unless a server is set', () => {
  expect(readSettings({}).embedding).toEqual({ kind: 'builtin' });
  expect(() => readSettings({ EMBEDDING_MODEL: 'm' })).toThrow(/^EMBEDDING_MODEL: expected nothing unless/);
  expect(readSettings({ EMBEDDING_PROVIDER: 'openai', EMBEDDING_API_KEY: 'sk-1' }).embedding).toEqual({
    kind: 'openai',
    baseUrl: 'https://api.openai.com/v1',
    apiKey: 'sk-1',
    model: 'text-embedding-3-small',
    dimensions: 1536,
    asksForDimensions: false,
  });
});

test('a model that is not known needs the length of its vectors, and its server an address; neither is shown', () => {
  const own = { EMBEDDING_PROVIDER: 'openai', EMBEDDING_MODEL: 'bge-m3' };
  expect(() => readSettings(own)).toThrow('EMBEDDING_DIMENSIONS: expected the length of the vectors of "bge-m3"');
  const given = { ...own, EMBEDDING_DIMENSIONS: '1024', EMBEDDING_BASE_URL: 'http://127.0.0.1:11434/v1' };
  expect(readSettings(given).embedding).toMatchObject({ dimensions: 1024, asksForDimensions: true, apiKey: undefined });
  expect(() => readSettings({ ...given, EMBEDDING_DIMENSIONS: '7' })).toThrow(/EMBEDDING_DIMENSIONS: .*got "7"/);
  const secret = () => readSettings({ ...given, EMBEDDING_BASE_URL: 'ftp://me:secret@host' });
  expect(secret).toThrow(/EMBEDDING_BASE_URL: expected an http or https address$/);
});

test('the graph memory is kept here unless a server is named; its address is not shown', () => {
  expect(readSettings({}).graphitiUrl).toBeUndefined();
  expect(readSettings({ GRAPHITI_URL: 'http://127.0.0.1:8001' }).graphitiUrl).toBe('http://127.0.0.1:8001');
  const secret = () => readSettings({ GRAPHITI_URL: 'ftp://me:secret@host' });
  expect(secret).toThrow(/GRAPHITI_URL: expected an http or https address$/);
});

test('alerts have their rules in a file and are posted nowhere unless an address is named, which is not shown', () => {
  expect(readSettings({})).toMatchObject({
    alertsConfig: path.resolve('config/alerts.yaml'),
    alertWebhookUrl: undefined,
  });
  const given = { ALERTS_CONFIG: '/etc/alerts.yaml', ALERT_WEBHOOK_URL: 'https://hooks.example/1?key=x' };
  expect(readSettings(given)).toMatchObject({
    alertsConfig: '/etc/alerts.yaml',
    alertWebhookUrl: given.ALERT_WEBHOOK_URL,
  });
  const secret = () => readSettings({ ALERT_WEBHOOK_URL: 'hooks.example/secret' });
  expect(secret).toThrow(/ALERT_WEBHOOK_URL: expected an http or https address$/);
});

test('temporary files go where the environment says, else where the service does', () => {
  const environment: NodeJS.ProcessEnv = { TMPDIR: '' };
  keepTemporaryFilesIn('/data/temporary', environment);
  expect(environment.TMPDIR).toBe('/data/temporary');
  keepTemporaryFilesIn('/elsewhere', environment);
  expect(environment.TMPDIR).toBe('/data/temporary');
});
