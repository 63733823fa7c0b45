/**
 * What the image gives Node.js for every service. A fan-out makes much that is short-lived: a young generation that is
 * large from the start is collected once or twice during it instead of twenty times, and less of it outlives a collection.
 * It shrinks when a process rests, so that a maximum alone is not enough; `NODE_OPTIONS` does not take the minimum. MB.
 */
export const SERVICE_NODE_FLAGS = ['--min-semi-space-size=32', '--max-semi-space-size=64'] as const;
