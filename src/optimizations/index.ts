export { type Clock, systemClock } from './clock.js';
export { type FlagName, type FlagSettings, flagNames, flagSettings } from './flag-settings.js';
export { type FlagEvent, type Flags, type FlagsOptions, openFlags, type SwitchName } from './flags.js';
export type { FlagState } from './live-flag.js';
export { optimizationRoutes } from './routes.js';
