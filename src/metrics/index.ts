export { dashboardRoutes } from './dashboard/dashboard-routes.js';
export { createMetrics, type MetricDescription, type Metrics } from './metrics.js';
export { metricsRoutes } from './routes.js';
