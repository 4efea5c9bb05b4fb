import { expect, test } from 'vitest';
import { cpuNanoseconds, forgetPeak, peakResidentBytes, residentBytes } from '../../bench/support/process-usage.js';

const onLinux = test.runIf(process.platform === 'linux');
const mebibyte = 2 ** 20;

onLinux('CPU time grows by about the time a process works', () => {
  const before = cpuNanoseconds(process.pid);
  const usage = process.cpuUsage();
  while (process.cpuUsage(usage).user < 50_000);
  const spent = cpuNanoseconds(process.pid) - before;
  expect(spent).toBeGreaterThan(25e6);
  expect(spent).toBeLessThan(2e9);
});

onLinux('the peak is what was held at most, and begins anew when it is forgotten', () => {
  const blocks = [Buffer.alloc(64 * mebibyte, 1)];
  const held = residentBytes(process.pid);
  expect(held).toBeGreaterThan(64 * mebibyte);
  blocks.length = 0;
  expect(peakResidentBytes(process.pid)).toBeGreaterThanOrEqual(held);
  forgetPeak(process.pid);
  const now = residentBytes(process.pid);
  expect(Math.abs(peakResidentBytes(process.pid) - now)).toBeLessThan(32 * mebibyte);
});
