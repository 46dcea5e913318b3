import { MemoryDisk } from '../../src/store/memory/memory-disk.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { storeConformance } from './store-conformance.ts';

storeConformance('memory', async () => {
  const disk = new MemoryDisk();
  let store = new MemoryStore(disk);
  const reopen = async () => {
    await store.close();
    store = new MemoryStore(disk);
    return store;
  };
  return { store, reopen, dispose: () => store.close() };
});
