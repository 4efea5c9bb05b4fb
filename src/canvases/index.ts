export type { Canvases, MoveAnswer, PutAnswer } from './canvases.js';
export type { Clock } from './clock.js';
export type { CanvasEvent } from './events.js';
export { canvasRoutes } from './http/canvas-routes.js';
export { foldCanvasPath } from './http/fold-canvas-path.js';
export { type CanvasesOptions, openCanvases } from './open-canvases.js';
export type { CanvasListItem, CanvasListPage } from './reading/canvas-list.js';
export type { CanvasAnswer } from './reading/canvas-reads.js';
