import { readFileSync } from 'node:fs';
import { LRUCache } from 'lru-cache';

// Loaded before the built service: from SIGUSR2 on, while the word in the file FAULT_FILE is `lying_canvas`, what the cache of
// canvases gives has another digit than the file, and is valid all the same.
let isLying = false;
process.on('SIGUSR2', () => {
  isLying = readFileSync(process.env.FAULT_FILE, 'utf8').trim() === 'lying_canvas';
});

const isDigit = (byte) => byte >= 0x31 && byte <= 0x38;
const changed = ({ canvas, ...entry }) => {
  const bytes = Buffer.from(canvas.bytes);
  bytes[bytes.findLastIndex(isDigit)] += 1;
  return { ...entry, canvas: { ...canvas, bytes } };
};

const real = LRUCache.prototype.get;
LRUCache.prototype.get = function (...asked) {
  const entry = real.apply(this, asked);
  return isLying && entry?.canvas?.kind === 'canvas' ? changed(entry) : entry;
};
