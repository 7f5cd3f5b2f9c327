// Searches at a fixed rate whatever the answers take (open loop), each kind of question counted by itself.
import http from 'k6/http';
import { SharedArray } from 'k6/data';

const questions = new SharedArray('questions', () => JSON.parse(open(__ENV.QUESTIONS)));
const kinds = [...new Set(Array.from(questions, (each) => each.kind))];

export const options = {
  scenarios: {
    load: {
      executor: 'constant-arrival-rate', duration: `${__ENV.SECONDS}s`, rate: Number(__ENV.RATE), timeUnit: '1s',
      preAllocatedVUs: 30, maxVUs: 200,
    },
  },
  summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max'],
  // a threshold that always holds makes k6 count the kind by itself
  thresholds: Object.fromEntries(kinds.map((kind) => [`http_req_duration{kind:${kind}}`, ['max>=0']])),
  discardResponseBodies: true,
};

export default function () {
  const each = questions[Math.floor(Math.random() * questions.length)];
  http.get(`${__ENV.BASE}${each.url}`, { tags: { kind: each.kind, name: each.kind } });
}
