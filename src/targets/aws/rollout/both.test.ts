import { expect, test } from 'vitest';
import { propertiesOf } from '../../../../test/aws/template-checks.js';
import { SERVICES, someInfrastructure } from '../../../../test/aws/template-inputs.js';
import { synthesizeAsItIs } from '../cdk/as-it-is.js';
import type { Template } from '../cloudformation/stack-state.js';
import type { InfrastructureInputs } from '../infrastructure/inputs.js';
import { infrastructureSynthesizer, synthesizeInfrastructure } from '../infrastructure/stack.js';
import { bothOf } from './both.js';

const inputs = someInfrastructure();
const of = (change: Partial<InfrastructureInputs> = {}) => synthesizeInfrastructure({ ...inputs, ...change }).template;
const release = { ...inputs.release, release: '1111111111111111' };
const [jump, api, web] = SERVICES as [Service, Service, Service];
type Service = (typeof SERVICES)[number];
const services = (...list: Service[]) => ({ services: { ...inputs.services, services: list } });
const ids = (template: Template | undefined, pattern: RegExp) =>
  Object.keys(template?.Resources ?? {}).filter((id) => pattern.test(id));
const instances = (template: Template | undefined) => ids(template, /^Host[A-Za-z]+0?[0-9a-z]*[0-9a-f]{8}$/);
const targets = (template: Template | undefined, port = 8080) =>
  propertiesOf<{ Targets: { Id: { Ref: string } }[] }>(
    template as Template,
    ids(template, new RegExp(`^TargetsOrderApi.*Port${port}$`))[0] ?? '',
  ).Targets.map(({ Id }) => Id.Ref);

/** Each is there, so that CloudFormation takes the template. */
function danglingIn(template: Template | undefined): string[] {
  const text = JSON.stringify(template?.Resources);
  const named = [...text.matchAll(/"(?:Ref|Fn::GetAtt)":(?:"([^"]+)"|\["([^"]+)")/g)].map(([, a, b]) => a ?? b ?? '');
  return named.filter((id) => !id.startsWith('AWS::') && template?.Resources[id] === undefined);
}

test('between two releases the hosts of both are there, and balancers keep the targets that they have', () => {
  const [before, after] = [of(), of({ release })];
  const both = bothOf(before, after);
  expect(instances(both).sort()).toEqual([...instances(before), ...instances(after)].sort());
  expect(targets(both)).toEqual(targets(before));
  expect(targets(after)).not.toEqual(targets(before));
  expect(danglingIn(both)).toEqual([]);
  // What is current moves at the end.
  expect(both?.Outputs?.Release).toEqual(before.Outputs?.Release);
});

test('an interrupted deployment finds the same step again, and so does the way back', () => {
  const [before, after] = [of(), of({ release })];
  const both = bothOf(before, after) as Template;
  expect(bothOf(both, after)).toEqual(both);
  expect(instances(bothOf(both, before)).sort()).toEqual(instances(both).sort());
});

test('where nothing that serves goes there is one step', () => {
  expect(bothOf(undefined, of())).toBeUndefined();
  expect(bothOf(of(), of(services(jump, { ...api, count: 3 }, web)))).toBeUndefined();
});

test('another port is listened at beside the one before', () => {
  const both = bothOf(of(), of(services(jump, { ...api, port: 9090 }, web)));
  expect(ids(both, /^Listener/)).toHaveLength(2);
  expect(targets(both, 9090)).not.toEqual(targets(both, 8080));
  expect(danglingIn(both)).toEqual([]);
});

test('a name moves to a balancer that is new when that has targets, and from one that goes before it goes', () => {
  const alias = (template: Template | undefined) =>
    propertiesOf<{ AliasTarget?: object }>(template as Template, ids(template, /^NameOrderApi....$/)[0] ?? '')
      .AliasTarget;
  const single = of({ ...services(jump, { ...api, count: 1, environment: {} }, web) });
  expect(alias(bothOf(single, of()))).toBeUndefined();
  const back = bothOf(of(), single);
  expect(alias(back)).toBeUndefined();
  expect(ids(back, /^(Balancer|Listener|Targets)OrderApi/).length).toBeGreaterThan(2);
});

test('a template is the same when it is deployed as it is', () => {
  const both = bothOf(of(), of({ release })) as Template;
  const { template } = synthesizeAsItIs(both, {
    ...{ scope: inputs.scope, stackName: 'it' },
    synthesizer: infrastructureSynthesizer(inputs.foundation),
  });
  expect(template).toEqual(both);
});
