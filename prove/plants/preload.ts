/**
 * Plants a bug in the broker that is started with `--import` of this file: one of its modules is loaded with a change to its text.
 * No line of the broker knows of it. A text that is not there, or there twice, is an error: a bug that is not planted proves nothing.
 */
import { registerHooks } from 'node:module';
import process from 'node:process';
import { bugs } from './bugs.ts';
import { hurries } from './hurries.ts';
import { VARIABLE } from './planted.ts';

const id = process.env[VARIABLE];
const bug = [...bugs, ...hurries].find((each) => each.id === id);
if (bug === undefined) throw new Error(`there is no bug ${id ?? ''} to plant`);

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    if (!url.endsWith(`/src/${bug.file}`)) return loaded;
    let text = typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source);
    for (const [from, to] of bug.changes) {
      if (text.split(from).length !== 2)
        throw new Error(`the bug ${bug.id} can't be planted: ${bug.file} has not exactly one ${from}`);
      text = text.replace(from, () => to);
    }
    return { ...loaded, source: text };
  },
});
