import { randomInt } from 'node:crypto';
import { stringLiteral, type Table } from '../../../lance/index.js';

/**
 * Knows of most ids without a query that no row has them, while the table holds nothing but the rows of one import: it
 * keeps a hash of each id that the import has committed. An id whose hash it has may be stored, or not: ask the table.
 * It gives up when the table held rows before, when another writer has brought one, and beyond a number of ids.
 */

const firstSlots = 2 ** 15;
/** 64 MiB, half full at four million ids. */
const maxSlots = 2 ** 23;

/** @source trajectory-optimization 1.2-B; product contract, Promises 6 */
export class OwnIds {
  /** Open addressing; 0 is free. */
  private slots = new Float64Array(firstSlots);
  private count = 0;
  private state: 'not asked' | 'complete' | 'given up' = 'not asked';
  /** Not known outside, so that nobody can choose ids that all meet in one slot. */
  private readonly seed = randomInt(2 ** 32);
  /** Of the table after the last look or commit. */
  private version = -1;

  /** @param table at its newest version whenever this is asked, with no other writer of new ids beside */
  constructor(
    private readonly table: Table,
    private readonly importId: string,
  ) {}

  /** @returns those that the table may hold */
  async mayBeStored(ids: readonly string[]): Promise<readonly string[]> {
    if (!(await this.isComplete())) return ids;
    return ids.filter((id) => this.slots[this.slotOf(idHash(id, this.seed))] !== 0);
  }

  /** To be called after each commit of this import. */
  async committed(ids: readonly string[]): Promise<void> {
    if (this.state !== 'complete') return;
    for (const id of ids) {
      const hash = idHash(id, this.seed);
      const slot = this.slotOf(hash);
      if (this.slots[slot] !== 0) continue;
      this.slots[slot] = hash;
      this.count += 1;
      if (this.count * 2 > this.slots.length && !this.grow()) return;
    }
    this.version = await this.table.version();
  }

  private async isComplete(): Promise<boolean> {
    if (this.state === 'given up') return false;
    const version = await this.table.version();
    if (this.state === 'complete' && version === this.version) return true;
    // Upkeep makes versions too.
    const others = this.state === 'complete' ? `import_id <> ${stringLiteral(this.importId)}` : undefined;
    if ((await this.table.countRows(others)) > 0) {
      this.giveUp();
      return false;
    }
    this.state = 'complete';
    this.version = version;
    return true;
  }

  private giveUp(): void {
    this.state = 'given up';
    this.slots = new Float64Array(0);
  }

  /** Where the hash stands, or would. */
  private slotOf(hash: number): number {
    const { slots } = this;
    const last = slots.length - 1;
    let slot = (hash / 2 ** 21) & last;
    while (slots[slot] !== 0 && slots[slot] !== hash) slot = (slot + 1) & last;
    return slot;
  }

  private grow(): boolean {
    const before = this.slots;
    if (before.length === maxSlots) {
      this.giveUp();
      return false;
    }
    this.slots = new Float64Array(before.length * 2);
    for (const hash of before) if (hash !== 0) this.slots[this.slotOf(hash)] = hash;
    return true;
  }
}

/**
 * 53 bits of a text, never 0. Each unit meets all bits of what came before it, so that which texts come together
 * depends on the seed.
 * @param seed 32 bits
 * @source product contract, Promises 6
 */
export function idHash(text: string, seed: number): number {
  let a = seed ^ 0x811c9dc5;
  let b = Math.imul(seed, 0x85ebca6b) ^ 0x2545f491;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x01000193);
    a ^= a >>> 15;
    b = Math.imul(b + unit, 0x5bd1e995);
    b ^= b >>> 15;
  }
  a = Math.imul(a ^ b ^ (a >>> 16), 0x7feb352d);
  a ^= a >>> 15;
  return (a >>> 0) * 2 ** 21 + ((b >>> 0) & 0x1fffff) || 1;
}
