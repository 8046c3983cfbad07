import {GodelError} from '../model/failure.ts';

/** A parser for an option that is given once for each input of a plan, as `NAME=VALUE`. */
export function collectInput(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const [name, value] = divided(text);
  if (name === '' || value === null) {
    const hint = 'Write --input NAME=VALUE, for example --input region=eu.';
    throw new GodelError({reason: 'usage', message: `--input ${text} is not NAME=VALUE`, hint});
  }
  if (Object.hasOwn(before, name)) {
    throw new GodelError({
      reason: 'usage',
      message: `--input gives ${name} two values`,
      hint: 'Leave one of them out.',
    });
  }
  return {...before, [name]: value};
}

function divided(text: string): readonly [name: string, value: string | null] {
  const sign = text.indexOf('=');
  return sign === -1 ? [text, null] : [text.slice(0, sign).trim(), text.slice(sign + 1)];
}
