/** Servers that speak HTTP, S3 among them: connections, who asks, what answers and failures mean, and patience with them. */
export { Attempt } from './attempt.js';
export { Attempts, type Retry, type RetryPolicy } from './attempts.js';
export { discard, HttpClient, type HttpResponse } from './http-client.js';
export { failureOfConnection, failureOfStatus } from './http-failure.js';
export { loginFor } from './login.js';
export { isReadByOthers, netrcFiles } from './netrc.js';
export { describeProxyFailure, ProxyFailure } from './proxy-failure.js';
export { Registries } from './registry.js';
export { S3Objects } from './s3/objects.js';
export { S3Connection } from './s3/s3-connection.js';
export { tlsMaterial } from './tls-material.js';
export { TunnelAgent } from './tunnel-agent.js';
