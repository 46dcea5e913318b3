/** What a browser sees at the broker's address: what this is, and a page from whose console it can be tried. */
export function landingPage(version: string): string {
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Holdfast ${version}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}pre{background:#f4f4f4;padding:1rem;overflow:auto}</style>
<h1>Holdfast ${version}</h1>
<p>A durable message queue broker: messages go over a WebSocket at this same address. Open this page's console (F12) and paste:</p>
<pre>const ws = new WebSocket(location.origin.replace('http', 'ws') + '/?client=me')
ws.onmessage = ({ data }) =&gt; {
  const frame = JSON.parse(data)
  console.log(frame)
  if (frame.type === 'message') ws.send(JSON.stringify({ type: 'ack', id: frame.id }))
}
ws.onopen = () =&gt; {
  ws.send('{"type":"subscribe","topic":"room.lobby"}')
  ws.send('{"type":"publish","topic":"room.lobby","body":"hello"}')
}</pre>
<p>Then reload the page, and see what arrives of what others publish to <code>room.lobby</code> in the meantime: everything.</p>
</html>
`;
}
