#!/usr/bin/env node
// Launcher: npm links it before the programs are built, so it must exist in the tree and hold nothing.
try {
  await import('../dist/flexder.js');
} catch (error) {
  if (error?.code !== 'ERR_MODULE_NOT_FOUND' || !String(error.message).includes('dist/flexder.js')) throw error;
  process.stderr.write('flexder is not built yet: run `npm run prepare` in the project folder.\n');
  process.exitCode = 2;
}
