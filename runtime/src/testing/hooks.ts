/** What mocha does after each file of tests. */
import { removeTestFolders } from './engine.ts';

/** Mocha ends its workers with a signal, so that they never hear of their own exit. */
export const mochaHooks = { afterAll: removeTestFolders };
