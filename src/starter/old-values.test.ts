// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Terraform writes references like that
import { expect, test } from 'vitest';
import { valuesInTfvars, valuesInYaml } from './old-values.js';

test('the plain settings of env.<name>.yaml are values, but for secrets, settings of the environment and what is nested', () => {
  const text =
    'region: eu-west-1\nvpcCidr: 10.0.0.0/16\nhost: db\nsize: 4\ntls: true\napi_token: x\ntags: { a: 1 }\nlines: |\n  a\n  b\n';
  expect(valuesInYaml(text)).toEqual({ host: 'db', size: 4, tls: true });
  for (const odd of ['', '- a', 'a: [', '42']) expect(valuesInYaml(odd)).toEqual({});
});

test('the plain variables of a .tfvars are values', () => {
  const text = [
    'aws_region = "eu-west-1"',
    'vpc_cidr   = "10.0.0.0/16"',
    'host = "db.internal" # the primary',
    'quoted = "a \\"b\\""',
    'count = 3',
    'tls = true',
    'list = ["a"]',
    'other = var.host',
    'made = "${local.x}"',
    'db_password = "never"',
    '# gone = "x"',
  ].join('\n');
  expect(valuesInTfvars(text)).toEqual({ host: 'db.internal', quoted: 'a "b"', count: 3, tls: true });
});
