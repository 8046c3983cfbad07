/**
 * Paints whole frames of text onto a terminal's screen. Only lines that have changed are written, each at its place and
 * all in one write, so that nothing flickers and a reader's eye can rest.
 */
export class FramePainter {
  readonly #write: (text: string) => void;
  #painted: readonly string[] | null = null;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  paint(frame: string, rows: number): void {
    const lines = frame.split('\n').slice(0, Math.max(1, rows));
    const before = this.#painted ?? [];
    let changes = this.#painted === null ? '\u001b[2J' : '';
    for (let row = 0; row < Math.max(lines.length, before.length); row++) {
      const line = lines[row] ?? '';
      // Emptied before it is written: afterwards the cursor may stand on its last character.
      if (line !== (before[row] ?? '')) changes += `\u001b[${row + 1};1H\u001b[0m\u001b[K${line}`;
    }
    this.#painted = lines;
    // Terminals that know synchronized output show all of it at once; the others ignore the marks.
    if (changes !== '') this.#write(`\u001b[?2026h${changes}\u001b[?2026l`);
  }

  /** What is on the screen is not known any more: the next frame is painted whole. */
  forget(): void {
    this.#painted = null;
  }
}
