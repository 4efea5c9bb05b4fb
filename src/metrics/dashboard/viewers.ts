import type { EventStream } from '../../http/index.js';
import { dashboardFull } from './errors.js';

/**
 * Those who look at the dashboard. One text is made for all of them, and none while nobody looks.
 * @source product contract, Promises 6; Monitoring (`GET /dashboard`)
 */
export class Viewers {
  readonly #streams = new Set<EventStream>();
  #places = 0;
  #latest: () => string | undefined = () => undefined;
  readonly #maxViewers: number;

  constructor(maxViewers: number) {
    this.#maxViewers = maxViewers;
  }

  /**
   * Takes a place for a viewer.
   * @returns what gives it back
   * @throws Problem `DASHBOARD_VIEWERS_FULL`
   */
  reserve(): () => void {
    if (this.#places >= this.#maxViewers) throw dashboardFull(this.#maxViewers);
    this.#places += 1;
    return () => {
      this.#places -= 1;
    };
  }

  /** Shows what is known, and from then on what is told to all, until the stream ends. */
  show(stream: EventStream, release: () => void): void {
    this.#streams.add(stream);
    void stream.closed.then(() => {
      this.#streams.delete(stream);
      release();
    });
    const snapshot = this.#latest();
    if (snapshot !== undefined) stream.send({ event: 'snapshot', data: snapshot });
  }

  /** @param make gives the snapshot as JSON, undefined when it cannot; it is asked once, and only when somebody looks */
  tell(make: () => string | undefined): void {
    let made: { snapshot: string | undefined } | undefined;
    this.#latest = () => {
      made ??= { snapshot: make() };
      return made.snapshot;
    };
    if (this.#streams.size === 0) return;
    const snapshot = this.#latest();
    if (snapshot === undefined) return;
    for (const stream of this.#streams) stream.send({ event: 'snapshot', data: snapshot });
  }
}
