import type {Call, Tool} from './conversation.ts';
import type {Directive} from './directives.ts';

/** The argument by which a call that is wrong on purpose is known again. Its value says whose purpose. */
export const WRONG_ARGUMENT = 'no_such_argument';

const WRITES = ['write', 'write_file', 'create_file'];
const REPLACES = ['edit', 'replace', 'str_replace'];
const SHELLS = ['bash', 'shell', 'exec_command', 'shell_command', 'run_shell_command', 'local_shell'];
const PATHS = ['file_path', 'filePath', 'path'];
const CONTENTS = ['content', 'file_text', 'text'];
const OLDS = ['old_string', 'oldString', 'oldText', 'old_text', 'old_str'];
const NEWS = ['new_string', 'newString', 'newText', 'new_text', 'new_str'];
const COMMANDS = ['command', 'cmd'];

/** The calls, one after the other, with which this client's tools do what is asked; null: none of its tools can. */
export function callsFor(directive: Directive, tools: readonly Tool[]): readonly Call[] | null {
  switch (directive.do) {
    case 'edit':
      return writeCalls(directive, tools);
    case 'replace':
      return replaceCalls(directive, tools);
    case 'run': {
      const call = shellCall(directive.command, tools);
      return call === null ? null : [call];
    }
    case 'wrong-tool': {
      const call = wrongCall(tools, 'asked');
      return call === null ? null : [call];
    }
    case 'answer':
    case 'refuse':
    case 'wait':
    case 'fault':
      return [];
  }
}

/** A call of a tool that it has, with an argument that the tool does not know and without those that it needs. */
export function wrongCall(tools: readonly Tool[], purpose: 'asked' | 'fault'): Call | null {
  const tool = named(tools, WRITES) ?? named(tools, SHELLS);
  return tool === undefined ? null : {name: tool.name, input: {[WRONG_ARGUMENT]: purpose}};
}

function writeCalls({path, content}: {path: string; content: string}, tools: readonly Tool[]): readonly Call[] | null {
  const write = named(tools, WRITES);
  if (write !== undefined) {
    return [
      ...readFirst(write, path, tools),
      filled(write, [
        [PATHS, path],
        [CONTENTS, content],
      ]),
    ];
  }
  const patch = tools.find(({name}) => name === 'apply_patch');
  if (patch !== undefined) return [patchCall(patch, addFile(path, content))];
  const shell = shellCall(`mkdir -p "$(dirname '${path}')" && printf %s '${quoted(content)}' > '${path}'`, tools);
  return shell === null ? null : [shell];
}

function replaceCalls(order: {path: string; old: string; new: string}, tools: readonly Tool[]): readonly Call[] | null {
  const edit = named(tools, REPLACES);
  if (edit !== undefined) {
    const first = readFirst(edit, order.path, tools);
    if ('edits' in edit.properties) {
      return [
        ...first,
        {name: edit.name, input: {path: order.path, edits: [{oldText: order.old, newText: order.new}]}},
      ];
    }
    return [
      ...first,
      filled(edit, [
        [PATHS, order.path],
        [OLDS, order.old],
        [NEWS, order.new],
      ]),
    ];
  }
  const patch = tools.find(({name}) => name === 'apply_patch');
  if (patch !== undefined) return [patchCall(patch, changeLine(order))];
  const shell = shellCall(`sed -i 's|${quoted(order.old)}|${quoted(order.new)}|' '${order.path}'`, tools);
  return shell === null ? null : [shell];
}

/** Claude and opencode change only a file that they have read in this session. */
function readFirst(tool: Tool, path: string, tools: readonly Tool[]): readonly Call[] {
  const careful = tool.name === 'Write' || tool.name === 'Edit' || 'filePath' in tool.properties;
  const read = careful ? named(tools, ['read']) : undefined;
  return read === undefined ? [] : [filled(read, [[PATHS, path]])];
}

function shellCall(command: string, tools: readonly Tool[]): Call | null {
  const shell = named(tools, SHELLS);
  if (shell === undefined) return null;
  const key = COMMANDS.find(name => name in shell.properties) ?? 'command';
  const isList = JSON.stringify(shell.properties[key] ?? '').includes('"array"');
  return {name: shell.name, input: {...demanded(shell), [key]: isList ? ['bash', '-c', command] : command}};
}

function named(tools: readonly Tool[], names: readonly string[]): Tool | undefined {
  return names.map(name => tools.find(tool => tool.name.toLowerCase() === name)).find(tool => tool !== undefined);
}

function filled(tool: Tool, values: readonly (readonly [readonly string[], string])[]): Call {
  const input: Record<string, unknown> = demanded(tool);
  for (const [names, value] of values) {
    const key = names.find(name => name in tool.properties) ?? names[0];
    if (key !== undefined) input[key] = value;
  }
  return {name: tool.name, input};
}

/** Something for each argument that the tool demands and the script knows nothing about. */
function demanded(tool: Tool): Record<string, unknown> {
  return Object.fromEntries(tool.required.map(name => [name, exampleOf(tool.properties[name])]));
}

function exampleOf(schema: unknown): unknown {
  const text = JSON.stringify(schema ?? '');
  if (text.includes('"boolean"')) return false;
  if (text.includes('"number"') || text.includes('"integer"')) return 1;
  return text.includes('"array"') ? [] : 'as the task says';
}

function patchCall(tool: Tool, patch: string): Call {
  const key = Object.keys(tool.properties)[0] ?? 'input';
  return {name: tool.name, input: tool.freeform ? patch : {[key]: patch}};
}

function addFile(path: string, content: string): string {
  const lines = content.replace(/\n$/, '').split('\n');
  return `*** Begin Patch\n*** Add File: ${path}\n${lines.map(line => `+${line}\n`).join('')}*** End Patch`;
}

function changeLine(order: {path: string; old: string; new: string}): string {
  return `*** Begin Patch\n*** Update File: ${order.path}\n@@\n-${order.old}\n+${order.new}\n*** End Patch`;
}

function quoted(text: string): string {
  return text.replaceAll("'", `'\\''`);
}
