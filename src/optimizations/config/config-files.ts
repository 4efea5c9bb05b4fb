import type { Clock } from '../clock.js';
import { readConfigFile } from './config-file.js';
import { ConfigWatch } from './config-watch.js';
import { readYaml } from './yaml-document.js';

/**
 * How a configuration file is read, parsed and followed, for other parts that have one: the same bounds, the same
 * notion of a file that is still being written, the same time until a change is live.
 * @source product contract, Optimisations ("A change is live within 2 s")
 */
export const configFiles = {
  read: readConfigFile,
  parse: readYaml,
  watch: (path: string, clock: Pick<Clock, 'now' | 'every'>, onChange: () => boolean) =>
    new ConfigWatch(path, clock, onChange),
};
