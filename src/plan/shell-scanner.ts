/**
 * Where in a shell script a character stands. `closer` ends a frame of commands (null: the script itself); `parens` and
 * `cases` are what is open within it, so that the `)` of `case a)` or of a subshell does not end a `$(…)`.
 */
type Frame =
  | {kind: 'commands'; closer: ')' | null; parens: number; cases: number; command: boolean; here: HereDocument[]}
  | {kind: 'double'}
  | {kind: 'single'}
  | {kind: 'ansi'}
  | {kind: 'backtick'}
  | {kind: 'comment'}
  | {kind: 'braces'; literalQuotes: boolean}
  | {kind: 'arithmetic'; closer: '))' | ']'; parens: number; dollar: boolean}
  | {kind: 'here'; document: HereDocument};

interface HereDocument {
  readonly delimiter: string;
  readonly quoted: boolean;
  readonly indented: boolean;
}

export type ShellPlace =
  | Frame
  /** Right after a backslash, dollar sign or `<<` that would take what stands there as its object. */
  | {kind: 'attached'}
  /** In the subscript of an array. */
  | {kind: 'subscript'}
  /** After something that shells read differently. */
  | {kind: 'unclear'};

/** After these words a command begins, so that a `case` there is the keyword. */
const LEADING_WORDS = new Set(['then', 'do', 'else', 'elif', 'if', 'while', 'until', '!', '{', 'time']);

/** `name[` and what may follow: bash reads a subscript as arithmetic. */
const SUBSCRIPT = /[A-Za-z_]\w*\[[^\]\s]*$/;

/** Reads a script from left to right as sh and bash do, as far as needed to know which quotes are open. */
export class ShellScanner {
  readonly #text: string;
  readonly #expressions: ReadonlySet<number>;
  readonly #stack: Frame[] = [commands(null)];
  #index = 0;
  #word = '';
  /** Whether a word, and so a comment, may begin here. */
  #wordStart = true;
  #attached = -1;
  #unclear = false;

  constructor(text: string, expressions: ReadonlySet<number>) {
    this.#text = text;
    this.#expressions = expressions;
  }

  /** Reads up to an expression and says in what place it stands. */
  advanceTo(expression: number): ShellPlace {
    while (this.#index < expression) this.#step();
    const frame = this.#top();
    if (this.#unclear) return {kind: 'unclear'};
    if (this.#attached === expression) return {kind: 'attached'};
    const before = this.#text.slice(Math.max(0, expression - 200), expression);
    return frame.kind === 'commands' && SUBSCRIPT.test(before) ? {kind: 'subscript'} : frame;
  }

  /** Goes on after an expression, which is part of a word. */
  skipTo(index: number): void {
    this.#index = index;
    this.#wordStart = false;
    this.#word += '$';
  }

  #top(): Frame {
    const top = this.#stack.at(-1);
    if (!top) throw new Error('Internal error: the shell scanner lost its place');
    return top;
  }

  #step(): void {
    const frame = this.#top();
    switch (frame.kind) {
      case 'commands':
        return this.#inCommands(frame);
      case 'double':
        return this.#inDouble();
      case 'single':
        return this.#until("'");
      case 'ansi':
        return this.#at('\\') ? this.#escape() : this.#until("'");
      case 'backtick':
        return this.#at('\\') ? this.#escape() : this.#until('`');
      case 'comment':
        // The newline belongs to the commands around: here-documents begin after it.
        if (this.#at('\n')) this.#stack.pop();
        else this.#index += 1;
        return;
      case 'braces':
        return this.#inBraces(frame);
      case 'arithmetic':
        return this.#inArithmetic(frame);
      case 'here':
        return this.#inHere(frame.document);
    }
  }

  #inCommands(frame: Frame & {kind: 'commands'}): void {
    const char = this.#text[this.#index] ?? '';
    if (char === '#' && this.#wordStart) return this.#push({kind: 'comment'}, 1);
    if (/[\s;&|()<>]/.test(char)) return this.#endWord(frame, char);
    if (char === '\\') return this.#escape();
    const begun = this.#wordStart;
    this.#wordStart = false;
    if (char === "'") return this.#push({kind: 'single'}, 1);
    if (char === '"') return this.#push({kind: 'double'}, 1);
    if (char === '$' && this.#at("$'")) return this.#push({kind: 'ansi'}, 2);
    if (this.#expansion()) return;
    this.#word = begun ? char : this.#word + char;
    this.#index += 1;
  }

  /** White space and operators end a word; what the word was decides whether a command begins. */
  #endWord(frame: Frame & {kind: 'commands'}, char: string): void {
    const word = this.#word;
    if (!this.#wordStart) {
      if (frame.command && word === 'case') frame.cases += 1;
      if (frame.command && word === 'esac') frame.cases = Math.max(0, frame.cases - 1);
      frame.command = frame.command && LEADING_WORDS.has(word);
    }
    this.#word = '';
    this.#wordStart = true;
    if (/[\n;&|()]/.test(char)) frame.command = true;
    if (char === '(' && this.#at('(('))
      return this.#push({kind: 'arithmetic', closer: '))', parens: 0, dollar: false}, 2);
    if (char === '<' && this.#at('<<<')) return this.#advance(3);
    if (char === '<' && this.#at('<<')) return this.#hereDelimiter(frame);
    if (char === ')' && frame.parens === 0 && frame.closer === ')' && frame.cases === 0) return this.#pop(1);
    if (char === '(') frame.parens += 1;
    if (char === ')') frame.parens = Math.max(0, frame.parens - 1);
    this.#advance(1);
    const next = char === '\n' ? frame.here.shift() : undefined;
    if (next) this.#stack.push({kind: 'here', document: next});
  }

  #inDouble(): void {
    if (this.#at('\\')) return this.#escape();
    if (this.#at('"')) return this.#pop(1);
    if (!this.#expansion()) this.#index += 1;
  }

  #inBraces(frame: Frame & {kind: 'braces'}): void {
    if (this.#at('\\')) return this.#escape();
    if (this.#at('}')) return this.#pop(1);
    if (this.#at('"')) return this.#push({kind: 'double'}, 1);
    if (this.#at("'")) return frame.literalQuotes ? this.#literalQuote() : this.#push({kind: 'single'}, 1);
    if (!this.#expansion()) this.#index += 1;
  }

  /** In `"${x:-'y'}"` the quotes are text to all shells; one alone is text to sh and opens a quote for bash. */
  #literalQuote(): void {
    const pair = /^'[^'"`\\$}]*'/.exec(this.#text.slice(this.#index, this.#index + 300));
    if (!pair) this.#unclear = true;
    this.#index += pair?.[0].length ?? 1;
  }

  #inArithmetic(frame: Frame & {kind: 'arithmetic'}): void {
    if (this.#at('\\')) return this.#escape();
    if (this.#at(frame.closer) && frame.parens === 0) return this.#pop(frame.closer.length);
    if (this.#at(')') && frame.parens === 0 && frame.closer === '))') {
      // `$((a) | b)` was two subshells and no arithmetic after all; the inner one has just ended.
      this.#stack.pop();
      if (frame.dollar) this.#stack.push(commands(')'));
      else this.#openParen();
      return this.#advance(1);
    }
    if (this.#at('(')) frame.parens += 1;
    if (this.#at(')')) frame.parens -= 1;
    if (this.#at('"')) return this.#push({kind: 'double'}, 1);
    if (this.#at("'")) return this.#push({kind: 'single'}, 1);
    if (!this.#expansion()) this.#index += 1;
  }

  #openParen(): void {
    const frame = this.#top();
    if (frame.kind === 'commands') frame.parens += 1;
  }

  #inHere(document: HereDocument): void {
    const atLineStart = this.#index === 0 || this.#text[this.#index - 1] === '\n';
    if (atLineStart) {
      const end = this.#lineEnd();
      const line = this.#text.slice(this.#index, end);
      if ((document.indented ? line.replace(/^\t+/, '') : line) === document.delimiter) {
        this.#index = end + 1;
        this.#stack.pop();
        this.#wordStart = true;
        const outer = this.#top();
        const next = outer.kind === 'commands' ? outer.here.shift() : undefined;
        if (next) this.#stack.push({kind: 'here', document: next});
        return;
      }
    }
    if (!document.quoted && this.#at('\\')) return this.#escape();
    if (document.quoted || !this.#expansion()) this.#index += 1;
  }

  #hereDelimiter(frame: Frame & {kind: 'commands'}): void {
    const match = /^<<(-?)[ \t]*((?:'[^'\n]*'|"[^"\n]*"|\\.|[^\s;&|<>()'"\\])+)/.exec(
      this.#text.slice(this.#index, this.#index + 1000),
    );
    const word = match?.[2];
    if (!match || word === undefined) return this.#advance(2);
    const end = this.#index + match[0].length;
    for (let index = this.#index; index < end; index++) if (this.#expressions.has(index)) return this.#attach(index);
    const pieces = word.matchAll(/'([^']*)'|"([^"]*)"|\\(.)|([^'"\\]+)/g);
    const delimiter = [...pieces].map(piece => piece.slice(1).join('')).join('');
    frame.here.push({delimiter, quoted: /['"\\]/.test(word), indented: match[1] === '-'});
    this.#index = end;
    this.#wordStart = false;
  }

  /** Takes `$(`, `$((`, `$[`, `${`, a backtick or a special parameter such as `$$`; false when none begins here. */
  #expansion(): boolean {
    if (this.#at('`')) this.#push({kind: 'backtick'}, 1);
    else if (!this.#at('$')) return false;
    else if (this.#expressions.has(this.#index + 1)) this.#attach(this.#index + 1);
    else if (this.#at('$((')) this.#push({kind: 'arithmetic', closer: '))', parens: 0, dollar: true}, 3);
    else if (this.#at('$[')) this.#push({kind: 'arithmetic', closer: ']', parens: 0, dollar: true}, 2);
    else if (this.#at('${')) this.#push({kind: 'braces', literalQuotes: this.#quoted() && !this.#removesPattern()}, 2);
    else if (this.#at('$(')) {
      this.#push(commands(')'), 2);
      this.#wordStart = true;
      this.#word = '';
    } else this.#index += /^\$[$?!@*#\d-]/.test(this.#text.slice(this.#index, this.#index + 2)) ? 2 : 1;
    return true;
  }

  /** Between double quotes, single quotes mean themselves in `${x:-'y'}` but quote in `${x#'y'}`. */
  #removesPattern(): boolean {
    return /^\$\{[!#]?[\w@*?$!#-]+?(\[[^\]]*\])?[#%/]/.test(this.#text.slice(this.#index, this.#index + 300));
  }

  /** What stands just before an expression would take it as its object. */
  #attach(expression: number): void {
    this.#attached = expression;
    this.#index = expression;
  }

  #quoted(): boolean {
    const frame = this.#top();
    return frame.kind === 'double' || frame.kind === 'here' || (frame.kind === 'braces' && frame.literalQuotes);
  }

  #escape(): void {
    const next = this.#index + 1;
    if (this.#expressions.has(next)) {
      this.#attach(next);
      return;
    }
    // A continued line is as if it had not been broken: `#` after it begins a comment only where it did before.
    if (this.#text[next] !== '\n') {
      this.#wordStart = false;
      this.#word += '\\';
    }
    this.#index += 2;
  }

  #until(closer: string): void {
    if (this.#at(closer)) this.#pop(1);
    else this.#index += 1;
  }

  #at(text: string): boolean {
    return this.#text.startsWith(text, this.#index);
  }

  #push(frame: Frame, length: number): void {
    this.#stack.push(frame);
    this.#advance(length);
  }

  #pop(length: number): void {
    this.#stack.pop();
    this.#advance(length);
    this.#wordStart = false;
    this.#word += '"';
  }

  #advance(length: number): void {
    this.#index += length;
  }

  #lineEnd(): number {
    const end = this.#text.indexOf('\n', this.#index);
    return end === -1 ? this.#text.length : end;
  }
}

function commands(closer: ')' | null): Frame {
  return {kind: 'commands', closer, parens: 0, cases: 0, command: true, here: []};
}
