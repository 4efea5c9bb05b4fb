import path from 'node:path';
import { expect, test } from 'vitest';
import { readSettings } from '../src/settings.js';

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

test('other machines are served only with a token', () => {
  expect(() => readSettings({ HOST: '0.0.0.0' })).toThrow(/HOST: expected a loopback address/);
  expect(readSettings({ HOST: '0.0.0.0', API_TOKEN: 'a-token-of-some-length' }).host).toBe('0.0.0.0');
  for (const host of ['localhost', '::1', '127.0.0.9']) expect(readSettings({ HOST: host }).host).toBe(host);
});
