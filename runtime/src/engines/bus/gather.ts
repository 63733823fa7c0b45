import type { Duplex } from 'node:stream';

/**
 * What is written within one turn of the event loop leaves in one system call. The MQTT library makes one of each packet,
 * and thousands of small packets spend most of their time there.
 */
export function gatherWrites(stream: Duplex): void {
  const uncork = stream.uncork.bind(stream);
  let due = 0;
  stream.uncork = () => {
    due++;
    if (due > 1) return;
    setImmediate(() => {
      for (; due > 0; due--) uncork();
    });
  };
}
