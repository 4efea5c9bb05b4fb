import { LRUCache } from 'lru-cache';
import type { ListQuery } from '../trajectory-repository.js';

/**
 * What addresses of the list ask for, by the address as it was sent: pages that are asked for again and again need not be
 * checked and understood again, which is half of what an answer that is at hand costs. An address means the same for
 * ever, so nothing has to be forgotten but for room.
 * @source product contract, Optimisations (`query_cache`)
 */
export interface KnownAddresses {
  get(address: string): ListQuery | undefined;
  /** Long ones, and walks, whose addresses are asked for once, are not kept. */
  add(address: string, query: ListQuery): void;
}

const maxAddresses = 1000;
const maxLength = 1024;

/** Empty at first. @source product contract, Optimisations (`query_cache`) */
export function createKnownAddresses(): KnownAddresses {
  const queries = new LRUCache<string, ListQuery>({ max: maxAddresses });
  return {
    get: (address) => queries.get(address),
    add(address, query) {
      if (address.length <= maxLength && !query.walk) queries.set(address, query);
    },
  };
}
