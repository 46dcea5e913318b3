#!/usr/bin/env -S node --max-semi-space-size=16
// The entry point, in plain JavaScript that an old Node can still read: it refuses such a Node before anything native is loaded
// (SQLite's binding would crash the process), then hands over to the sources in a checkout, to dist/ in the package and the image.
// The flag above keeps V8 from growing its young generation further; why, and where else it stands: docs/decisions/0011.

import { existsSync } from 'fs';

const NEEDED = [22, 18];

const [major, minor] = process.versions.node.split('.').map(Number);
const checkout = existsSync(new URL('../src/main.ts', import.meta.url));

if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  const remedy = checkout
    ? 'Use `npm start` (`npm start -- serve --help`), which brings its own Node.'
    : 'Install a newer Node (https://nodejs.org) or use the container image.';
  process.stderr.write(`holdfast needs Node ${NEEDED.join('.')} or newer; this is Node ${process.versions.node}. ${remedy}\n`);
  process.exitCode = 1;
} else {
  void import(checkout ? '../src/main.ts' : '../dist/main.js');
}
