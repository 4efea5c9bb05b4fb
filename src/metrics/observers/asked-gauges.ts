import { Gauge, type Registry } from 'prom-client';

/**
 * Gauges of what somebody else knows, asked for once the returned function was told where to ask.
 * @source prom-client documentation, "Gauge" (collect)
 */
export type Watch<State> = (read: () => State) => void;

/**
 * Gauges that are read at each scrape.
 * @param unknown what they show until it is known where to ask
 * @param gauges help and value, by name
 * @source prom-client documentation, "Gauge" (collect)
 */
export function askedGauges<State>(
  registry: Registry,
  unknown: State,
  gauges: Record<string, [help: string, value: (state: State) => number]>,
): Watch<State> {
  let read = () => unknown;
  for (const [name, [help, value]] of Object.entries(gauges)) {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value(read()));
      },
    });
  }
  return (known) => {
    read = known;
  };
}
