/**
 * Sets one switch in the configuration file. What stands in the file at that moment is read, changed in one place and put
 * back by rename, so that neither a half-written file nor an edit made by hand is ever lost: when the file changes
 * meanwhile, all begins anew with what it holds now.
 */
import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  linkSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { Problem } from '../../errors.js';
import { configChanging, configUnusable, configUnwritable } from '../errors.js';
import type { FlagName } from '../flag-settings.js';
import { fileSignature, readConfigFile } from './config-file.js';
import { checkFlagConfig, defaultFlagConfig, type FlagConfig } from './flag-config.js';
import { readYaml } from './yaml-document.js';
import { withSwitch } from './yaml-switch.js';

const attempts = 5;
const writeBits = 0o222;
const newFileMode = 0o644;
const modeBits = 0o777;

/** The configuration with one switch set. */
function configWith(config: FlagConfig, name: FlagName | 'all', enabled: boolean): FlagConfig {
  if (name === 'all') return { ...config, enabled };
  return { ...config, flags: { ...config.flags, [name]: { ...config.flags[name], enabled } } };
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** @throws Problem when the file as it stands is no good configuration: it is being edited by hand */
function configIn(text: string): FlagConfig {
  try {
    return checkFlagConfig(readYaml(text));
  } catch (error) {
    throw error instanceof Problem ? configUnusable(error) : error;
  }
}

function changedText(text: string, name: FlagName | 'all', enabled: boolean): { text: string; config: FlagConfig } {
  const present = configIn(text);
  const wanted = configWith(present, name, enabled);
  if (same(present, wanted)) return { text, config: present };
  const changed = withSwitch(text, name === 'all' ? undefined : name, enabled);
  if (changed !== undefined && same(configOrNothing(changed), wanted)) return { text: changed, config: wanted };
  throw configUnusable();
}

function configOrNothing(text: string): FlagConfig | undefined {
  try {
    return checkFlagConfig(readYaml(text));
  } catch {
    return undefined;
  }
}

/** Writes beside the file, durable, with its mode and its owner, ready to take its place. */
function writeBeside(file: string, text: string): string {
  const old = statSync(file, { throwIfNoEntry: false });
  if (old && (old.mode & writeBits) === 0) throw configUnwritable();
  if (old) accessSync(file, constants.W_OK);
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}.tmp`);
  rmSync(temporary, { force: true });
  const descriptor = openSync(temporary, 'wx', old ? old.mode & modeBits : newFileMode);
  try {
    if (old) {
      keepOwner(descriptor, old);
      // Opened with less than this: the process's umask takes bits away.
      fchmodSync(descriptor, old.mode & modeBits);
    }
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  return temporary;
}

/** Only root can; for all others a file they may replace is theirs or stays readable to them. */
function keepOwner(descriptor: number, { uid, gid }: { uid: number; gid: number }): void {
  try {
    fchownSync(descriptor, uid, gid);
  } catch {}
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** @returns whether the file was still as it had been read, and has been replaced */
function replace(file: string, before: { signature: string; text: string }, text: string): boolean {
  const temporary = writeBeside(file, text);
  try {
    const now = readConfigFile(file);
    if (now.state !== 'text' || now.text !== before.text || fileSignature(file) !== before.signature) return false;
    renameSync(temporary, file);
    syncFolder(path.dirname(file));
    return true;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** @returns whether there was still no file, and there is one now */
function create(file: string, text: string): boolean {
  const temporary = writeBeside(file, text);
  try {
    linkSync(temporary, file);
    syncFolder(path.dirname(file));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** @returns the configuration that the file holds now; undefined when it changed under our hands */
function attempt(file: string, name: FlagName | 'all', enabled: boolean, mayCreate: boolean): FlagConfig | undefined {
  const signature = fileSignature(file);
  const content = readConfigFile(file);
  if (content.state === 'changing') return undefined;
  if (content.state === 'missing') {
    if (!mayCreate) throw configUnusable();
    const text = name === 'all' ? `enabled: ${enabled}\n` : `${name}:\n  enabled: ${enabled}\n`;
    return create(file, text) ? configWith(defaultFlagConfig, name, enabled) : undefined;
  }
  if (content.state === 'refused') throw configUnusable();
  const { text, config } = changedText(content.text, name, enabled);
  if (text === content.text) return config;
  return replace(file, { signature, text: content.text }, text) ? config : undefined;
}

/** Where a link leads, so that it stays a link. */
function target(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

/**
 * Sets a switch in the file and gives the configuration that it holds then, edits made by hand meanwhile included.
 * @param mayCreate whether a missing file is made
 * @throws Problem `OPTIMIZATION_CONFIG_CONFLICT` when the file is being edited or not valid, `OPTIMIZATION_CONFIG_READ_ONLY` when it
 *   cannot be written; it is then as it was
 * @source product contract, Monitoring (`PUT /admin/flags/{name}`)
 */
export function writeSwitch(path: string, name: FlagName | 'all', enabled: boolean, mayCreate: boolean): FlagConfig {
  try {
    for (let tries = 0; tries < attempts; tries++) {
      const config = attempt(target(path), name, enabled, mayCreate);
      if (config) return config;
    }
  } catch (error) {
    throw error instanceof Problem ? error : configUnwritable(error);
  }
  throw configChanging();
}
