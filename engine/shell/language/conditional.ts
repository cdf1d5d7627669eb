/** `[[ … ]]`. */
import { byBytes, compareNumbers, fileTest, unaryTest } from './conditions';
import { calculate, expandPattern, expandRegex, expandText, valueByName } from './expand';
import { isControl } from './failures';
import { matches } from './pattern';
import { posixRegex } from './regex';
import { ShellFailure } from './shell';
import type { Shell } from './shell';
import type { TestExpression } from './syntax';
import { trace } from './trace';

const shown = (text: string): string => (text === '' ? "''" : text);

/** Null: the expression is no test at all (a broken regular expression), status 2. */
export async function condition(shell: Shell, expression: TestExpression): Promise<boolean | null> {
  switch (expression.kind) {
    case 'and': {
      const left = await condition(shell, expression.left);
      return left ? condition(shell, expression.right) : left;
    }
    case 'or':
      return (await condition(shell, expression.left)) || condition(shell, expression.right);
    case 'not': {
      const value = await condition(shell, expression.operand);
      return value === null ? null : !value;
    }
    case 'group':
      return condition(shell, expression.operand);
    case 'unary': {
      const operand = await expandText(shell, expression.operand);
      await trace(shell, `[[ ${expression.operator} ${shown(operand)} ]]`);
      return unary(shell, expression.operator, operand);
    }
    case 'binary':
      return binary(shell, expression);
  }
}

async function unary(shell: Shell, operator: string, operand: string): Promise<boolean> {
  if (operator === '-v') return (await valueByName(shell, operand)).set;
  if (operator === '-R') return shell.variables.isReference(operand);
  if (operator === '-o') return shell.option(operand);
  const terminal = (fd: number): boolean => shell.descriptors.get(fd)?.terminal ?? false;
  return unaryTest(shell.filesWith(), operator, operand, terminal) ?? false;
}

async function binary(shell: Shell, expression: TestExpression & { kind: 'binary' }): Promise<boolean | null> {
  const { operator } = expression;
  const left = await expandText(shell, expression.left);
  const ignoreCase = shell.isSet('nocasematch');
  if (operator === '=' || operator === '==' || operator === '!=') {
    const pattern = await expandPattern(shell, expression.right);
    await trace(shell, `[[ ${shown(left)} ${operator} ${shown(pattern)} ]]`);
    return matches(pattern, left, true, ignoreCase) === (operator !== '!=');
  }
  if (operator === '=~') return matchesRegex(shell, left, await expandRegex(shell, expression.right), ignoreCase);
  const right = await expandText(shell, expression.right);
  await trace(shell, `[[ ${shown(left)} ${operator} ${shown(right)} ]]`);
  if (operator === '<') return byBytes(left, right) < 0;
  if (operator === '>') return byBytes(left, right) > 0;
  const files = fileTest(shell.files, operator, left, right);
  if (files !== null) return files;
  try {
    return compareNumbers(operator, calculate(shell, left), calculate(shell, right)) ?? false;
  } catch (error) {
    if (error instanceof ShellFailure && !error.fatal) throw new ShellFailure(`[[: ${error.message}`);
    throw error;
  }
}

/** A repetition of nothing. */
const DANGLING = /^(?:\[[^\]]*\]|\\.|[^\\[])*?(?:^|(?<!\\)[(|])[*+?{]/s;

async function matchesRegex(shell: Shell, text: string, source: string, ignoreCase: boolean): Promise<boolean | null> {
  await trace(shell, `[[ ${shown(text)} =~ ${shown(source)} ]]`);
  let regex: RegExp;
  if (DANGLING.test(source)) return null;
  try {
    regex = new RegExp(posixRegex(source), ignoreCase ? 'i' : '');
  } catch (error) {
    if (isControl(error) || error instanceof ShellFailure) throw error;
    return null;
  }
  const found = regex.exec(text);
  shell.variables.setList('BASH_REMATCH', found ? found.map((group) => group ?? '') : []);
  return found !== null;
}
