// A tool server (Model Context Protocol over standard input and output) with one tool, `ping`, that answers `pong`.
let unread = '';
process.stdin.setEncoding('utf8').on('data', chunk => {
  const lines = (unread + chunk).split('\n');
  unread = lines.pop() ?? '';
  for (const line of lines) answer(JSON.parse(line));
});

function answer({id, method, params}) {
  if (id === undefined) return;
  const tools = [{name: 'ping', description: 'Answers pong.', inputSchema: {type: 'object', properties: {}}}];
  const results = {
    initialize: () => ({
      protocolVersion: params.protocolVersion,
      capabilities: {tools: {}},
      serverInfo: {name: 'srv', version: '1'},
    }),
    'tools/list': () => ({tools}),
    'tools/call': () => ({content: [{type: 'text', text: 'pong'}]}),
  };
  process.stdout.write(`${JSON.stringify({jsonrpc: '2.0', id, result: results[method]?.() ?? {}})}\n`);
}
