/**
 * The place of a call among those that another server takes at once, for whoever gives such places. The call has it when
 * it begins.
 * - `release`: the call waits for its next try, and others may be sent meanwhile.
 * - `acquire`: the pause is over; the next try begins when this is kept. It rejects with the signal's reason.
 * @source story-17.4 task 3 ("the model endpoint's own answers"); Dijkstra (1965), semaphores
 */
export interface Permit {
  release(): void;
  acquire(signal: AbortSignal): Promise<void>;
}
