// Load for one contender: as fast as 16 callers can, or at a fixed rate whatever the answers take (open loop).
import http from 'k6/http';
import { SharedArray } from 'k6/data';

const subjects = new SharedArray('subjects', () => JSON.parse(open(__ENV.SUBJECTS)));
const common = { exec: 'ask', duration: `${__ENV.SECONDS}s` };

export const options = {
  scenarios: {
    load: __ENV.RATE
      ? { ...common, executor: 'constant-arrival-rate', rate: Number(__ENV.RATE), timeUnit: '1s', preAllocatedVUs: 50, maxVUs: 300 }
      : { ...common, executor: 'constant-vus', vus: 16 },
  },
  summaryTrendStats: ['avg', 'med', 'p(95)', 'p(99)', 'max'],
  discardResponseBodies: true,
};

export function ask() {
  const subject = subjects[Math.floor(Math.random() * subjects.length)];
  const body = {
    service_item: 'bench', case_no: 'B-1', operator: 'window-1',
    basis: { kind: 'statutory', reference: 'bench' }, subject, certificates: [{ type: __ENV.TYPE }],
  };
  http.post(__ENV.URL, JSON.stringify(body), {
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${__ENV.TOKEN}` },
  });
}
