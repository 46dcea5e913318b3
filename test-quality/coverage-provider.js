// Vitest's own V8 provider, under another name: by its own, Vitest looks for it among the project's packages.
import v8 from '@vitest/coverage-v8';

export default {
  startCoverage: (options) => v8.startCoverage(options),
  takeCoverage: (options) => v8.takeCoverage(options),
  stopCoverage: (options) => v8.stopCoverage(options),
  async getProvider() {
    const provider = await v8.getProvider();
    provider.name = 'custom';
    return provider;
  },
};
