// Runs before `npm start`, `npm test` and the like, on whatever Node is there (20 and up, so plain JavaScript): installs the
// dependencies when what is installed is not what package-lock.json says. It compares contents, never clocks: npm keeps a list of
// what it has installed in node_modules/.package-lock.json. It writes to stderr only, since stdout belongs to the command.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'node_modules');
const windows = process.platform === 'win32';

function packagesOf(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

/** Packages for other platforms are optional and may be missing; any other has to be there in the locked version. */
function upToDate() {
  const installedList = join(modules, '.package-lock.json');
  if (!existsSync(installedList)) return false;
  const installed = packagesOf(installedList);
  return Object.entries(packagesOf(join(root, 'package-lock.json'))).every(([path, locked]) => {
    const found = installed[path];
    if (found === undefined) return path === '' || locked.optional === true;
    return found.version === locked.version && found.integrity === locked.integrity;
  });
}

/** `npm ci` starts from nothing, which Windows forbids while this script's own node.exe is in there: then only what differs is changed. */
function npmArguments() {
  const verb = windows && process.execPath.startsWith(modules) ? ['install', '--no-save'] : ['ci'];
  return [...verb, '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
}

function runNpm() {
  const cli = process.env.npm_execpath;
  const options = { cwd: root, stdio: ['ignore', 2, 2] };
  if (cli !== undefined && basename(cli) === 'npm-cli.js') {
    return spawnSync(process.env.npm_node_execpath ?? process.execPath, [cli, ...npmArguments()], options);
  }
  return spawnSync(windows ? 'npm.cmd' : 'npm', npmArguments(), { ...options, shell: windows });
}

function fail(reason) {
  process.stderr.write(`holdfast: ${reason}\n`);
  process.exit(1);
}

if (!upToDate()) {
  process.stderr.write('holdfast: installing dependencies as package-lock.json lists them …\n');
  const { status, signal, error } = runNpm();
  if (error !== undefined) fail(`npm could not be started: ${error.message}`);
  if (status !== 0) fail(`npm failed (${signal ?? `exit code ${status}`}); its own message stands above. By hand: npm ci`);
}

const [major, minor] = process.versions.node.split('.').map(Number);
const newEnough = major > 22 || (major === 22 && minor >= 18);
const pinned = join(modules, 'node', 'bin', windows ? 'node.exe' : 'node');
if (!newEnough && !existsSync(pinned)) {
  fail(
    `Node ${process.versions.node} is too old, and the pinned one was not fetched, as npm's install scripts are switched off. ` +
      'Install Node 22.18 or newer, or run: npm ci --ignore-scripts=false',
  );
}
