import prettier from 'eslint-config-prettier';
import vue from 'eslint-plugin-vue';
import typescript from 'typescript-eslint';

const unused = [
  'error',
  { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none', ignoreRestSiblings: true },
];

/** The engine is plain TypeScript: it runs the same in the main process, in a test and on the command line. */
const HOST_GLOBALS = [
  ...['Buffer', 'process', 'require', '__dirname', '__filename', 'global', 'console', 'performance', 'fetch'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'],
  ...['window', 'document', 'navigator', 'localStorage', 'structuredClone'],
].map((name) => ({ name, message: 'The engine knows no host; ask for it through a seam.' }));

export default typescript.config(
  { ignores: ['out/**', 'dist/**', 'node_modules/**', 'test-results/**', 'labs/**'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  ...typescript.configs.recommended,
  ...vue.configs['flat/recommended'],
  {
    files: ['**/*.vue'],
    languageOptions: { parserOptions: { parser: typescript.parser } },
  },
  {
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/ban-ts-comment': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/no-unused-vars': unused,
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-var': 'error',
      'prefer-const': 'error',
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'] }],
      // The compiler knows the names.
      'no-undef': 'off',
    },
  },
  {
    files: ['**/*.cjs'],
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
  {
    files: ['renderer/**'],
    rules: { '@typescript-eslint/consistent-type-imports': 'off' },
  },
  {
    files: ['engine/**/*.ts'],
    ignores: ['engine/host/**', 'engine/cli.ts', '**/fixtures/**', '**/*.test.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...HOST_GLOBALS,
        { name: 'Date', message: "Time is the kernel's virtual clock." },
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'The engine is deterministic.' },
      ],
    },
  },
  {
    files: ['engine/**/*.ts'],
    ignores: ['engine/host/**', 'engine/cli.ts', 'engine/shell/terminal.ts', '**/fixtures/**', '**/*.test.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: ['node:*', 'electron', 'vue'] }],
    },
  },
  prettier,
);
