/** Runs a tool of the checkout, with what it prints going straight through or into a string. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { inRoot, root } from './files.mjs';

/** The script behind a package's command, so that it runs in this Node without a shell. */
export function tool(packageName, command = packageName) {
  const folder = inRoot('node_modules', packageName);
  const { bin } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  return path.join(folder, typeof bin === 'string' ? bin : bin[command]);
}

/**
 * @param {readonly string[]} words the script and its arguments
 * @param {{ environment?: NodeJS.ProcessEnv, quiet?: boolean, program?: string }} [options]
 * @returns {Promise<{ status: number, output: string }>} `output` is what a quiet run printed
 */
export function run(words, { environment = process.env, quiet = false, program = process.execPath } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, {
      cwd: root,
      env: environment,
      stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'],
    });
    let output = '';
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    child.once('error', reject);
    child.once('close', (status) => resolve({ status: status ?? 1, output }));
  });
}
