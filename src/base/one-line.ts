// OSC sequences (to BEL or ST), CSI sequences, and two-character escapes, as ECMA-48 names them.
const ESCAPES = /\u001b(?:\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])/g;

/** Text of a foreign program made safe to show on one line of a terminal: no escape sequences, no control characters. */
export function oneLine(text: string, maxLength = 200): string {
  const clean = text
    .replaceAll(ESCAPES, '')
    .replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
    .trim();
  return clean.length > maxLength ? `${clean.slice(0, maxLength - 1).trimEnd()}…` : clean;
}

/** The last line of the text that says something, made safe to show; null when there is none. */
export function lastLine(text: string, maxLength?: number): string | null {
  const lines = text.split('\n');
  for (let index = lines.length - 1; index >= 0; index--) {
    // What a carriage return overwrote was not meant to stay.
    const parts = (lines[index] ?? '').split('\r').filter(part => oneLine(part) !== '');
    const shown = parts.at(-1);
    if (shown !== undefined) return oneLine(shown, maxLength);
  }
  return null;
}
