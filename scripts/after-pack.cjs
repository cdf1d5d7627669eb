/** Takes out what the fallback runtime brings to load an application from a folder: a packaged one has its archive. */
const { rm } = require('node:fs/promises');
const path = require('node:path');

module.exports = async ({ appOutDir }) => {
  await rm(path.join(appOutDir, 'resources/app'), { recursive: true, force: true });
  await rm(path.join(appOutDir, '.complete'), { force: true });
};
