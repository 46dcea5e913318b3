/**
 * Plants a bug in the broker that is started with `node --import` of this file: its store says that a batch is durable before it
 * is. No line of the broker knows of it: only the module that opens the store is another one.
 */
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    const isServe = context.parentURL?.endsWith('/src/serve.ts') === true;
    if (!isServe || specifier !== './store/sqlite/sqlite-store.ts') return next(specifier, context);
    return { url: new URL('./early-store.ts', import.meta.url).href, shortCircuit: true };
  },
});
