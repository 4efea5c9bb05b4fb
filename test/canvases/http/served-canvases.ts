import { canvasRoutes, foldCanvasPath } from '../../../src/canvases/index.js';
import { startTestServer } from '../../support/server.js';
import { openTestCanvases } from '../support/open-test-canvases.js';

/** A canvas with two nodes, an edge, and a spelling that nothing but its exact bytes keeps. */
export const sample = Buffer.from(`{
\t"nodes":[
\t\t{"id":"a","type":"text","text":"\\u81ea由","x":0,"y":0,"width":250.0,"height":60},
\t\t{"id":"b","type":"text","text":"b","x":300,"y":0,"width":250,"height":60}
\t],
\t"edges":[
\t\t{"id":"ab","fromNode":"a","toNode":"b"}
\t],
\t"自由":1e0
}
`);

export const node = (id: string, text = id) => ({ id, type: 'text', text, x: 0, y: 0, width: 100, height: 50 });

/** A canvas of plain nodes. */
export const canvasOf = (...nodes: object[]) => Buffer.from(JSON.stringify({ nodes, edges: [] }));

type Method = 'GET' | 'HEAD' | 'PUT' | 'PATCH' | 'POST' | 'DELETE';

/** The routes over canvases in an empty vault, and one function that asks them. */
export async function serveCanvases() {
  const { canvases, vaultDir } = await openTestCanvases(true);
  const server = await startTestServer([canvasRoutes(canvases)], { foldUrl: foldCanvasPath });
  const ask = (
    method: Method,
    url: string,
    payload?: Buffer | string | object,
    headers: Record<string, string> = {},
  ) => {
    const body = payload === undefined || typeof payload === 'string' || Buffer.isBuffer(payload);
    return server.inject({
      method,
      url,
      headers: { ...(payload === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(payload === undefined ? {} : { payload: body ? payload : JSON.stringify(payload) }),
    });
  };
  const bytesOf = async (path: string) => (await ask('GET', `/canvas/${path}`)).rawPayload;
  return { canvases, vaultDir, server, ask, bytesOf };
}
