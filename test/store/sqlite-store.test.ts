import { join } from 'node:path';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { storeConformance } from './store-conformance.ts';
import { makeTemporaryDirectory, removeDirectory } from './temporary-directory.ts';

storeConformance('SQLite', async () => {
  const directory = makeTemporaryDirectory();
  const path = join(directory, 'holdfast.db');
  let store = await openSqliteStore({ path });
  const reopen = async () => {
    await store.close();
    store = await openSqliteStore({ path });
    return store;
  };
  return { store, reopen, dispose: () => store.close().finally(() => removeDirectory(directory)) };
});
